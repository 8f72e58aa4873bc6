//! Deadlines, and what is left until one.

use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

/// When a fetch is over that was called with `timeout_ms`, counted from where this is first asked in
/// the call.
#[must_use]
pub fn deadline(timeout_ms: u32) -> Instant {
    crate::call::deadline(timeout_ms)
}

/// The time until `deadline`.
///
/// # Errors
/// [`ErrorKind::TimedOut`] where there is none.
pub(super) fn left_until(deadline: Instant) -> io::Result<Duration> {
    match deadline.saturating_duration_since(Instant::now()) {
        Duration::ZERO => Err(io::Error::new(ErrorKind::TimedOut, "no answer in time")),
        left => Ok(left),
    }
}
