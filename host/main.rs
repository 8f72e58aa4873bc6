//! The `psycache` command.

fn main() {}
