//! Standard output: written whole, and its closing noticed.

use std::io::{self, IsTerminal, Write};

use serde::Serialize;

/// Writes `bytes` as they are.
///
/// # Errors
/// Those of writing; a closed pipe among them, which the caller passes on as it is.
pub(super) fn write(bytes: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(bytes)?;
    stdout.flush()
}

/// Writes a line.
///
/// # Errors
/// As [`write()`].
pub(super) fn line(text: &str) -> io::Result<()> {
    write(format!("{text}\n").as_bytes())
}

/// Writes `value` as JSON for both people and programs.
///
/// # Errors
/// As [`write()`].
pub(super) fn json(value: &impl Serialize) -> io::Result<()> {
    line(&serde_json::to_string_pretty(value)?)
}

/// The capabilities of standard output.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Screen {
    /// `None`: it is no terminal, and nothing is cut.
    pub(super) columns: Option<usize>,
    pub(super) colour: bool,
}

impl Screen {
    /// Detects the capabilities.
    pub(super) fn of_stdout() -> Self {
        let stdout = io::stdout();
        if !stdout.is_terminal() {
            return Self::default();
        }
        Self {
            columns: terminal_size::terminal_size_of(&stdout)
                .map(|(width, _)| usize::from(width.0)),
            // https://no-color.org
            colour: std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
        }
    }
}
