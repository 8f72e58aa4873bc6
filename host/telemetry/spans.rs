//! The spans below a call's span, for the stages that a request waits for inside a node.
//!
//! A span is opened only if the request has a trace. Otherwise it is [`Span::none`], and
//! costs one read of thread-local memory.

use tracing::Span;
use tracing::field::Empty;

use super::LoadOutcome;

/// Whether the current request has a trace.
#[must_use]
pub(crate) fn is_traced() -> bool {
    !Span::current().is_disabled()
}

/// The span of a flight, which begins when a caller starts the load and ends when all
/// waiting callers are answered.
#[must_use]
pub(crate) fn flight(group: &str) -> Span {
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

/// The span of a caller's wait after it joined `flight`. The flight may belong to the trace
/// of another request, so the span has a link to it. Enter the span to wait.
#[must_use]
pub(crate) fn join(group: &str, flight: &Span) -> Span {
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

/// The span of a load by the retriever `plugin`, including the wait for an instance of its
/// pool.
#[must_use]
pub(crate) fn retrieve(plugin: &str) -> Span {
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

/// Records in the span of a retriever how long the load waited for a place.
pub(crate) fn waited(wait: std::time::Duration) {
    let span = Span::current();
    if !span.is_disabled() {
        span.record("psycache.pool.wait_ms", wait.as_micros() as f64 / 1e3);
    }
}

/// Records in the span of a retriever whether the load had to open a new connection.
#[cfg(feature = "plugins")]
pub(crate) fn connected(connected: bool) {
    let span = Span::current();
    if !span.is_disabled() {
        span.record("psycache.pool.connected", connected);
    }
}

/// Records the outcome of a load, with `words` as the message if it is a failure.
pub(crate) fn loaded(span: &Span, outcome: LoadOutcome, words: &dyn std::fmt::Display) {
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
