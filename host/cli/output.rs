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

/// `text` with what could affect a terminal escaped: control characters, and characters that
/// cannot be seen or change the direction of others.
pub(super) fn escaped(text: &str) -> String {
    let escape = |c: char| match c {
        '\'' | '"' | '\\' => c.to_string(),
        _ => c.escape_debug().to_string(),
    };
    text.chars().map(escape).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_affect_a_terminal_is_escaped() {
        assert_eq!(escaped("a\u{1b}[2J\nb"), "a\\u{1b}[2J\\nb");
        assert_eq!(escaped("right \u{202e}left\u{200b}"), "right \\u{202e}left\\u{200b}");
        assert_eq!(escaped(r#"C:\x "it's" Zoë 鍵"#), r#"C:\x "it's" Zoë 鍵"#);
    }
}
