//! Shadows of a real node: what they find out, what they cost nothing, and what they are told.

mod auto;
mod operator;
mod replay;
pub(crate) mod traffic;
mod trial;
