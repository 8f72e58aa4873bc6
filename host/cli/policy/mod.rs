//! `psycache policy`: which eviction policies there are, one of your own, and another one for
//! a group.

pub(super) mod build;
pub(super) mod check;
pub(super) mod chunks;
mod language;
pub(super) mod list;
pub(super) mod new;
pub(super) mod swap;
mod trial;

/// Eviction policies.
#[derive(clap::Subcommand)]
pub(super) enum Command {
    List(list::Args),
    New(new::Args),
    Build(build::Args),
    Check(check::Args),
    Swap(swap::Args),
}
