//! Reads the TOML file, with errors that name the key, the file and the line.

use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::Error;
use super::settings::Settings;
use super::text::{is_refused, within};
use crate::nearest::nearest;

/// The most bytes of a config file that are read.
const LARGEST_FILE: u64 = 16 << 20;

impl Settings {
    /// Reads a TOML file.
    ///
    /// # Errors
    /// The file can't be read, is not TOML, or has an unknown key or an invalid value.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let mut bytes = Vec::new();
        // The size of a device or a pipe is not known before it is read.
        let read =
            File::open(path).and_then(|file| file.take(LARGEST_FILE + 1).read_to_end(&mut bytes));
        let unreadable = |reason: String| Error::Unreadable { path: path.into(), reason };
        read.map_err(|error| unreadable(error.to_string()))?;
        if bytes.len() as u64 > LARGEST_FILE {
            return Err(unreadable(format!("it is longer than {LARGEST_FILE} bytes")));
        }
        Self::parse(path, bytes)
    }

    /// Parses the content of a TOML file. `path` is used in errors, and relative paths start
    /// from its folder; the file need not exist. Files and variables that the content refers to
    /// are read.
    ///
    /// # Errors
    /// Those of [`read`](Self::read).
    pub fn parse(path: &Path, bytes: Vec<u8>) -> Result<Self, Error> {
        let text = String::from_utf8(bytes).map_err(|error| {
            let line = line(error.as_bytes(), error.utf8_error().valid_up_to());
            Error::Unreadable { path: path.into(), reason: format!("line {line} is not UTF-8") }
        })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        within(folder, || toml::from_str(&text)).map_err(|error| {
            let span = error.span().unwrap_or_default();
            let line = line(text.as_bytes(), span.start);
            // The message may contain newlines from a quoted key.
            let problem = problem(&error, &text, line, &span).replace('\n', ", ");
            Error::InFile { path: path.into(), line, problem }
        })
    }
}

/// The number of the line that contains the byte `at`, from 1.
fn line(bytes: &[u8], at: usize) -> usize {
    1 + bytes.iter().take(at).filter(|byte| **byte == b'\n').count()
}

fn problem(error: &toml::de::Error, text: &str, line: usize, span: &Range<usize>) -> String {
    let message = error.message();
    if let Some((key, known)) = unknown_key(message) {
        let mend = match nearest(key, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the keys are {}", known.join(", ")),
        };
        return format!("there is no key `{key}` here; {mend}");
    }
    if message.starts_with("invalid type: map, expected a sequence") {
        return "a group is written [[group]], with two brackets, as there may be several".into();
    }
    if is_refused(message) {
        // The error does not contain the key, so the text is parsed again to find it.
        let root = DeTable::parse(text).ok();
        let key = root.as_ref().and_then(|root| key_of(root.get_ref(), span));
        return format!("{} {message}", key.unwrap_or("a value"));
    }
    let source = text.lines().nth(line - 1).unwrap_or_default().trim();
    format!("{message} in `{source}`")
}

/// The unknown key and the known keys of a serde error. They are available only in the
/// message, between backticks.
fn unknown_key(message: &str) -> Option<(&str, Vec<&str>)> {
    let mut names = message.strip_prefix("unknown field `")?.split('`').step_by(2);
    let key = names.next()?;
    Some((key, names.filter(|name| !name.is_empty()).collect()))
}

/// The key of the value at `span`.
fn key_of<'a>(table: &'a DeTable<'_>, span: &Range<usize>) -> Option<&'a str> {
    table.iter().find_map(|(key, value)| key_within(key.get_ref(), value, span))
}

/// The key of the value at `span`: `key` if it is `value`, or a key inside `value`.
fn key_within<'a>(
    key: &'a str,
    value: &'a Spanned<DeValue<'_>>,
    span: &Range<usize>,
) -> Option<&'a str> {
    match value.get_ref() {
        DeValue::Table(table) => key_of(table, span),
        DeValue::Array(items) => items.iter().find_map(|item| key_within(key, item, span)),
        _ => (value.span() == *span).then_some(key),
    }
}
