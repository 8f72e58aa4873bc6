//! Files as they are: plain, gzip, zstd or xz, told apart by their first bytes.

use std::io::{self, BufRead, BufReader, Read};

use anyhow::{Context, Result, bail};
use flate2::bufread::MultiGzDecoder;
use lzma_rust2::XzReader;

const BUFFER: usize = 1 << 16;

/// A stream of the content.
pub(super) type Input = Box<dyn BufRead + Send>;

/// Unpacks `source`. `progress` is called with the number of bytes that were read from it.
///
/// # Errors
/// It can't be read, or is packed in another way.
pub(super) fn unpack(
    source: Box<dyn Read + Send>,
    progress: impl FnMut(u64) + Send + 'static,
) -> Result<Input> {
    let mut packed = BufReader::with_capacity(BUFFER, Counted { source, progress });
    let first = packed.fill_buf()?;
    let unpacked: Box<dyn Read + Send> = match first {
        [0x1f, 0x8b, ..] => Box::new(MultiGzDecoder::new(packed)),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            Box::new(zstd::Decoder::with_buffer(packed).context("a zstd stream can't begin")?)
        }
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Box::new(XzReader::new(packed, true)),
        [b'B', b'Z', b'h', ..] => bail!("bzip2 is not read; unpack it, or pack it by zstd"),
        [b'P', b'K', 3, 4, ..] => bail!("a zip archive is not read; unpack it"),
        _ => return Ok(Box::new(packed)),
    };
    Ok(Box::new(BufReader::with_capacity(BUFFER, unpacked)))
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
