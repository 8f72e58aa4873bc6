//! A recorded request stream, read block by block.

mod record;

mod reader;

mod lines;
mod names;
mod unpack;

mod columns;

mod binary;
mod recording;
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
use super::tally::Volume;
use columns::Field;
pub(super) use format::{Asked, Format};
pub(super) use names::Names;
use names::Numbering;
use reader::Reader;
pub(super) use reader::Recorded;
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
    /// What its format was taken for, unless that is sure.
    guessed: Option<&'static str>,
    reading: Reading,
    numbering: Numbering,
    /// Requests so far, of keys outside of the sample too.
    requests: u64,
    /// The gets among them that count.
    asked: Volume,
    /// Gets of all keys before those, where the trace is a recording.
    gets_before: u64,
    /// Size and load time of the last value of each key, where the trace is a recording, whose
    /// misses do not tell them.
    values: Vec<(u32, u32)>,
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
        let read = (&mut input).take(BEGINNING).read_to_end(&mut beginning);
        let read = read.map(drop).context("it can't be read");
        // A recording that was cut is replayed up to there.
        let is_cut = |error: &anyhow::Error| recording::is_cut(error);
        read.or_else(|error| match beginning.starts_with(recording::MAGIC) && is_cut(&error) {
            true => Ok(()),
            false => Err(error),
        })?;
        let format = reading.format.format(&beginning)?;
        let is_guess = reading.format == Asked::Auto && !format.is_sure(&beginning);
        let guessed = is_guess.then(|| format.words());
        let input: Input = Box::new(BufReader::new(Cursor::new(beginning).chain(input)));
        let (reader, tells) = open(input, &format)?;
        Ok(Self {
            reader,
            tells,
            guessed,
            reading: reading.clone(),
            numbering: Numbering::default(),
            requests: 0,
            asked: Volume::default(),
            gets_before: 0,
            values: Vec::new(),
            now_ms: 0,
            late: 0,
        })
    }

    /// The next requests; empty at the end.
    pub(super) fn next_block(&mut self) -> Result<Vec<Request>> {
        let mut block = Vec::with_capacity(BLOCK);
        self.numbering.forget_waiting();
        let is_recording = self.reader.recorded().is_some();
        while block.len() < BLOCK {
            let record = match self.reader.next() {
                Ok(None) => break,
                Ok(Some(record)) => record,
                Err(error) => return Err(error.context(self.reader.place())),
            };
            let is_counted = self.requests >= self.reading.warmup;
            self.requests += 1;
            if is_counted && record.kind.is_get() {
                self.asked.add(record.size, record.load_us);
            }
            self.late += u64::from(record.at_ms < self.now_ms);
            self.now_ms = self.now_ms.max(record.at_ms);
            let at_ms = self.now_ms;
            if record.kind == Kind::Clear {
                block.push(Request { at_ms, kind: record.kind, ..Request::default() });
                continue;
            }
            if !is_sampled(record.key, self.reading.sample) {
                continue;
            }
            let Record { size, ttl_ms, load_us, kind, .. } = record;
            let request = Request { key: 0, size, at_ms, ttl_ms, load_us, kind, is_counted };
            self.numbering.push(&mut block, request, record.key, is_recording)?;
            if is_recording && let Some(recorded) = self.reader.recorded() {
                block.last_mut().into_iter().for_each(|request| self.complete(request, recorded));
            }
        }
        self.numbering.number_waiting(&mut block)?;
        Ok(block)
    }

    /// Adds to a request of a recording what was told before of its key.
    fn complete(&mut self, request: &mut Request, recorded: Recorded) {
        if !request.is_counted {
            self.gets_before = recorded.gets;
        }
        self.values.resize(self.numbering.unique(), (1, 0));
        let value = &mut self.values[request.key as usize];
        match request.kind {
            Kind::Miss => (request.size, request.load_us) = *value,
            kind if kind.has_value() => *value = (request.size, request.load_us),
            _ => {}
        }
    }

    /// What it tells beside keys.
    pub(super) fn tells(&self) -> Tells {
        self.tells
    }

    /// What its format was taken for, if nobody said it and it may be another.
    pub(super) fn guessed(&self) -> Option<&'static str> {
        self.guessed
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

    /// The gets that count so far, of all keys. What a recording does not tell of keys that are
    /// not in it is 0.
    pub(super) fn asked(&self) -> Volume {
        let Some(Recorded { one_in, gets, lost, .. }) = self.reader.recorded() else {
            return self.asked;
        };
        let gets = match gets.saturating_sub(self.gets_before) {
            0 => self.asked.gets() * u64::from(one_in.get()),
            // What was lost is taken to be like what was not.
            gets => (gets as f64 * self.requests as f64 / (self.requests + lost) as f64) as u64,
        };
        Volume::of(gets)
    }

    /// One key in so many is replayed.
    pub(super) fn sample(&self) -> NonZeroU32 {
        let one_in = self.reader.recorded().map_or(NonZeroU32::MIN, |recorded| recorded.one_in);
        self.reading.sample.saturating_mul(one_in)
    }

    /// What it tells of keys that are not in it, if it is a recording.
    pub(super) fn recorded(&self) -> Option<Recorded> {
        self.reader.recorded()
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
        Format::Recording => {
            let tells = Tells { sizes: true, changes: true, load_times: true };
            (Box::new(recording::Recording::open(input)?), tells)
        }
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
