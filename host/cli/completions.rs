//! `psycache completions`: a completion script for a shell.

use clap_complete::Shell;

use crate::cli::output;

/// Print a completion script for a shell
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  psycache completions bash > ~/.local/share/bash-completion/completions/psycache"
)]
pub(super) struct Args {
    /// The shell
    shell: Shell,
}

/// Runs the command.
pub(super) fn run(args: &Args, command: &mut clap::Command) -> anyhow::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, command, "psycache", &mut script);
    output::write(&script)?;
    Ok(())
}
