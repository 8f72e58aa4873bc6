//! The kinds of values: each has one parser, which says what it would have accepted.

mod address;
mod kind;
mod pem;
mod plugin;

pub use address::{Address, EtcdPrefix, EtcdUser, GroupName, Peer, Reachable, ServerName, Url};
pub(crate) use kind::Parsed;
pub(super) use kind::{is_refused, parsed};
pub use pem::{Certificate, PrivateKey};
pub use plugin::PluginName;
#[cfg(feature = "cli")]
pub(crate) use plugin::{etcd_password, option, secret};
pub(super) use plugin::{read_etcd_password, read_options, read_secrets};

use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer};

use crate::group::Uncertain;
use crate::telemetry::LogFormat;
use kind::{as_written, kind};

/// Numbers that cross into a plugin stay below this, so that no language rounds them.
const MAX_BYTES: u64 = 1 << 53;
const MAX_DURATION: Duration = Duration::from_secs(100 * 365 * 24 * 3600);
/// A slot and a flag share 32 bits.
const MAX_ENTRIES: u32 = 1 << 30;
const MAX_WEIGHT: u32 = 1000;

/// A value, or the word `none` in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrNone<T> {
    /// `none`.
    Nothing,
    /// The value.
    Just(T),
}

impl<T> OrNone<T> {
    /// The value, if there is one.
    pub fn into_option(self) -> Option<T> {
        match self {
            Self::Nothing => None,
            Self::Just(value) => Some(value),
        }
    }
}

impl<T: FromStr<Err = String>> FromStr for OrNone<T> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "none" => Ok(Self::Nothing),
            text => text.parse().map(Self::Just).map_err(|allowed| format!("{allowed}, or none")),
        }
    }
}

impl<'de, T: FromStr<Err = String>> Deserialize<'de> for OrNone<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parsed(deserializer)
    }
}

kind!(Size(u64), "A number of bytes, at least 1: `64MiB`, `1.5GB`, `1000000`.", |text: &str| {
    let size = text.parse().map_or(0, |size: bytesize::ByteSize| size.as_u64());
    let fits = (1..MAX_BYTES).contains(&size);
    fits.then_some(size)
        .ok_or("write a size above 0 and below 8PiB, such as 64MiB, 1.5GB or 1000000")
});

kind!(
    Time(Duration),
    "A length of time, from a millisecond to a century: `10m`, `300ms`, `1h 30m`.",
    |text: &str| {
        let bounds = Duration::from_millis(1)..=MAX_DURATION;
        let time = humantime::parse_duration(text).ok();
        time.filter(|time| bounds.contains(time))
            .ok_or("write a time from 1ms to 100years, such as 300ms, 10m or 1h 30m")
    }
);

kind!(LeaseTtl(Duration), "A [`Time`] in whole seconds, as etcd counts.", |text: &str| {
    let time = text.parse().ok().map(|Time(time)| time);
    time.filter(|time| time.subsec_nanos() == 0).ok_or("write a time in whole seconds, such as 5s")
});

kind!(Percent(u8), "A whole percentage: `10%`.", |text: &str| {
    let number = text.strip_suffix('%').and_then(|number| number.parse().ok());
    number
        .filter(|percent| *percent <= 100)
        .ok_or("write a whole percentage from 0% to 100%, such as 10%")
});

kind!(Ratio(f64), "A share from 0 to 1.", |text: &str| {
    let number = text.parse().ok();
    number
        .filter(|ratio| (0.0..=1.0).contains(ratio))
        .ok_or("write a number from 0 to 1, such as 0.01")
});

kind!(MaxEntries(u32), "A number of entries, up to 2^30.", |text| count(text, MAX_ENTRIES));

kind!(Weight(u32), "The weight of a node in the ring, up to 1000.", |text| count(text, MAX_WEIGHT));

fn count(text: &str, max: u32) -> Parsed<u32> {
    let number = text.parse().ok();
    number
        .filter(|count| (1..=max).contains(count))
        .ok_or_else(|| format!("write a whole number from 1 to {max}"))
}

kind!(WhileUncertain(Uncertain), "`brief` or `strict`.", |text: &str| match text {
    "brief" => Ok(Uncertain::Brief),
    "strict" => Ok(Uncertain::Strict),
    _ => Err("write brief, to keep what is loaded for a second, or strict, for nothing"),
});

kind!(
    LogFilter(String),
    "A level, or a list of `target=level`, as `tracing-subscriber` reads it.",
    |text: &str| {
        const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
        let known = |level: &str| LEVELS.contains(&level);
        let fits = text.split(',').all(|part| match part.rsplit_once('=') {
            Some((target, level)) => !target.is_empty() && known(level),
            None => known(part),
        });
        let levels = LEVELS.join(", ");
        as_written(
            text,
            fits,
            &format!("write one of {levels}, or a list such as warn,psycache=debug"),
        )
    }
);

kind!(LogStyle(LogFormat), "`text` or `json`.", |text: &str| match text {
    "text" => Ok(LogFormat::Text),
    "json" => Ok(LogFormat::Json),
    _ => Err("write text or json"),
});

/// The candidate that `word` most likely stands for, if any is near.
pub(super) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}
