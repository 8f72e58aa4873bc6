//! The output of guests, written to the node's log at a limited rate.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::io::AsyncWrite;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

/// The maximum number of lines of one plugin in a [`WINDOW`], over all its instances.
const MOST_LINES: u32 = 50;
const WINDOW: Duration = Duration::from_secs(10);

/// The longest line in bytes; a longer one is split.
const LONGEST_LINE: usize = 1024;

/// The maximum number of bytes in one write.
const LARGEST_WRITE: usize = 16 << 10;

/// The log of one plugin, shared by its instances.
#[derive(Clone, Debug)]
pub(super) struct GuestLog {
    plugin: Arc<str>,
    /// Any instance may count a line. The lock is held for a few instructions, never during a
    /// write.
    rate: Arc<Mutex<Rate>>,
}

#[derive(Debug)]
struct Rate {
    since: Instant,
    lines: u32,
}

impl GuestLog {
    pub(super) fn new(plugin: &str) -> Self {
        let rate = Rate { since: Instant::now(), lines: 0 };
        Self { plugin: plugin.into(), rate: Arc::new(Mutex::new(rate)) }
    }

    /// The output stream of one instance.
    pub(super) fn stream(&self) -> LineStream {
        LineStream { log: self.clone(), line: Arc::default() }
    }

    /// Writes a message of the node about the plugin.
    pub(super) fn write_line(&self, line: &str) {
        self.write(line.as_bytes());
    }

    fn write(&self, line: &[u8]) {
        let line = String::from_utf8_lossy(line);
        let line = line.trim_end();
        if line.is_empty() {
            return;
        }
        let lines = self.count();
        if lines <= MOST_LINES {
            tracing::warn!(plugin = %self.plugin, "{}", escaped(line));
        }
        if lines == MOST_LINES {
            let seconds = WINDOW.as_secs();
            tracing::warn!(plugin = %self.plugin, "prints too much: silent for up to {seconds} s");
        }
    }

    /// The number of lines in this window, including this one.
    fn count(&self) -> u32 {
        let mut rate = self.rate.lock();
        if rate.since.elapsed() >= WINDOW {
            *rate = Rate { since: Instant::now(), lines: 0 };
        }
        rate.lines = rate.lines.saturating_add(1);
        rate.lines
    }
}

/// The line with its control characters escaped, and nothing else.
fn escaped(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    for c in line.chars() {
        match c.is_control() {
            true => text.extend(c.escape_debug()),
            false => text.push(c),
        }
    }
    text
}

/// Splits the output of an instance into lines.
#[derive(Clone, Debug)]
pub(super) struct LineStream {
    log: GuestLog,
    /// The unfinished line. The streams of a guest share it; they write one at a time.
    line: Arc<Mutex<Vec<u8>>>,
}

impl LineStream {
    fn print(&self, bytes: &[u8]) {
        let mut line = self.line.lock();
        for &byte in bytes {
            if byte != b'\n' {
                line.push(byte);
            }
            if byte == b'\n' || line.len() >= LONGEST_LINE {
                self.log.write(&line);
                line.clear();
            }
        }
    }
}

impl IsTerminal for LineStream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for LineStream {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    /// Spawns no task, because policies run on threads without a runtime.
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[async_trait]
impl Pollable for LineStream {
    async fn ready(&mut self) {}
}

impl OutputStream for LineStream {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.print(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(LARGEST_WRITE)
    }
}

impl AsyncWrite for LineStream {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.print(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
