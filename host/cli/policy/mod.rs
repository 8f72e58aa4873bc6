//! `psycache policy`: which eviction policies there are, and another one for a group.

pub(super) mod swap;

/// Eviction policies.
#[derive(clap::Subcommand)]
pub(super) enum Command {
    Swap(swap::Args),
}
