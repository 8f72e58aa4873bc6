//! Parsers of command-line arguments that are not settings of the configuration.

use std::ffi::OsStr;
use std::time::Duration;

use super::exit::{Exit, Failure};
use crate::config::text::{self, OrNone, Parsed, Reachable, Time};
use crate::value::Ttl;

/// `name=value` of a plugin's option; `@file` stands for the file's content.
pub(super) fn pair(text: &str) -> Parsed<(String, String)> {
    text::option(text)
}

/// Options that were each given once.
pub(super) fn each_once(options: &[(String, String)]) -> Result<(), Failure> {
    match text::twice(options.iter().map(|(name, _)| name.as_str())) {
        Some(name) => {
            let problem = format!("the option {name} is given twice; leave one of them out");
            Err(Failure::new(Exit::Usage, problem))
        }
        None => Ok(()),
    }
}

/// A length of time.
pub(super) fn time(text: &str) -> Parsed<Duration> {
    text.parse().map(|Time(time)| time)
}

/// How long a value is kept: a time, or none for no limit.
pub(super) fn ttl(text: &str) -> Parsed<Ttl> {
    text.parse()
        .map(|ttl: OrNone<Time>| ttl.into_option().map_or(Ttl::NoLimit, |Time(t)| Ttl::For(t)))
}

/// A key or a value, which may begin with a hyphen. What begins with two is more likely a
/// mistyped flag, except behind `--`.
pub(super) fn hyphened<T: AsRef<OsStr>>(text: T) -> Parsed<T> {
    let is_flag = text.as_ref().as_encoded_bytes().starts_with(b"--");
    if is_flag && std::env::args_os().all(|arg| arg != "--") {
        return Err("there is no such flag; a key or value that begins so goes behind --".into());
    }
    Ok(text)
}

/// Where a node answers, with or without its scheme.
pub(super) fn node(text: &str) -> Parsed<String> {
    if text.starts_with("https://") {
        return Err(
            "write HOST:PORT, such as 127.0.0.1:7400, and for a node with TLS --tls-ca FILE".into(),
        );
    }
    let bare = text.strip_prefix("http://").unwrap_or(text);
    bare.strip_suffix('/').unwrap_or(bare).parse().map(|Reachable(address)| address)
}
