//! The spans below a call's own: what a request waits for inside of a node.
//!
//! Each is there only where the request has a trace; else it is [`Span::none`], and
//! costs a look at a thread's own memory.

use std::time::Duration;

use tracing::Span;
use tracing::field::Empty;

use super::LoadOutcome;

/// Whether the request at hand has a trace.
#[must_use]
pub fn is_traced() -> bool {
    !Span::current().is_disabled()
}

/// The flight of a key: from the caller who starts the load until all who wait are
/// answered.
#[must_use]
pub fn flight(group: &str) -> Span {
    if !is_traced() {
        return Span::none();
    }
    tracing::info_span!(
        target: "psycache::group",
        "singleflight",
        otel.kind = "internal",
        psycache.group = group,
        psycache.load.outcome = Empty,
        otel.status_code = Empty,
        otel.status_description = Empty,
    )
}

/// The wait of a caller who joined `flight`, which may be in a trace of another
/// request: a link leads there. Enter it to wait.
#[must_use]
pub fn join(group: &str, flight: &Span) -> Span {
    if !is_traced() {
        return Span::none();
    }
    let wait = tracing::info_span!(
        target: "psycache::group",
        "join singleflight",
        otel.kind = "internal",
        psycache.group = group,
    );
    if !flight.is_disabled() {
        wait.follows_from(flight);
    }
    wait
}

/// A load by the retriever `plugin`, the wait for a place in its pool included.
#[must_use]
pub fn retrieve(plugin: &str) -> Span {
    if !is_traced() {
        return Span::none();
    }
    tracing::info_span!(
        target: "psycache::retriever",
        "retriever",
        otel.name = format!("retriever {plugin}"),
        otel.kind = "internal",
        psycache.plugin.name = plugin,
        psycache.pool.wait_ms = Empty,
        psycache.pool.connected = Empty,
        psycache.load.outcome = Empty,
        "error.type" = Empty,
        otel.status_code = Empty,
        otel.status_description = Empty,
    )
}

/// Notes on the span of a retriever how long its load waited for a place, and whether
/// it had to make a new connection.
pub fn lent(wait: Duration, connected: bool) {
    let span = Span::current();
    if !span.is_disabled() {
        span.record("psycache.pool.wait_ms", wait.as_secs_f64() * 1e3);
        span.record("psycache.pool.connected", connected);
    }
}

/// Notes how a load ended: with `words` where the source did not do its part.
pub fn loaded(span: &Span, outcome: LoadOutcome, words: &dyn std::fmt::Display) {
    if span.is_disabled() {
        return;
    }
    span.record("psycache.load.outcome", outcome.label());
    if outcome.is_failure() {
        span.record("error.type", outcome.label());
        fail(span, &words.to_string());
    }
}

/// Sets the status of a span to an error.
pub(super) fn fail(span: &Span, words: &str) {
    span.record("otel.status_code", "ERROR");
    span.record("otel.status_description", words);
}
