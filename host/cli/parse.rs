//! Parsers of command-line arguments that are not settings of the configuration.

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

/// Where a node answers, with or without its scheme.
pub(super) fn node(text: &str) -> Parsed<String> {
    if text.starts_with("https://") {
        return Err(
            "a node speaks gRPC without TLS; write HOST:PORT, such as 127.0.0.1:7400".into()
        );
    }
    let bare = text.strip_prefix("http://").unwrap_or(text);
    bare.strip_suffix('/').unwrap_or(bare).parse().map(|Reachable(address)| address)
}
