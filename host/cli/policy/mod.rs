//! `psycache policy`: which eviction policies there are, and another one for a group.

pub(super) mod list;
pub(super) mod swap;

/// Eviction policies.
#[derive(clap::Subcommand)]
pub(super) enum Command {
    List(list::Args),
    Swap(swap::Args),
}
