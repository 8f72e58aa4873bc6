//! A key a line, with its size behind it or not, and the blocks of ARC's traces.

use anyhow::{Context, Result, bail};

use super::lines::Lines;
use super::reader::Reader;
use super::record::{Name, Record};
use super::unpack::Input;
use crate::key::MAX_KEY_BYTES;

/// Each line is a key, blanks in it included.
pub(super) struct Keys(Lines);

/// Each line is a key and the size of its value.
pub(super) struct Sized(Lines);

/// Each line has a first block, a number of blocks, and two numbers that don't matter here: N.
/// Megiddo and D. S. Modha, "ARC: a self-tuning, low overhead replacement cache", FAST 2003.
pub(super) struct Blocks {
    lines: Lines,
    next: u64,
    end: u64,
}

impl Keys {
    pub(super) fn new(input: Input) -> Self {
        Self(Lines::new(input))
    }
}

impl Reader for Keys {
    fn next(&mut self) -> Result<Option<Record<'_>>> {
        self.0.next()?.map(|line| Ok(Record::get(key(line.trim_ascii())?))).transpose()
    }

    fn place(&self) -> String {
        format!("line {}", self.0.number())
    }
}

impl Sized {
    pub(super) fn new(input: Input) -> Self {
        Self(Lines::new(input))
    }
}

impl Reader for Sized {
    fn next(&mut self) -> Result<Option<Record<'_>>> {
        let Some(line) = self.0.next()? else { return Ok(None) };
        let line = line.trim_ascii();
        let Some(blank) = line.iter().rposition(u8::is_ascii_whitespace) else {
            bail!("there is no size behind the key; try --unit entries");
        };
        let (key_text, size_text) = line.split_at(blank);
        let size = size(size_text.trim_ascii())?;
        Ok(Some(Record { size, ..Record::get(key(key_text.trim_ascii())?) }))
    }

    fn place(&self) -> String {
        format!("line {}", self.0.number())
    }
}

impl Blocks {
    pub(super) fn new(input: Input) -> Self {
        Self { lines: Lines::new(input), next: 0, end: 0 }
    }
}

impl Reader for Blocks {
    fn next(&mut self) -> Result<Option<Record<'_>>> {
        while self.next == self.end {
            let Some(line) = self.lines.next()? else { return Ok(None) };
            let (first, count) = blocks(line).with_context(|| {
                let line = String::from_utf8_lossy(line);
                format!("{line:?}: four numbers are wanted, the first block and how many first")
            })?;
            self.next = first;
            self.end = first.checked_add(count).context("there are no blocks so far up")?;
        }
        self.next += 1;
        Ok(Some(Record::get(Name::Number(self.next - 1))))
    }

    fn place(&self) -> String {
        format!("line {}", self.lines.number())
    }
}

/// The first block of a line of ARC's traces, and how many there are.
pub(super) fn blocks(line: &[u8]) -> Option<(u64, u64)> {
    let words: Vec<&str> = std::str::from_utf8(line).ok()?.split_ascii_whitespace().collect();
    let [first, count, _, _] = words[..] else { return None };
    Some((first.parse().ok()?, count.parse().ok()?))
}

/// The name of a key.
///
/// # Errors
/// No node would take it.
pub(super) fn key(text: &[u8]) -> Result<Name<'_>> {
    if text.is_empty() || text.len() > MAX_KEY_BYTES {
        bail!("a key has 1 to {MAX_KEY_BYTES} bytes");
    }
    Ok(Name::of(text))
}

/// A number of bytes. Each value weighs at least one.
///
/// # Errors
/// It is none, or too large.
pub(super) fn size(text: &[u8]) -> Result<u32> {
    let size = std::str::from_utf8(text).ok().and_then(|size| size.parse::<u32>().ok());
    let size = size.with_context(|| {
        let text = String::from_utf8_lossy(text);
        format!("{text:?} is no size: a number of bytes below 4 GiB is wanted")
    })?;
    Ok(size.max(1))
}
