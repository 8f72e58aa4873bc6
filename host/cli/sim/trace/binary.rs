//! Records of a fixed length: `oracleGeneral` of libCacheSim, and `vscsi` of CloudPhysics.

use std::io::Read;

use anyhow::{Context, Result, bail};

use super::reader::Reader;
use super::record::{Name, Record};
use super::unpack::Input;

/// How records are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli::sim) enum Layout {
    /// Seconds (u32), key (u64), size (u32), number of the key's next request (i64).
    OracleGeneral,
    /// Serial number, bytes, segments (u32 each), command, version (u16 each), block,
    /// microseconds (u64 each).
    Vscsi1,
    /// Command, version (u16 each), serial number, bytes, segments (u32 each), block,
    /// microseconds, time to answer (u64 each).
    Vscsi2,
}

use Layout::{OracleGeneral, Vscsi1, Vscsi2};

/// Records that are looked at to tell a layout.
const LOOKED_AT: usize = 64;

impl Layout {
    fn length(self) -> usize {
        match self {
            OracleGeneral => 24,
            Vscsi1 => 32,
            Vscsi2 => 40,
        }
    }

    /// The layout of a trace that begins so, if it is one of these.
    pub(super) fn of(beginning: &[u8]) -> Option<Self> {
        [Vscsi2, Vscsi1, OracleGeneral].into_iter().find(|layout| layout.fits(beginning))
    }

    /// The version of `vscsi` of a trace that begins so.
    pub(super) fn vscsi(beginning: &[u8]) -> Option<Self> {
        [Vscsi2, Vscsi1].into_iter().find(|layout| layout.fits(beginning))
    }

    /// Whether the first records look as these do.
    fn fits(self, beginning: &[u8]) -> bool {
        let records: Vec<&[u8]> = beginning.chunks_exact(self.length()).take(LOOKED_AT).collect();
        let plausible = |(place, record): (u64, &&[u8])| match self {
            Vscsi1 => number(record, 14, 2) >> 8 == 1,
            Vscsi2 => number(record, 2, 2) >> 8 == 2,
            // The next request comes later, or never.
            OracleGeneral => {
                let next = number(record, 16, 8) as i64;
                next < 0 || next > place as i64
            }
        };
        let times = records.iter().map(|record| self.record(record).at_ms);
        !records.is_empty() && (0..).zip(&records).all(plausible) && times.is_sorted()
    }

    fn record(self, bytes: &[u8]) -> Record<'static> {
        let (key, size, at_ms) = match self {
            OracleGeneral => {
                (number(bytes, 4, 8), number(bytes, 12, 4), number(bytes, 0, 4) * 1000)
            }
            Vscsi1 => (number(bytes, 16, 8), number(bytes, 4, 4), number(bytes, 24, 8) / 1000),
            Vscsi2 => (number(bytes, 16, 8), number(bytes, 8, 4), number(bytes, 24, 8) / 1000),
        };
        Record { size: (size as u32).max(1), at_ms, ..Record::get(Name::Number(key)) }
    }
}

/// A number of `length` bytes, the least significant first.
fn number(bytes: &[u8], at: usize, length: usize) -> u64 {
    bytes[at..at + length].iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// The records of a file.
pub(super) struct Records {
    input: Input,
    layout: Layout,
    number: u64,
}

impl Records {
    pub(super) fn new(input: Input, layout: Layout) -> Self {
        Self { input, layout, number: 0 }
    }
}

impl Reader for Records {
    fn next(&mut self) -> Result<Option<Record<'_>>> {
        let mut buffer = [0; 40];
        let record = &mut buffer[..self.layout.length()];
        self.number += 1;
        let mut filled = 0;
        while filled < record.len() {
            match self.input.read(&mut record[filled..]).context("it can't be read")? {
                0 if filled == 0 => return Ok(None),
                0 => bail!("the trace ends in the middle of it; it was cut, or is another format"),
                read => filled += read,
            }
        }
        Ok(Some(self.layout.record(record)))
    }

    fn place(&self) -> String {
        format!("record {}", self.number)
    }
}
