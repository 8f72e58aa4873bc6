//! A recorded request stream, read block by block.

mod record;

mod reader;

mod lines;
mod names;
mod unpack;

mod columns;

mod binary;
mod table;
mod text;

mod format;

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};
use std::num::NonZeroU32;
use std::path::Path;

use anyhow::{Context, Result, bail};
use xxhash_rust::xxh3::xxh3_64;

use super::request::{Kind, Request};
use columns::Field;
pub(super) use format::{Asked, Format};
pub(super) use names::Names;
use names::Numbering;
use reader::Reader;
use record::{Name, Record};
use unpack::Input;

/// Requests that are read together.
const BLOCK: usize = 1 << 16;

/// What is looked at to recognise a format.
const BEGINNING: u64 = 1 << 16;

/// What a trace tells beside keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tells {
    pub(super) sizes: bool,
    /// Operations other than get, or times to live.
    pub(super) changes: bool,
    pub(super) load_times: bool,
}

/// How a trace is to be read.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    pub(super) format: Asked,
    /// One key in so many is read, all of its requests.
    pub(super) sample: NonZeroU32,
    /// So many requests are not counted.
    pub(super) warmup: u64,
}

/// A stream being read.
pub(super) struct Trace {
    reader: Box<dyn Reader>,
    tells: Tells,
    reading: Reading,
    numbering: Numbering,
    /// Requests so far, of keys outside of the sample too.
    requests: u64,
    /// Gets among them that count.
    gets: u64,
    now_ms: u64,
    /// Requests that were older than the one before.
    late: u64,
}

impl Trace {
    /// Opens `path`; `-` is standard input. `progress` is called with the number of bytes read
    /// from the file, before decompression.
    pub(super) fn open(
        path: &Path,
        reading: &Reading,
        progress: impl FnMut(u64) + Send + 'static,
    ) -> Result<Self> {
        let source: Box<dyn Read + Send> = match path.to_str() {
            Some("-") => Box::new(io::stdin()),
            _ if path.is_dir() => bail!("it is a folder; name the trace files in it"),
            _ => Box::new(File::open(path)?),
        };
        Self::of(source, reading, progress)
    }

    /// Reads from `source`; see [`open`](Self::open).
    pub(super) fn of(
        source: Box<dyn Read + Send>,
        reading: &Reading,
        progress: impl FnMut(u64) + Send + 'static,
    ) -> Result<Self> {
        let mut input = unpack::unpack(source, progress)?;
        let mut beginning = Vec::new();
        (&mut input).take(BEGINNING).read_to_end(&mut beginning).context("it can't be read")?;
        let format = reading.format.format(&beginning)?;
        let input: Input = Box::new(BufReader::new(Cursor::new(beginning).chain(input)));
        let (reader, tells) = open(input, &format)?;
        Ok(Self {
            reader,
            tells,
            reading: reading.clone(),
            numbering: Numbering::default(),
            requests: 0,
            gets: 0,
            now_ms: 0,
            late: 0,
        })
    }

    /// The next requests; empty at the end.
    pub(super) fn next_block(&mut self) -> Result<Vec<Request>> {
        let mut block = Vec::with_capacity(BLOCK);
        while block.len() < BLOCK {
            let record = match self.reader.next() {
                Ok(None) => break,
                Ok(Some(record)) => record,
                Err(error) => return Err(error.context(self.reader.place())),
            };
            let is_counted = self.requests >= self.reading.warmup;
            self.requests += 1;
            self.gets += u64::from(is_counted && record.kind == Kind::Get);
            self.late += u64::from(record.at_ms < self.now_ms);
            self.now_ms = self.now_ms.max(record.at_ms);
            if !is_sampled(record.key, self.reading.sample) {
                continue;
            }
            let Record { size, ttl_ms, load_us, kind, .. } = record;
            let key = self.numbering.number(record.key)?;
            let at_ms = self.now_ms;
            block.push(Request { key, size, at_ms, ttl_ms, load_us, kind, is_counted });
        }
        Ok(block)
    }

    /// What it tells beside keys.
    pub(super) fn tells(&self) -> Tells {
        self.tells
    }

    /// The texts of all keys: the reader adds to them.
    pub(super) fn names(&self) -> Names {
        self.numbering.names()
    }

    /// Distinct keys met so far, of the sample.
    pub(super) fn unique(&self) -> usize {
        self.numbering.unique()
    }

    /// Requests so far, of all keys.
    pub(super) fn requests(&self) -> u64 {
        self.requests
    }

    /// Gets that count so far, of all keys.
    pub(super) fn gets(&self) -> u64 {
        self.gets
    }

    /// Requests so far that were older than the one before. They were taken as being as old.
    pub(super) fn late(&self) -> u64 {
        self.late
    }
}

fn open(input: Input, format: &Format) -> Result<(Box<dyn Reader>, Tells)> {
    let sized = Tells { sizes: true, ..Tells::default() };
    Ok(match format {
        Format::Keys => (Box::new(text::Keys::new(input)), Tells::default()),
        Format::Sized => (Box::new(text::Sized::new(input)), sized),
        Format::Blocks => (Box::new(text::Blocks::new(input)), Tells::default()),
        Format::Binary(layout) => (Box::new(binary::Records::new(input, *layout)), sized),
        Format::Table(columns) => {
            let table = table::Table::open(input, columns)?;
            let tells = Tells {
                sizes: table.has(|field| field == Field::Size),
                changes: table.has(|field| matches!(field, Field::Operation | Field::Ttl(_))),
                load_times: table.has(|field| matches!(field, Field::Load(_))),
            };
            (Box::new(table), tells)
        }
    })
}

/// Whether a key belongs to the sample: by its hash, so that it does in each trace that has it.
fn is_sampled(key: Name<'_>, one_in: NonZeroU32) -> bool {
    let hash = match key {
        _ if one_in.get() == 1 => return true,
        Name::Text(text) => xxh3_64(text),
        Name::Number(number) => xxh3_64(&number.to_le_bytes()),
    };
    hash % u64::from(one_in.get()) == 0
}
