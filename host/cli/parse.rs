//! What clap's arguments are read with, where the configuration does not say it.

use std::time::Duration;

use crate::config::text;

/// `name=value` of a plugin's option; `@file` stands for the file's content.
pub(super) fn pair(text: &str) -> text::Parsed<(String, String)> {
    text::option(text)
}

/// How long a command waits.
pub(super) fn timeout(text: &str) -> text::Parsed<Duration> {
    text::duration(text)
}

/// Where a node answers, with or without its scheme.
pub(super) fn node(text: &str) -> text::Parsed<String> {
    if text.starts_with("https://") {
        return Err(
            "a node speaks gRPC without TLS; write HOST:PORT, such as 127.0.0.1:7400".into()
        );
    }
    let bare = text.strip_prefix("http://").unwrap_or(text);
    text::reachable(bare.strip_suffix('/').unwrap_or(bare))
}
