//! Lines of bounded length.

use std::io::{BufRead, Read};

use anyhow::{Context, Result, bail};

use super::unpack::Input;
use crate::key::MAX_KEY_BYTES;

/// Longest line of a trace: a key, and more columns. In a recording each byte of a key may be
/// written as two.
const MAX_LINE_BYTES: u64 = 2 * MAX_KEY_BYTES as u64 + 1024;

/// What some editors write before UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The lines of a text.
pub(super) struct Lines {
    input: Input,
    text: Vec<u8>,
    number: u64,
}

impl Lines {
    pub(super) fn new(input: Input) -> Self {
        Self { input, text: Vec::new(), number: 0 }
    }

    /// The next line that is not blank, without its line break.
    ///
    /// # Errors
    /// It can't be read, or is too long.
    pub(super) fn next(&mut self) -> Result<Option<&[u8]>> {
        loop {
            self.text.clear();
            self.number += 1;
            let number = self.number;
            let mut limited = (&mut self.input).take(MAX_LINE_BYTES);
            let read = limited.read_until(b'\n', &mut self.text);
            match read.with_context(|| format!("line {number} can't be read"))? as u64 {
                0 => return Ok(None),
                MAX_LINE_BYTES if !self.text.ends_with(b"\n") => bail!(
                    "line {number} is too long: a trace has a key of at most {MAX_KEY_BYTES} \
                     bytes a line, and some numbers"
                ),
                _ => {}
            }
            if number == 1 && self.text.starts_with(BYTE_ORDER_MARK) {
                self.text.drain(..BYTE_ORDER_MARK.len());
            }
            if !self.text.trim_ascii().is_empty() {
                break;
            }
        }
        Ok(Some(self.last()))
    }

    /// The line that was read last.
    pub(super) fn last(&self) -> &[u8] {
        let line = self.text.strip_suffix(b"\n").unwrap_or(&self.text);
        line.strip_suffix(b"\r").unwrap_or(line)
    }

    /// Whether the text ended before the line that was read last did.
    pub(super) fn is_cut_short(&self) -> bool {
        !self.text.ends_with(b"\n")
    }

    /// The number of the line that was read last.
    pub(super) fn number(&self) -> u64 {
        self.number
    }
}
