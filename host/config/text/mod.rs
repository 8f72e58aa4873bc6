//! The kinds of values. Each has one parser, whose errors say what would be accepted.

mod address;
mod folder;
mod kind;
mod options;
mod pem;
mod plugin;
mod policy;
mod scalar;

pub(crate) use address::{
    Address, EtcdPrefix, EtcdUser, GroupName, Peer, Reachable, ServerName, Url,
};
pub(super) use folder::within;
#[cfg(feature = "cli")]
pub(crate) use kind::Parsed;
pub(crate) use pem::{Certificate, PrivateKey, TlsFile, TokensFile};
pub(crate) use plugin::PluginName;
#[cfg(feature = "cli")]
pub(crate) use plugin::{cluster_secret, etcd_password, option, secret};
pub(super) use plugin::{read_cluster_secret, read_etcd_password, read_options, read_secrets};
pub(crate) use policy::PolicyText;
pub(super) use scalar::{is_refused, parsed, table_or_plugin};

use std::collections::BTreeSet;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer};

use crate::group::{MAX_TTL, RefreshAhead, Uncertain};
use crate::telemetry::LogFormat;
use crate::tls::{NamePattern, TlsVersion};
use kind::kind;

/// Numbers that are passed to a plugin are limited to this, so that no language rounds them.
const MAX_BYTES: u64 = 1 << 53;

/// A value, or the word `none`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum OrNone<T> {
    /// `none`.
    Nothing,
    /// The value.
    Just(T),
}

impl<T> OrNone<T> {
    /// The value, if there is one.
    pub(crate) fn into_option(self) -> Option<T> {
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

kind!(Size(u64), "a size above 0 and below 8PiB, such as 64MiB, 1.5GB or 1000000", |text: &str| {
    let size = text.parse::<bytesize::ByteSize>().ok()?.as_u64();
    (1..MAX_BYTES).contains(&size).then_some(size)
});

// Months and years are refused: their lengths vary, and `10M` was meant as ten minutes.
kind!(Time(Duration), "a time from 1ms to 3650d, such as 300ms, 10m or 1h 30m", |text: &str| {
    let mut units = text.split(|c: char| !c.is_ascii_alphabetic());
    if units.any(|unit| unit == "M" || unit.starts_with("month") || unit.starts_with('y')) {
        return None;
    }
    let time = humantime::parse_duration(text).ok()?;
    (Duration::from_millis(1)..=MAX_TTL).contains(&time).then_some(time)
});

kind!(LeaseTtl(Duration), "a time in whole seconds, such as 5s", |text: &str| {
    // etcd counts lease times in whole seconds.
    text.parse().ok().map(|Time(time)| time).filter(|time| time.subsec_nanos() == 0)
});

kind!(Percent(u8), "a whole percentage from 0% to 100%, such as 10%", |text: &str| {
    text.strip_suffix('%')?.parse().ok().filter(|percent| *percent <= 100)
});

kind!(Ratio(f64), "a number from 0 to 1, such as 0.01", |text: &str| {
    text.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio))
});

// 1pp is 0.01.
kind!(Points(f64), "points of the hit ratio from 0pp to below 100pp, such as 1pp", |text: &str| {
    let points: f64 = text.strip_suffix("pp")?.parse().ok()?;
    (0.0..100.0).contains(&points).then_some(points / 100.0)
});

// A slot and a flag share 32 bits.
kind!(MaxEntries(u32), "a whole number from 1 to 1073741824", |text: &str| {
    text.parse().ok().filter(|entries| (1..=1 << 30).contains(entries))
});

kind!(Count(u32), "a whole number from 1 to 1000000000", |text: &str| {
    text.parse().ok().filter(|count| (1..=1_000_000_000).contains(count))
});

kind!(PoolSize(u32), "a whole number from 1 to 1000", |text: &str| {
    text.parse().ok().filter(|size| (1..=1000).contains(size))
});

kind!(PoolQueue(u32), "a whole number from 0 to 1000000", |text: &str| {
    text.parse().ok().filter(|queue| *queue <= 1_000_000)
});

kind!(Retries(u32), "a whole number from 0 to 10", |text: &str| {
    text.parse().ok().filter(|retries| *retries <= 10)
});

kind!(
    Ahead(RefreshAhead),
    "a part of the ttl from 1% to 50%, such as 10%, or a time such as 1m",
    |text: &str| match text.parse() {
        Ok(Percent(percent)) => {
            (1..=50).contains(&percent).then_some(RefreshAhead::Percent(percent))
        }
        Err(_) => text.parse().ok().map(|Time(time)| RefreshAhead::Before(time)),
    }
);

kind!(Weight(u32), "a whole number from 1 to 1000", |text: &str| {
    text.parse().ok().filter(|weight| (1..=1000).contains(weight))
});

kind!(
    WhileUncertain(Uncertain),
    "brief, to keep what is loaded for a second, or strict, for nothing",
    |text| match text {
        "brief" => Some(Uncertain::Brief),
        "strict" => Some(Uncertain::Strict),
        _ => None,
    }
);

kind!(
    LogFilter(String),
    "one of off, error, warn, info, debug, trace, or a list such as warn,psycache=debug",
    |text: &str| {
        let known = |level| matches!(level, "off" | "error" | "warn" | "info" | "debug" | "trace");
        let fits = text.split(',').all(|part| match part.rsplit_once('=') {
            Some((target, level)) => !target.is_empty() && known(level),
            None => known(part),
        });
        fits.then(|| text.to_owned())
    }
);

kind!(Switch(bool), "true or false", |text: &str| text.parse().ok());

kind!(
    Digests(Vec<String>),
    "one or more SHA-256 digests of 64 hexadecimal digits, separated by commas",
    |text: &str| {
        let is_digest =
            |digest: &str| digest.len() == 64 && digest.bytes().all(|b| b.is_ascii_hexdigit());
        let digests = text.split(',').map(|digest| digest.trim().to_ascii_lowercase());
        let digests: Vec<String> = digests.collect();
        digests.iter().all(|digest| is_digest(digest)).then_some(digests)
    }
);

kind!(MinVersion(TlsVersion), "1.2 or 1.3", |text| match text {
    "1.2" => Some(TlsVersion::V1_2),
    "1.3" => Some(TlsVersion::V1_3),
    _ => None,
});

kind!(
    PeerName(NamePattern),
    "a name without a port, such as node-1.internal, *.cache.internal or 10.0.0.1",
    NamePattern::parse
);

kind!(LogStyle(LogFormat), "text or json", |text| match text {
    "text" => Some(LogFormat::Text),
    "json" => Some(LogFormat::Json),
    _ => None,
});

/// The first name that comes a second time.
pub(crate) fn twice<'a>(names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let mut seen = BTreeSet::new();
    names.into_iter().find(|name| !seen.insert(*name))
}
