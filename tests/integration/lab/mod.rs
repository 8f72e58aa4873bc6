//! The lab of policies: the commands that make, build and check one.

mod check;
mod own;
mod with_languages;
