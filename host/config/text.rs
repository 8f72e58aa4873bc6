//! What one value may look like: each parser says what it would have accepted.

use std::time::Duration;

use crate::config::Secret;

/// Numbers that cross into a plugin stay below this, so that no language rounds them.
const MAX_BYTES: u64 = 1 << 53;
const MAX_DURATION: Duration = Duration::from_secs(100 * 365 * 24 * 3600);
const MAX_GROUP_NAME_BYTES: usize = 64;
const MAX_WEIGHT: u32 = 1000;
/// What is said of a secret that stands where its place should.
pub(super) const NOT_A_PLACE: &str =
    "write where the secret is, env:NAME or file:PATH, not the secret itself";

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
pub fn or_none<T>(text: &str, parse: impl FnOnce(&str) -> Parsed<T>) -> Parsed<OrNone<T>> {
    match text {
        "none" => Ok(OrNone::Nothing),
        text => parse(text)
            .map(OrNone::Just)
            .map_err(|allowed| format!("{allowed}, or none")),
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

/// A percentage as a share of 1: `10%` is 0.1.
///
/// # Errors
/// It has no percent sign, or is not within 0 % to 100 %.
pub fn percent(text: &str) -> Parsed<f64> {
    text.strip_suffix('%')
        .and_then(|number| number.trim_end().parse::<f64>().ok())
        .filter(|percent| (0.0..=100.0).contains(percent))
        .map(|percent| percent / 100.0)
        .ok_or_else(|| "write a percentage from 0% to 100%, such as 10%".into())
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

/// A most number of entries; the last slot is never used.
///
/// # Errors
/// Those of [`count`].
pub fn max_entries(text: &str) -> Parsed<u32> {
    count(text, u32::MAX - 1)
}

/// A node's weight in the ring.
///
/// # Errors
/// It is not within 1 to 1000.
pub fn weight(text: &str) -> Parsed<u32> {
    count(text, MAX_WEIGHT)
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

/// What stands before the nodes' addresses in etcd.
///
/// # Errors
/// It is empty, or begins or ends with a slash.
pub fn etcd_prefix(text: &str) -> Parsed<String> {
    match text.is_empty() || text.starts_with('/') || text.ends_with('/') {
        true => Err("write a path without a slash at its ends, such as psycache/nodes".into()),
        false => Ok(text.to_owned()),
    }
}

/// A policy: a built-in's name or a path.
///
/// # Errors
/// It is empty.
pub fn policy(text: &str) -> Parsed<OrNone<String>> {
    plugin(text).map(OrNone::Just)
}

/// A retriever: a built-in's name or a path, or `none`.
///
/// # Errors
/// It is empty.
pub fn retriever(text: &str) -> Parsed<OrNone<String>> {
    or_none(text, plugin)
}

fn plugin(text: &str) -> Parsed<String> {
    match text.is_empty() {
        true => {
            Err("write a built-in's name (psycache policy list) or the path of a component".into())
        }
        false => Ok(text.to_owned()),
    }
}

/// A `host:port` to listen on; port 0 picks a free one.
///
/// # Errors
/// The host or the port is missing, or the port is above 65535.
pub fn address(text: &str) -> Parsed<String> {
    let host_and_port = text.rsplit_once(':').filter(|(host, port)| {
        let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
        let named = match bare {
            Some(v6) => v6.parse::<std::net::Ipv6Addr>().is_ok(),
            None => {
                !host.is_empty()
                    && host
                        .chars()
                        .all(|c| c.is_alphanumeric() || "-._".contains(c))
            }
        };
        named && port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok()
    });
    match host_and_port {
        Some(_) => Ok(text.to_owned()),
        None => {
            Err("write HOST:PORT, such as 127.0.0.1:7400, db.internal:3306 or [::1]:7400".into())
        }
    }
}

/// A `host:port` that others connect to, so the port is not 0.
///
/// # Errors
/// Those of [`address`]; the port is 0.
pub fn reachable(text: &str) -> Parsed<String> {
    let address = address(text)?;
    match address.ends_with(":0") {
        true => Err(
            "write the port that others connect to; only --listen and --http can have port 0"
                .into(),
        ),
        false => Ok(address),
    }
}

/// An `http://` or `https://` address.
///
/// # Errors
/// It has another scheme or no host.
pub fn url(text: &str) -> Parsed<String> {
    let rest = text
        .strip_prefix("http://")
        .or_else(|| text.strip_prefix("https://"));
    match rest {
        Some(rest)
            if !rest.is_empty()
                && !rest.starts_with(['/', ':'])
                && !rest.contains(char::is_whitespace) =>
        {
            Ok(text.to_owned())
        }
        _ => Err("write a URL with its scheme, such as http://127.0.0.1:2379".into()),
    }
}

/// The name of a group: it goes into URLs, metrics and health checks as it is.
///
/// # Errors
/// It is empty, longer than 64 bytes, or has other characters than letters,
/// digits, `-`, `_` and `.`, the first being a letter or digit.
pub fn group_name(text: &str) -> Parsed<String> {
    let fits = (1..=MAX_GROUP_NAME_BYTES).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    match fits {
        true => Ok(text.to_owned()),
        false => Err(
            "write 1 to 64 of a-z, A-Z, 0-9, '-', '_' and '.', the first a letter or digit".into(),
        ),
    }
}

/// `name=value` of a plugin's option.
///
/// # Errors
/// There is no `=`, no name before it, or the file that `@file` names can't be read.
pub fn option(text: &str) -> Parsed<(String, String)> {
    let (name, value) = pair(text, "k=2")?;
    Ok((name, option_value(value)?))
}

/// The value of a plugin's option: `@file` stands for the content of that file,
/// `@@` for one `@`, so that no plugin needs the file system.
///
/// # Errors
/// The file can't be read or is not UTF-8.
pub fn option_value(text: &str) -> Parsed<String> {
    match text.strip_prefix('@') {
        None => Ok(text.to_owned()),
        Some(rest) if rest.starts_with('@') => Ok(rest.to_owned()),
        Some(path) => std::fs::read_to_string(path).map_err(|error| {
            format!(
                "the file {path:?} can't be read: {error}; write @@ for a value that begins with @"
            )
        }),
    }
}

/// `name=env:VARIABLE` or `name=file:PATH` of a retriever's secret.
///
/// # Errors
/// It has another shape, or the variable or file can't be read.
pub fn secret(text: &str) -> Parsed<(String, Secret)> {
    let (name, place) = pair(text, "password=env:DB_PASSWORD")?;
    Ok((name, secret_value(place)?))
}

/// The secret that `env:VARIABLE` or `file:PATH` (without its last line break) holds.
///
/// # Errors
/// It has another shape, or the variable or file can't be read. The message
/// never holds a secret that was written where its place should stand.
pub fn secret_value(place: &str) -> Parsed<Secret> {
    match place.split_once(':') {
        Some(("env", variable)) => std::env::var(variable).map(Secret::new).map_err(|error| {
            format!("the variable {variable:?} can't be read: {error}; set it first")
        }),
        Some(("file", path)) => std::fs::read_to_string(path)
            .map(|text| {
                Secret::new(
                    text.strip_suffix('\n')
                        .unwrap_or(&text)
                        .trim_end_matches('\r')
                        .to_owned(),
                )
            })
            .map_err(|error| format!("the file {path:?} can't be read: {error}")),
        _ => Err(NOT_A_PLACE.into()),
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

fn pair<'a>(text: &'a str, example: &str) -> Parsed<(String, &'a str)> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value)),
        _ => Err(format!("write NAME=VALUE, such as {example}")),
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
