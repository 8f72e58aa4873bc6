//! Shadows of a real node: what they find out, what they cost nothing, and what they are told.

mod operator;
mod replay;
mod trial;
