//! The time limit of a call, from the headers or the message.

use std::time::Duration;

use tonic::metadata::MetadataMap;

use crate::clock::{Clock, Until};
use crate::error::Error;
use crate::transport::session::UNTIL_HEADER;

/// Most time that is reserved for sending the answer. A tenth of the caller's time limit is
/// reserved if that is less. An answer that is sent at the deadline arrives too late.
const WAY_BACK: Duration = Duration::from_millis(20);

/// No call takes longer than this. It is more than a year, the longest that the Rust client waits.
const LONGEST: Duration = Duration::from_secs(400 * 24 * 3600);

/// The clock that callers are told, for the moments in their calls. It begins at random below 2^52,
/// up to where a double has each number. So a moment on the clock of another process, which was at
/// this address before, has passed on this one or is beyond [`LONGEST`], but for one case in 130,000.
pub(super) fn told_clock() -> Clock {
    Clock::monotonic_from(rand::random_range(1..1 << 52))
}

/// The time limits of a call.
#[derive(Clone, Debug)]
pub(super) struct Limit {
    /// For how long it is worked on.
    pub(super) within: Duration,
    /// After which it may change nothing.
    pub(super) until: Option<Until>,
}

impl Limit {
    /// The limits of a call that may take `within`, and not longer than until `clock` shows
    /// `until_ms`, if that is not 0.
    ///
    /// # Errors
    /// That moment has passed, or is one on another clock.
    pub(super) fn new(within: Duration, until_ms: u64, clock: &Clock) -> Result<Self, Error> {
        if until_ms == 0 {
            return Ok(Self { within, until: None });
        }
        let until = clock.until(until_ms);
        let left = until.left();
        if left.is_zero() || left > LONGEST {
            return Err(Error::DeadlineExceeded { after: within });
        }
        Ok(Self { within: within.min(left), until: Some(until) })
    }

    /// The limits in the headers of a call.
    ///
    /// # Errors
    /// As [`new`](Self::new); [`Error::InvalidArgument`]: the moment is no number. A call that was
    /// made without its limit could replace a later change.
    pub(super) fn of(
        metadata: &MetadataMap,
        at_most: Duration,
        clock: &Clock,
    ) -> Result<Self, Error> {
        let until_ms = metadata
            .get(UNTIL_HEADER)
            .map_or(Some(0), |value| value.to_str().ok().and_then(|value| value.parse().ok()));
        let until_ms = until_ms.ok_or_else(|| Error::InvalidArgument {
            argument: UNTIL_HEADER,
            problem: "give it in milliseconds, as digits, by the clock of this node".into(),
        })?;
        Self::new(of(metadata, at_most), until_ms, clock)
    }
}

/// The time limit of a call: the caller's, less the reserve, but no more than `at_most`. A
/// header that can't be parsed is ignored.
fn of(metadata: &MetadataMap, at_most: Duration) -> Duration {
    let header = metadata.get("grpc-timeout").and_then(|value| value.to_str().ok());
    within(header.and_then(parse), at_most)
}

/// Like [`of`], for a time limit from a message.
pub(super) fn within(allowed: Option<Duration>, at_most: Duration) -> Duration {
    let allowed = allowed.map(|allowed| allowed - WAY_BACK.min(allowed / 10));
    allowed.map_or(at_most, |allowed| allowed.min(at_most))
}

/// Parses a `grpc-timeout` such as `100m`: at most eight digits and a unit.
fn parse(header: &str) -> Option<Duration> {
    let (digits, unit) = header.split_at_checked(header.len().checked_sub(1)?)?;
    let is_number = (1..=8).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    let number: u64 = is_number.then(|| digits.parse().ok())??;
    Some(match unit {
        "H" => Duration::from_secs(number * 3600),
        "M" => Duration::from_secs(number * 60),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_of_the_protocol_is_read() {
        for (header, expected) in [
            ("2H", Duration::from_secs(7200)),
            ("3M", Duration::from_secs(180)),
            ("99999999S", Duration::from_secs(99_999_999)),
            ("100m", Duration::from_millis(100)),
            ("7u", Duration::from_micros(7)),
            ("0n", Duration::ZERO),
        ] {
            assert_eq!(parse(header), Some(expected), "{header}");
        }
        for header in ["", "S", "1", "1s", "-1S", "+1S", "100000000S", "1ä"] {
            assert_eq!(parse(header), None, "{header}");
        }
    }

    #[test]
    fn a_call_is_not_begun_after_its_moment_and_ends_with_it() {
        let (clock, second) = (Clock::manual(), Duration::from_secs(1));
        assert!(Limit::new(second, 0, &clock).is_ok_and(|limit| limit.until.is_none()));
        let limit = Limit::new(second, 601, &clock).expect("there is time");
        assert_eq!(limit.within, Duration::from_millis(600));
        clock.advance(600);
        assert!(limit.until.is_some_and(|until| until.left().is_zero()));
        assert!(Limit::new(second, 601, &clock).is_err());
        let mut metadata = MetadataMap::new();
        metadata.insert(UNTIL_HEADER, 601.into());
        assert!(Limit::of(&metadata, second, &clock).is_err());
        metadata.insert(UNTIL_HEADER, 602.into());
        let limit = Limit::of(&metadata, second, &clock).expect("there is time");
        assert_eq!(limit.within, Duration::from_millis(1));
        for no_number in ["601.5", "-1", ""] {
            metadata.insert(UNTIL_HEADER, no_number.parse().expect("it is a header's value"));
            let refused = Limit::of(&metadata, second, &clock);
            assert!(matches!(refused, Err(Error::InvalidArgument { .. })), "{no_number}");
        }
    }

    #[test]
    fn a_moment_on_the_clock_of_another_process_is_no_limit_of_a_call() {
        let (one, other) = (Clock::monotonic_from(1), Clock::monotonic_from(1 << 40));
        let hour = Duration::from_secs(3_600);
        let is_begun = |until_ms, clock| Limit::new(hour, until_ms, clock).is_ok();
        assert!(is_begun(one.now_ms() + 3_600_000, &one));
        assert!(is_begun(other.now_ms() + 3_600_000, &other));
        assert!(!is_begun(other.now_ms() + 3_600_000, &one));
        assert!(!is_begun(one.now_ms() + 3_600_000, &other));
        let difference = told_clock().now_ms().abs_diff(told_clock().now_ms());
        assert!(difference > 60_000, "each of them begins somewhere else");
    }

    #[test]
    fn the_shorter_time_counts_and_the_way_back_is_left() {
        let limit = Duration::from_secs(30);
        let ms = Duration::from_millis;
        assert_eq!(within(None, limit), limit);
        assert_eq!(within(Some(ms(100)), limit), ms(90));
        assert_eq!(within(Some(ms(10_000)), limit), ms(9_980));
        assert_eq!(within(Some(ms(60_000)), limit), limit);
    }
}
