//! `psycache token …`: one file a subcommand.

pub(super) mod new;

#[derive(clap::Subcommand)]
pub(super) enum Command {
    New(new::Args),
}
