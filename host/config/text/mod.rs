//! What one value may look like: each parser says what it would have accepted.

mod address;
mod options;
mod pem;
mod plugin;

pub use address::{
    address, address_or_none, etcd_prefix, etcd_user, group_name, reachable, server_name, url,
};
pub use pem::{certificate, private_key};
pub(super) use plugin::option_value;
pub(crate) use plugin::secret_value;
pub use plugin::{option, policy, retriever, secret};

use std::time::Duration;

use crate::group::Uncertain;
use crate::telemetry::LogFormat;

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

/// What every parser here gives: the value, or what would have been accepted.
pub type Parsed<T> = Result<T, String>;

/// Takes `none`, or else what `parse` takes.
///
/// # Errors
/// Those of `parse`.
fn or_none<T>(text: &str, parse: impl FnOnce(&str) -> Parsed<T>) -> Parsed<OrNone<T>> {
    match text {
        "none" => Ok(OrNone::Nothing),
        text => parse(text).map(OrNone::Just).map_err(|allowed| format!("{allowed}, or none")),
    }
}

/// A number of bytes, at least 1: `64MiB`, `1.5GB`, `1000000`.
///
/// # Errors
/// It is no size, it is 0, or it is 8 PiB or more.
pub fn size(text: &str) -> Parsed<u64> {
    text.parse::<bytesize::ByteSize>()
        .map(|size| size.as_u64())
        .ok()
        .filter(|bytes| (1..MAX_BYTES).contains(bytes))
        .ok_or_else(|| {
            "write a size above 0 and below 8PiB, such as 64MiB, 1.5GB or 1000000".into()
        })
}

/// A length of time, at least a millisecond: `10m`, `300ms`, `1h 30m`.
///
/// # Errors
/// It is no duration, shorter than a millisecond, or longer than a century.
pub fn duration(text: &str) -> Parsed<Duration> {
    humantime::parse_duration(text)
        .ok()
        .filter(|duration| (Duration::from_millis(1)..=MAX_DURATION).contains(duration))
        .ok_or_else(|| "write a time from 1ms to 100years, such as 300ms, 10m or 1h 30m".into())
}

/// How long etcd waits for a node, in whole seconds as etcd counts.
///
/// # Errors
/// Those of [`duration`]; it is no whole number of seconds.
pub fn lease_ttl(text: &str) -> Parsed<Duration> {
    duration(text)
        .ok()
        .filter(|ttl| ttl.subsec_nanos() == 0)
        .ok_or_else(|| "write a time in whole seconds, such as 5s".into())
}

/// How long a value is kept, or `none`.
///
/// # Errors
/// Those of [`duration`].
pub fn ttl(text: &str) -> Parsed<OrNone<Duration>> {
    or_none(text, duration)
}

/// A whole percentage.
///
/// # Errors
/// It has no percent sign, or is not within 0 % to 100 %.
pub fn percent(text: &str) -> Parsed<u8> {
    text.strip_suffix('%')
        .and_then(|number| number.parse().ok())
        .filter(|percent| *percent <= 100)
        .ok_or_else(|| "write a whole percentage from 0% to 100%, such as 10%".into())
}

/// A share from 0 to 1.
///
/// # Errors
/// It is no number, or not within 0 to 1.
pub fn ratio(text: &str) -> Parsed<f64> {
    text.parse::<f64>()
        .ok()
        .filter(|ratio| (0.0..=1.0).contains(ratio))
        .ok_or_else(|| "write a number from 0 to 1, such as 0.01".into())
}

/// A whole number from 1 to `max`.
///
/// # Errors
/// It is no number, or not within those bounds.
pub fn count(text: &str, max: u32) -> Parsed<u32> {
    text.parse()
        .ok()
        .filter(|count| (1..=max).contains(count))
        .ok_or_else(|| format!("write a whole number from 1 to {max}"))
}

/// A most number of entries, up to 2^30.
///
/// # Errors
/// Those of [`count`].
pub fn max_entries(text: &str) -> Parsed<u32> {
    count(text, MAX_ENTRIES)
}

/// A node's weight in the ring.
///
/// # Errors
/// It is not within 1 to 1000.
pub fn weight(text: &str) -> Parsed<u32> {
    count(text, MAX_WEIGHT)
}

/// A node of a list: its address, and after `=` its weight where that is not 1.
///
/// # Errors
/// Those of [`reachable`] and [`weight`].
pub fn listed(text: &str) -> Parsed<(String, u32)> {
    match text.split_once('=') {
        Some((address, share)) => Ok((reachable(address)?, weight(share)?)),
        None => Ok((reachable(text)?, 1)),
    }
}

/// The same as it was written.
///
/// # Errors
/// Those of [`listed`].
pub fn peer(text: &str) -> Parsed<String> {
    listed(text).map(|_| text.to_owned())
}

/// What a node does while it can't be certain to hold its keys.
///
/// # Errors
/// It is another word.
pub fn uncertain(text: &str) -> Parsed<Uncertain> {
    match text {
        "brief" => Ok(Uncertain::Brief),
        "strict" => Ok(Uncertain::Strict),
        _ => Err("write brief, to keep what is loaded for a second, or strict, for nothing".into()),
    }
}

/// A level or a list of `target=level`, as `tracing-subscriber` reads it.
///
/// # Errors
/// A word is no level.
pub fn log_filter(text: &str) -> Parsed<String> {
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    let known = |level: &str| LEVELS.contains(&level);
    let fits = text.split(',').all(|part| match part.rsplit_once('=') {
        Some((target, level)) => !target.is_empty() && known(level),
        None => known(part),
    });
    match fits {
        true => Ok(text.to_owned()),
        false => Err(format!(
            "write one of {}, or a list such as warn,psycache=debug",
            LEVELS.join(", ")
        )),
    }
}

/// How a line of the log looks: `text` or `json`.
///
/// # Errors
/// It is another word.
pub fn log_format(text: &str) -> Parsed<LogFormat> {
    match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("write text or json".into()),
    }
}

/// The candidate that `word` most likely stands for, if any is near.
#[must_use]
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}
