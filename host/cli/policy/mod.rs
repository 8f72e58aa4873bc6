//! `psycache policy`: which eviction policies there are, whether one is right, and another one
//! for a group.

pub(super) mod check;
pub(super) mod list;
pub(super) mod swap;

/// Eviction policies.
#[derive(clap::Subcommand)]
pub(super) enum Command {
    List(list::Args),
    Check(check::Args),
    Swap(swap::Args),
}
