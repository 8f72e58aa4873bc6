//! `psycache tls …`: one file a subcommand.

pub(super) mod try_out;

#[derive(clap::Subcommand)]
pub(super) enum Command {
    Try(try_out::Args),
}
