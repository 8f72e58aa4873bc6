//! The file of a recording: a table in zstd. Its first line says what it is, and lines that
//! begin with `#` stand between the others and tell sums over all keys.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::num::NonZeroU32;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use zstd::Encoder;

use super::access::{self, COLUMNS, Sums};
use crate::proto::RecordedAccess;

/// Fast, and a fifth of the text.
const LEVEL: i32 = 3;

/// What is written is in the file after so many bytes, and after so long. What is left of a file
/// that could not be ended can be read up to there.
const FLUSH_BYTES: usize = 1 << 17;
const FLUSH_EVERY: Duration = Duration::from_secs(1);

/// A recording that is being written.
pub(super) struct RecordingFile {
    path: PathBuf,
    encoder: Encoder<'static, Counted>,
    plain_keys: bool,
    /// Lines that are not written yet.
    waiting: String,
    flushed: Instant,
    /// Accesses so far.
    lines: u64,
}

impl RecordingFile {
    /// Makes the file.
    pub(super) fn create(path: &Path, one_in: NonZeroU32, plain_keys: bool) -> Result<Self> {
        // A device or a pipe exists, and a file that exists is not overwritten.
        let is_device = path.metadata().is_ok_and(|found| !found.is_file() && !found.is_dir());
        // Plain keys are for their owner only.
        let mode = if plain_keys { 0o600 } else { 0o666 };
        let opened = OpenOptions::new().write(true).create_new(!is_device).mode(mode).open(path);
        let file = opened.map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => {
                anyhow!("{} exists; name another file with --output", path.display())
            }
            _ => anyhow!(
                "{} can't be made: {error}; name another file with --output",
                path.display()
            ),
        })?;
        let encoder = Encoder::new(Counted { file, size: 0 }, LEVEL)?;
        let keys = if plain_keys { "plain" } else { "hashed" };
        let waiting = format!("# psycache recording 1 one-in={one_in} keys={keys}\n{COLUMNS}\n");
        let (path, flushed) = (path.to_owned(), Instant::now());
        let mut file = Self { path, encoder, plain_keys, waiting, flushed, lines: 0 };
        file.flush().map_err(|error| file.failure(&error))?;
        Ok(file)
    }

    /// Appends accesses, and what is known of all keys after them.
    pub(super) fn write(&mut self, accesses: &[RecordedAccess], sums: Sums) -> Result<()> {
        for access in accesses {
            access::write(access, self.plain_keys, &mut self.waiting);
        }
        self.lines += accesses.len() as u64;
        if self.waiting.len() < FLUSH_BYTES && self.flushed.elapsed() < FLUSH_EVERY {
            return Ok(());
        }
        self.waiting += &told("", sums);
        self.flush().map_err(|error| self.failure(&error))
    }

    /// Bytes in the file.
    pub(super) fn size(&self) -> u64 {
        self.encoder.get_ref().size
    }

    /// Ends the file. Returns the number of accesses and bytes in it.
    pub(super) fn end(mut self, sums: Sums) -> Result<(u64, u64)> {
        self.waiting += &told("end ", sums);
        self.flush().map_err(|error| self.failure(&error))?;
        let (path, lines) = (self.path, self.lines);
        let Counted { file, size } = self.encoder.finish().with_context(|| full(&path, lines))?;
        // A full disk may show only here. A device has nothing to write out.
        match file.sync_all() {
            Err(error) if error.kind() != ErrorKind::InvalidInput => {
                Err(error).with_context(|| full(&path, lines))
            }
            _ => Ok((lines, size)),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.encoder.write_all(self.waiting.as_bytes())?;
        self.encoder.flush()?;
        self.waiting.clear();
        self.flushed = Instant::now();
        Ok(())
    }

    fn failure(&self, error: &io::Error) -> anyhow::Error {
        anyhow!("{}: {error}", full(&self.path, self.lines))
    }
}

fn told(word: &str, Sums { gets, found, lost }: Sums) -> String {
    format!("# {word}gets={gets} found={found} lost={lost}\n")
}

fn full(path: &Path, lines: u64) -> String {
    format!(
        "{} can't be written any more, after {lines} accesses; make room, or name another file \
         with --output. psycache sim reads what is in it",
        path.display()
    )
}

/// A file whose size is counted.
struct Counted {
    file: File,
    size: u64,
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
