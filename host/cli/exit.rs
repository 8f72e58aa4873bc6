//! How a command ends: its exit code, and what standard error says.

use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;

use tonic::Code;

use super::output::escaped;

/// The exit codes that scripts depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exit {
    Failed = 1,
    Usage = 2,
    NotFound = 3,
    Unavailable = 4,
}

impl From<Code> for Exit {
    fn from(code: Code) -> Self {
        match code {
            Code::NotFound => Self::NotFound,
            Code::Unavailable | Code::DeadlineExceeded => Self::Unavailable,
            Code::InvalidArgument => Self::Usage,
            _ => Self::Failed,
        }
    }
}

/// A failure with an exit code other than 1.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) exit: Exit,
    message: String,
}

impl Failure {
    /// Makes a failure; the message says how to fix it.
    pub(super) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// Prints the error, if any, on standard error.
pub(super) fn report(result: anyhow::Result<()>) -> ExitCode {
    let Err(error) = result else {
        return ExitCode::SUCCESS;
    };
    if is_closed_pipe(&error) {
        return ExitCode::SUCCESS;
    }
    complain(&format!("{error:#}"));
    let exit = error.downcast_ref().map_or(Exit::Failed, |failure: &Failure| failure.exit);
    ExitCode::from(exit as u8)
}

/// One line for people on standard error.
pub(super) fn complain(message: &str) {
    // The message may come from another program in part, which must not control a terminal.
    let lines: Vec<String> = message.split('\n').map(escaped).collect();
    let message = lines.join("\n");
    // A failure to write this can't be reported anywhere.
    let _ = writeln!(io::stderr(), "error: {message}");
}

/// The code of a command line that clap refused, or of the help it asked for.
pub(super) fn usage(error: &clap::Error) -> ExitCode {
    if error.use_stderr() { ExitCode::from(Exit::Usage as u8) } else { ExitCode::SUCCESS }
}

/// The reader of the output, such as `head`, closed the pipe: that is no failure.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let io: Option<&io::Error> = error.downcast_ref();
    io.is_some_and(|io| io.kind() == io::ErrorKind::BrokenPipe)
}
