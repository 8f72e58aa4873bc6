//! Waiting in WASI, until a deadline at most.

use std::io;
use std::time::Instant;

use wasip2::clocks::monotonic_clock::subscribe_duration;
use wasip2::io::poll::{Pollable, poll};

use crate::net::deadline::left_until;

/// The timer of one connection. It is kept from one wait to the next: a timer costs three calls
/// of WASI, and most waits end long before their deadline.
#[derive(Debug, Default)]
pub(super) struct Timer(Option<Running>);

#[derive(Debug)]
struct Running {
    ends_at: Instant,
    ended: Pollable,
}

impl Timer {
    /// Waits until one of them is ready, and gives the first one's index.
    ///
    /// # Errors
    /// [`TimedOut`](io::ErrorKind::TimedOut) after `by`.
    pub(super) fn first(&mut self, of: &[&Pollable], by: Instant) -> io::Result<usize> {
        loop {
            let running = match self.0.take() {
                // A timer that ends earlier is used until it ends, and then replaced.
                Some(running) if running.ends_at <= by => running,
                _ => Running::until(by)?,
            };
            let ready = poll(&[of, &[&running.ended]].concat());
            if ready.contains(&(of.len() as u32)) {
                left_until(by)?;
            } else {
                self.0 = Some(running);
            }
            let ready = ready.into_iter().map(|ready| ready as usize);
            if let Some(first) = ready.filter(|ready| *ready < of.len()).min() {
                return Ok(first);
            }
        }
    }
}

impl Running {
    fn until(by: Instant) -> io::Result<Self> {
        // Longer than 64 bits of nanoseconds is cut to that.
        let left_ns = u64::try_from(left_until(by)?.as_nanos()).unwrap_or(u64::MAX);
        Ok(Self { ends_at: by, ended: subscribe_duration(left_ns) })
    }
}
