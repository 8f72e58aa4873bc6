//! Writes the file in a thread of its own: a pipe that nobody reads, or a disk that hangs, then holds
//! up neither the nodes nor Ctrl-C.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::access::Sums;
use super::file::RecordingFile;
use crate::proto::RecordedAccess;

/// Parts that may wait for the file.
const WAITING: usize = 64;

/// A file that takes nothing for so long is given up.
const WRITTEN_WITHIN: Duration = Duration::from_secs(10);

/// What was told at a time, and the sums then.
type Part = (Vec<RecordedAccess>, Sums);

/// A file that is being written.
pub(super) struct Writer {
    path: PathBuf,
    parts: mpsc::Sender<Part>,
    /// Bytes in the file. It guards no data, so it is relaxed.
    size: Arc<AtomicU64>,
    ended: oneshot::Receiver<Result<(u64, u64)>>,
}

impl Writer {
    /// Starts the thread.
    pub(super) fn start(file: RecordingFile, path: &Path) -> Result<Self> {
        let (parts, waiting) = mpsc::channel(WAITING);
        let (end, ended) = oneshot::channel();
        let size = Arc::new(AtomicU64::new(file.size()));
        let written = Arc::clone(&size);
        // Nobody hears of it if the file was given up.
        let run = move || drop(end.send(write(file, waiting, &written)));
        let named = thread::Builder::new().name("recording".into());
        named.spawn(run).context("there is no thread for the file")?;
        Ok(Self { path: path.to_owned(), parts, size, ended })
    }

    /// Waits until another part can be sent.
    ///
    /// # Errors
    /// The file can't be written, or takes nothing.
    pub(super) async fn room(&mut self) -> Result<mpsc::Permit<'_, Part>> {
        let permit = timeout(WRITTEN_WITHIN, self.parts.reserve()).await;
        match permit.map_err(|_| stalled(&self.path))? {
            Ok(permit) => Ok(permit),
            // It ends before all parts are sent only where it failed.
            Err(_) => Err(match (&mut self.ended).await {
                Ok(Err(failure)) => failure,
                _ => anyhow!("the thread that writes {} panicked", self.path.display()),
            }),
        }
    }

    /// Bytes in the file.
    pub(super) fn size(&self) -> u64 {
        self.size.load(Relaxed)
    }

    /// Ends the file. Returns the number of accesses and bytes in it.
    pub(super) async fn end(self) -> Result<(u64, u64)> {
        let Self { path, parts, ended, .. } = self;
        drop(parts);
        let ended = timeout(WRITTEN_WITHIN, ended).await.map_err(|_| stalled(&path))?;
        ended.unwrap_or_else(|_| Err(anyhow!("the thread that writes {} panicked", path.display())))
    }
}

fn write(
    mut file: RecordingFile,
    mut parts: mpsc::Receiver<Part>,
    size: &AtomicU64,
) -> Result<(u64, u64)> {
    let mut last = Sums::default();
    while let Some((accesses, sums)) = parts.blocking_recv() {
        file.write(&accesses, sums)?;
        size.store(file.size(), Relaxed);
        last = sums;
    }
    file.end(last)
}

fn stalled(path: &Path) -> anyhow::Error {
    let seconds = WRITTEN_WITHIN.as_secs();
    anyhow!(
        "{} has taken nothing for {seconds} s, so it is not whole; have its reader read on, or \
         name a file with --output",
        path.display()
    )
}
