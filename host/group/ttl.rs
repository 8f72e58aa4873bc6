//! How long an entry lives.

use std::time::Duration;

use crate::error::Error;

/// The longest time to live: ten years.
pub const MAX_TTL: Duration = Duration::from_secs(10 * 365 * 86_400);

/// Checks that `ttl` is a valid time to live. `argument` is its name in the error.
pub(super) fn check(argument: &'static str, ttl: Duration) -> Result<(), Error> {
    if !ttl.is_zero() && ttl <= MAX_TTL {
        return Ok(());
    }
    const DAY: u64 = 86_400;
    let given = match ttl.as_secs() {
        seconds if seconds >= DAY => format!("{} days", seconds.div_ceil(DAY)),
        _ => format!("{ttl:?}"),
    };
    let problem = format!("{given}; give 1ms to 3650d, or none for no limit");
    Err(Error::InvalidArgument { argument, problem })
}

/// Shortens `ttl` by up to `percent`. `chance`, from 0 to 1, decides by how much.
pub(super) fn shortened(ttl: Duration, percent: u8, chance: f64) -> Duration {
    ttl.mul_f64(1.0 - f64::from(percent.min(100)) / 100.0 * chance.clamp(0.0, 1.0))
}

/// When an entry that is stored now expires. `None`: never.
pub(super) fn deadline_ms(now_ms: u64, ttl: Option<Duration>) -> Option<u64> {
    let ttl = ttl?.min(MAX_TTL);
    // Rounded up, so that a time below one millisecond does not become zero.
    let ttl_ms = ttl.as_nanos().div_ceil(1_000_000).max(1) as u64;
    Some(now_ms.saturating_add(ttl_ms))
}
