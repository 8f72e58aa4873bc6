//! Work that ends by a deadline.

use std::future::Future;
use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;

/// Runs `work` until the deadline.
#[expect(clippy::disallowed_methods, reason = "a plugin is called without a runtime")]
pub(super) fn within<T>(
    runtime: &Runtime,
    deadline: Instant,
    work: impl Future<Output = io::Result<T>>,
) -> io::Result<T> {
    let left = deadline.saturating_duration_since(Instant::now());
    // Even what could be done at once is not begun too late.
    if left == Duration::ZERO {
        return Err(late());
    }
    runtime
        .block_on(async { tokio::time::timeout(left, work).await.unwrap_or_else(|_| Err(late())) })
}

fn late() -> io::Error {
    io::Error::new(ErrorKind::TimedOut, "no answer in time")
}
