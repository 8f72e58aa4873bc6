//! Capacities, as they are written and as a cache has them.

use std::num::NonZeroU32;
use std::str::FromStr;

use anyhow::{Result, bail};

use crate::config::text::Size;

/// The unit of a capacity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Unit {
    /// Every entry weighs one, whatever its size.
    #[default]
    Entries,
    /// An entry weighs the bytes that the trace tells.
    Bytes,
}

/// A capacity, as it is written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Capacity {
    /// Of what the unit counts.
    Count(u64),
    Bytes(u64),
    /// Of all keys, or of the bytes of all keys: 0 to 1.
    Share(f64),
}

/// What there is in a trace.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Totals {
    /// Distinct keys.
    pub(super) keys: u64,
    /// Bytes of the last value of each.
    pub(super) bytes: u64,
}

impl FromStr for Capacity {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let written = "write a number above 0, a size such as 64MiB, or a share of the keys such \
                       as 5%";
        let capacity = match text.trim().strip_suffix('%') {
            Some(percent) => {
                percent.trim().parse().ok().map(|percent: f64| Self::Share(percent / 1e2))
            }
            None => match text.trim().parse() {
                Ok(count) => Some(Self::Count(count)),
                Err(_) => text.parse().ok().map(|Size(bytes)| Self::Bytes(bytes)),
            },
        };
        let is_possible = |capacity: &Self| match *capacity {
            Self::Count(count) | Self::Bytes(count) => count > 0,
            Self::Share(share) => share > 0.0 && share <= 1.0,
        };
        capacity.filter(is_possible).ok_or_else(|| written.to_owned())
    }
}

/// What capacities count: what was asked for, or bytes if one is written so.
///
/// # Errors
/// The two differ.
pub(super) fn unit(asked: Option<Unit>, capacities: &[Capacity]) -> Result<Unit> {
    let has_bytes = capacities.iter().any(|capacity| matches!(capacity, Capacity::Bytes(_)));
    match asked {
        Some(Unit::Entries) if has_bytes => {
            bail!("a capacity in bytes can't count entries; leave --unit out, or write a number")
        }
        Some(unit) => Ok(unit),
        None if has_bytes => Ok(Unit::Bytes),
        None => Ok(Unit::Entries),
    }
}

impl Capacity {
    /// Whether the trace has to be known before its size is.
    pub(super) fn is_relative(self) -> bool {
        matches!(self, Self::Share(_))
    }

    /// What a cache for one key in `sample` of those in `totals` gets, at least 1.
    pub(super) fn in_sample(self, unit: Unit, totals: Totals, sample: NonZeroU32) -> u64 {
        let capacity = match self {
            Self::Count(count) | Self::Bytes(count) => count / u64::from(sample.get()),
            Self::Share(share) => {
                let all = if unit == Unit::Bytes { totals.bytes } else { totals.keys };
                (all as f64 * share).round() as u64
            }
        };
        capacity.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: NonZeroU32 = NonZeroU32::MIN;

    #[test]
    fn capacities_are_numbers_sizes_or_shares() {
        assert_eq!("1000".parse(), Ok(Capacity::Count(1000)));
        assert_eq!("1GiB".parse(), Ok(Capacity::Bytes(1 << 30)));
        assert_eq!("5%".parse(), Ok(Capacity::Share(0.05)));
        for text in ["0", "0%", "101%", "-1", "NaN%", "x", ""] {
            assert!(text.parse::<Capacity>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_size_in_bytes_tells_the_unit() {
        let capacities = [Capacity::Count(5), Capacity::Bytes(5)];
        assert_eq!(unit(None, &capacities).unwrap(), Unit::Bytes);
        assert_eq!(unit(None, &capacities[..1]).unwrap(), Unit::Entries);
        assert!(unit(Some(Unit::Entries), &capacities).is_err());
    }

    #[test]
    fn a_share_is_of_what_the_unit_counts() {
        let totals = Totals { keys: 2_000, bytes: 50_000 };
        let tenth = Capacity::Share(0.1);
        assert_eq!(tenth.in_sample(Unit::Entries, totals, ONE), 200);
        assert_eq!(tenth.in_sample(Unit::Bytes, totals, ONE), 5_000);
        assert_eq!(Capacity::Share(1e-9).in_sample(Unit::Entries, totals, ONE), 1);
        let four = NonZeroU32::new(4).unwrap();
        assert_eq!(Capacity::Count(1_000).in_sample(Unit::Entries, totals, four), 250);
    }
}
