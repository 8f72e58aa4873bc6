//! A recording of `psycache record`: what happened to a sample of a group's keys.

use std::io::{self, ErrorKind};
use std::num::NonZeroU32;

use anyhow::{Context, Result, bail};

use super::super::request::Kind;
use super::lines::Lines;
use super::reader::{Reader, Recorded};
use super::record::{Name, Record};
use super::text;
use super::unpack::Input;

/// What a recording begins with, before its version.
pub(super) const MAGIC: &[u8] = b"# psycache recording ";

/// What the first line says of the version that is read here.
const HEAD: &str = "1 one-in=";

/// The line of the columns.
const COLUMNS: &[u8] = b"time_ms,op,size,ttl_ms,load_us,key";

/// The requests of a recording.
pub(super) struct Recording {
    lines: Lines,
    /// Keys are hashes of 16 digits, not text.
    is_hashed: bool,
    recorded: Recorded,
    /// The last key that was not written as it is.
    key: Vec<u8>,
}

impl Recording {
    /// Reads the first line.
    pub(super) fn open(input: Input) -> Result<Self> {
        let mut lines = Lines::new(input);
        let first = lines.next()?.unwrap_or_default();
        let Some(head) = first.strip_prefix(MAGIC) else {
            bail!("its first line is not that of a recording of psycache record");
        };
        let head = String::from_utf8_lossy(head).into_owned();
        let one_in = head.strip_prefix(HEAD).with_context(|| {
            format!("it is a recording of another version ({head:?}); use a newer psycache")
        })?;
        let (one_in, keys) = one_in.split_once(' ').unwrap_or((one_in, ""));
        let one_in: Option<NonZeroU32> = one_in.parse().ok();
        let one_in = one_in.context("line 1 does not say how many keys there are")?;
        let is_hashed = keys == "keys=hashed";
        let recorded = Recorded { one_in, gets: 0, lost: 0, is_whole: false };
        Ok(Self { lines, is_hashed, recorded, key: Vec::new() })
    }
}

impl Reader for Recording {
    fn next(&mut self) -> Result<Option<Record<'_>>> {
        loop {
            let line = match self.lines.next() {
                Ok(Some(line)) => line,
                Ok(None) => return Ok(None),
                // The file was cut. `sim` warns of it.
                Err(error) if is_cut(&error) => return Ok(None),
                Err(error) => return Err(error),
            };
            if let Some(sums) = line.strip_prefix(b"# ") {
                self.recorded.note(&String::from_utf8_lossy(sums));
            } else if line != COLUMNS {
                break;
            }
        }
        match record(self.lines.last(), self.is_hashed, &mut self.key) {
            Some(record) => Ok(Some(record)),
            // The last line of a file that was cut.
            None if self.lines.is_cut_short() => Ok(None),
            None => {
                let line = String::from_utf8_lossy(self.lines.last());
                bail!("{line:?} is no line of a recording")
            }
        }
    }

    fn place(&self) -> String {
        format!("line {}", self.lines.number())
    }

    fn recorded(&self) -> Option<Recorded> {
        Some(self.recorded)
    }
}

impl Recorded {
    /// Takes over what a line tells of all keys.
    fn note(&mut self, sums: &str) {
        for word in sums.split(' ') {
            match word.split_once('=') {
                None if word == "end" => self.is_whole = true,
                Some(("gets", gets)) => self.gets = gets.parse().unwrap_or(self.gets),
                Some(("lost", lost)) => self.lost = lost.parse().unwrap_or(self.lost),
                _ => {}
            }
        }
    }
}

/// Whether a compressed file ends in the middle.
pub(super) fn is_cut(error: &anyhow::Error) -> bool {
    let io = error.downcast_ref::<io::Error>();
    io.is_some_and(|error| error.kind() == ErrorKind::UnexpectedEof)
}

/// What a line says; none if it is no line of a recording.
fn record<'a>(line: &'a [u8], is_hashed: bool, buffer: &'a mut Vec<u8>) -> Option<Record<'a>> {
    let mut columns = line.splitn(6, |byte| *byte == b',');
    let at_ms = number(columns.next()?)?;
    let kind = match columns.next()? {
        b"get" => Kind::Get,
        b"miss" => Kind::Miss,
        b"load" => Kind::Load,
        b"set" => Kind::Set,
        b"remove" => Kind::Remove,
        b"clear" => Kind::Clear,
        _ => return None,
    };
    let mut next = || u32::try_from(number(columns.next()?)?).ok();
    let (size, ttl_ms, load_us) = (next()?.max(1), next()?, next()?);
    let key = columns.next()?;
    let name = match is_hashed && kind != Kind::Clear {
        true => Name::Number(hash(key)?),
        false => text::key(plain(key, buffer)).ok()?,
    };
    Some(Record { key: name, size, at_ms, ttl_ms, load_us, kind })
}

/// A key as it was before a line break or a backslash in it was written as two bytes.
fn plain<'a>(written: &'a [u8], buffer: &'a mut Vec<u8>) -> &'a [u8] {
    if !written.contains(&b'\\') {
        return written;
    }
    buffer.clear();
    let mut bytes = written.iter().copied();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => match bytes.next() {
                Some(b'n') => buffer.push(b'\n'),
                Some(b'r') => buffer.push(b'\r'),
                other => buffer.extend(other),
            },
            byte => buffer.push(byte),
        }
    }
    buffer
}

fn number(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// The hash of a key, in 16 digits.
fn hash(key: &[u8]) -> Option<u64> {
    let is_hash = key.len() == 16 && key.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    is_hash.then(|| u64::from_str_radix(std::str::from_utf8(key).ok()?, 16).ok())?
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::key::MAX_KEY_BYTES;

    const FIRST: &str = "# psycache recording 1 one-in=8 keys=plain\n\
                         time_ms,op,size,ttl_ms,load_us,key\n";

    fn open(text: String) -> Result<Recording> {
        Recording::open(Box::new(Cursor::new(text.into_bytes())))
    }

    #[test]
    fn lines_are_requests_and_sums_stand_between_them() {
        let lines =
            "7,load,130,500,9,a,b\n# gets=70 found=3 lost=1\n8,miss,0,0,0,00000000000000ab\n";
        let mut recording = open(format!("{FIRST}{lines}# end gets=80 found=9 lost=2\n")).unwrap();
        let loaded = recording.next().unwrap().unwrap();
        let name = Name::Text(b"a,b");
        let (size, at_ms, ttl_ms, load_us, kind) = (130, 7, 500, 9, Kind::Load);
        assert_eq!(loaded, Record { key: name, size, at_ms, ttl_ms, load_us, kind });
        let missed = recording.next().unwrap().unwrap();
        assert_eq!((missed.kind, missed.key), (Kind::Miss, Name::Text(b"00000000000000ab")));
        let known = recording.recorded().unwrap();
        assert_eq!((known.one_in.get(), known.gets, known.lost, known.is_whole), (8, 70, 1, false));
        assert!(recording.next().unwrap().is_none());
        let known = recording.recorded().unwrap();
        assert_eq!((known.gets, known.lost, known.is_whole), (80, 2, true));
    }

    #[test]
    fn the_last_line_of_a_cut_file_is_left_out_and_a_wrong_one_before_is_refused() {
        let mut cut = open(format!("{FIRST}1,get,1,0,0,a\n2,ge")).unwrap();
        assert!(cut.next().unwrap().is_some());
        assert!(cut.next().unwrap().is_none() && !cut.recorded().unwrap().is_whole);
        for line in ["x,get,1,0,0,a", "1,got,1,0,0,a", "1,get,-1,0,0,a", "1,get,1,0,0"] {
            let mut wrong = open(format!("{FIRST}{line}\n1,get,1,0,0,a\n")).unwrap();
            assert!(wrong.next().is_err(), "{line}");
            assert_eq!(wrong.place(), "line 3");
        }
    }

    #[test]
    fn hashes_have_sixteen_digits() {
        let lines = "1,get,1,0,0,00000000000000ab\n1,clear,0,0,0,-\n1,get,1,0,0,ab\n\n1,";
        let mut recording = open(FIRST.replace("plain", "hashed") + lines).unwrap();
        assert_eq!(recording.next().unwrap().unwrap().key, Name::Number(0xab));
        assert_eq!(recording.next().unwrap().unwrap().kind, Kind::Clear);
        assert!(recording.next().is_err());
    }

    #[test]
    fn a_key_is_what_it_was_before_it_was_written_in_a_line() {
        let longest = "\\".repeat(MAX_KEY_BYTES);
        let written = longest.replace('\\', "\\\\");
        let lines =
            format!("1,get,1,0,0,a\\n\\r\\\\n\n1,get,1,0,0,{written}\n1,get,1,0,0,{written}a\n");
        let mut recording = open(format!("{FIRST}{lines}")).unwrap();
        assert_eq!(recording.next().unwrap().unwrap().key, Name::Text(b"a\n\r\\n"));
        assert_eq!(recording.next().unwrap().unwrap().key, Name::Text(longest.as_bytes()));
        assert!(recording.next().is_err(), "one byte too long");
    }

    #[test]
    fn another_version_is_told() {
        let problem = open("# psycache recording 2 x\n".into()).err().unwrap().to_string();
        assert!(problem.contains("use a newer psycache"), "{problem}");
        assert!(open("a\n".into()).is_err());
    }
}
