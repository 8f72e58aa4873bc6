//! What is left until a deadline.

use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

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
