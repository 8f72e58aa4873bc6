//! The `psycache` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    psycache::cli::run(std::env::args_os())
}
