//! A recorded request stream: a key a line, with its size behind it where the
//! stream is sized, plain or gzip.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use flate2::bufread::MultiGzDecoder;
use hashbrown::HashMap;
use parking_lot::RwLock;

use crate::key::MAX_KEY_BYTES;

/// One request: the number of the key, and the weight of the entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) key: u32,
    pub(super) weight: u32,
}

/// The unit of a capacity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Unit {
    /// Every entry weighs one; sizes in the trace are passed over.
    #[default]
    Entries,
    /// An entry weighs what the second column of its line says.
    Bytes,
}

/// The texts of the keys, by number. Shared with policies that look at keys.
pub(super) type Names = Arc<RwLock<Vec<Arc<[u8]>>>>;

/// Requests that are read together.
const BLOCK: usize = 1 << 16;

/// Longest line that can be one: a key, a blank and a size.
const MAX_LINE_BYTES: u64 = MAX_KEY_BYTES as u64 + 32;

/// A stream being read, block by block.
pub(super) struct Trace {
    input: Box<dyn BufRead + Send>,
    unit: Unit,
    line: u64,
    text: Vec<u8>,
    numbers: HashMap<Arc<[u8]>, u32, foldhash::fast::RandomState>,
    names: Names,
}

impl Trace {
    /// Opens `path`; `-` is standard input. `progress` is called with the number of bytes read
    /// from the file, before decompression.
    pub(super) fn open(
        path: &Path,
        unit: Unit,
        progress: impl FnMut(u64) + Send + 'static,
    ) -> Result<Self> {
        let source: Box<dyn Read + Send> = if path == Path::new("-") {
            Box::new(io::stdin())
        } else {
            if path.is_dir() {
                bail!("it is a folder; name the trace files in it");
            }
            Box::new(File::open(path)?)
        };
        Self::of(source, unit, progress)
    }

    /// Reads from `source`; see [`open`](Self::open).
    pub(super) fn of(
        source: Box<dyn Read + Send>,
        unit: Unit,
        progress: impl FnMut(u64) + Send + 'static,
    ) -> Result<Self> {
        let mut packed = BufReader::with_capacity(1 << 16, Counted { source, progress });
        let gzip = packed.fill_buf()?.starts_with(&[0x1f, 0x8b]);
        let input: Box<dyn BufRead + Send> = match gzip {
            true => Box::new(BufReader::with_capacity(1 << 16, MultiGzDecoder::new(packed))),
            false => Box::new(packed),
        };
        Ok(Self {
            input,
            unit,
            line: 0,
            text: Vec::new(),
            numbers: HashMap::default(),
            names: Names::default(),
        })
    }

    /// The texts of the keys met so far.
    pub(super) fn names(&self) -> Names {
        Arc::clone(&self.names)
    }

    /// Distinct keys met so far.
    pub(super) fn unique(&self) -> usize {
        self.numbers.len()
    }

    /// The next requests; empty at the end.
    pub(super) fn next_block(&mut self) -> Result<Vec<Request>> {
        let mut block = Vec::with_capacity(BLOCK);
        while block.len() < BLOCK {
            self.text.clear();
            self.line += 1;
            let line = self.line;
            let mut limited = (&mut self.input).take(MAX_LINE_BYTES);
            let read = limited.read_until(b'\n', &mut self.text);
            match read.with_context(|| format!("line {line} can't be read"))? {
                0 => break,
                read if read as u64 == MAX_LINE_BYTES && !self.text.ends_with(b"\n") => bail!(
                    "line {line} is too long: a trace has a key of at most {MAX_KEY_BYTES} bytes \
                     a line, and maybe its size"
                ),
                _ => block.extend(self.parse().with_context(|| format!("line {line}"))?),
            }
        }
        Ok(block)
    }

    /// The request in `self.text`; none in a blank line.
    fn parse(&mut self) -> Result<Option<Request>> {
        let mut words = self.text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        let Some(key) = words.next() else {
            return Ok(None);
        };
        if key.len() > MAX_KEY_BYTES {
            bail!("a key has at most {MAX_KEY_BYTES} bytes; a trace has one key a line");
        }
        let weight = match (self.unit, words.next()) {
            (Unit::Entries, _) => 1,
            (Unit::Bytes, None) => {
                bail!("no size behind the key, which --unit bytes needs; try --unit entries")
            }
            (Unit::Bytes, Some(size)) => std::str::from_utf8(size)
                .ok()
                .and_then(|size| size.parse::<u32>().ok())
                .with_context(|| {
                    let size = String::from_utf8_lossy(size);
                    format!("{size:?} is no size: a number of bytes below 4 GiB is wanted")
                })?
                .max(1),
        };
        Ok(Some(Request { key: number(&mut self.numbers, &self.names, key)?, weight }))
    }
}

fn number(
    numbers: &mut HashMap<Arc<[u8]>, u32, foldhash::fast::RandomState>,
    names: &Names,
    key: &[u8],
) -> Result<u32> {
    if let Some(number) = numbers.get(key) {
        return Ok(*number);
    }
    let number = u32::try_from(numbers.len()).context("more than 4 billion distinct keys")?;
    let name: Arc<[u8]> = key.into();
    names.write().push(Arc::clone(&name));
    numbers.insert(name, number);
    Ok(number)
}

/// Reports how much was read.
struct Counted<F> {
    source: Box<dyn Read + Send>,
    progress: F,
}

impl<F: FnMut(u64)> Read for Counted<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        (self.progress)(read as u64);
        Ok(read)
    }
}
