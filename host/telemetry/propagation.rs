//! Propagates the W3C trace context of a request, from its caller and to peers.

use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::{SpanContext, TraceContextExt};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tonic::metadata::MetadataMap;
use tracing_opentelemetry::OpenTelemetrySpanExt;

const TRACEPARENT: &str = "traceparent";
const TRACESTATE: &str = "tracestate";

/// Length of `00-`, trace id, span id and flags. Every version begins with these fields.
const TRACEPARENT_LEN: usize = 55;

/// A received trace context that is not parsed yet.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Incoming<'a> {
    /// The `traceparent`; empty for none.
    traceparent: &'a str,
    /// Vendor-specific additions. They are kept in this node and not sent to peers.
    tracestate: &'a str,
}

/// The caller's span, in another process.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Parent(pub(super) SpanContext);

impl<'a> Incoming<'a> {
    /// The context in the metadata of a call, if any.
    #[must_use]
    pub(crate) fn in_metadata(metadata: &'a MetadataMap) -> Self {
        let field = |name| metadata.get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
        Self { traceparent: field(TRACEPARENT), tracestate: field(TRACESTATE) }
    }

    /// The context in a `traceparent`; empty for none.
    #[must_use]
    pub(crate) fn in_text(traceparent: &'a str) -> Self {
        Self { traceparent, tracestate: "" }
    }

    /// Whether the caller says that its trace is not sampled. Most callers do, so this
    /// parses only the flags.
    pub(super) fn says_unsampled(&self) -> bool {
        let flags = self.traceparent.as_bytes().get(TRACEPARENT_LEN - 1);
        flags.is_some_and(|digit| (*digit as char).to_digit(16).is_some_and(|n| n % 2 == 0))
    }

    /// The caller's span; `None` if the context is missing or malformed.
    pub(super) fn parent(&self) -> Option<Parent> {
        if self.traceparent.is_empty() {
            return None;
        }
        let context = TraceContextPropagator::new().extract_with_context(&Context::new(), self);
        let parent = context.span().span_context().clone();
        parent.is_valid().then_some(Parent(parent))
    }
}

impl Extractor for Incoming<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        let field = match key {
            TRACEPARENT => self.traceparent,
            TRACESTATE => self.tracestate,
            _ => "",
        };
        Some(field).filter(|field| !field.is_empty())
    }

    fn keys(&self) -> Vec<&str> {
        vec![TRACEPARENT, TRACESTATE]
    }
}

/// The `traceparent` that makes a peer's spans children of the current one; empty if the
/// request has no trace.
#[must_use]
pub(crate) fn current() -> String {
    let span = tracing::Span::current();
    let mut outgoing = Outgoing(String::new());
    if !span.is_disabled() {
        TraceContextPropagator::new().inject_context(&span.context(), &mut outgoing);
    }
    outgoing.0
}

/// The trace id of the current request, if it is traced.
pub(crate) fn trace_id() -> Option<String> {
    let span = tracing::Span::current();
    if span.is_disabled() {
        return None;
    }
    let context = span.context();
    let span = context.span().span_context().clone();
    span.is_valid().then(|| span.trace_id().to_string())
}

/// Adds [`current`] to the metadata of an outgoing call.
pub(crate) fn inject(metadata: &mut MetadataMap) {
    let traceparent = current();
    if let (false, Ok(value)) = (traceparent.is_empty(), traceparent.parse()) {
        metadata.insert(TRACEPARENT, value);
    }
}

struct Outgoing(String);

impl Injector for Outgoing {
    fn set(&mut self, key: &str, value: String) {
        if key == TRACEPARENT {
            self.0 = value;
        }
    }
}

#[cfg(test)]
mod tests {
    use tonic::metadata::MetadataValue;

    use super::*;

    const SAMPLED: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn both_ways_in_read_the_same_parent() {
        let parent = Incoming::in_text(SAMPLED).parent().unwrap();
        assert!(parent.0.is_sampled());
        assert_eq!(parent.0.trace_id().to_string(), "0af7651916cd43dd8448eb211c80319c");
        let mut metadata = MetadataMap::new();
        metadata.insert(TRACEPARENT, MetadataValue::from_static(SAMPLED));
        assert_eq!(Incoming::in_metadata(&metadata).parent(), Some(parent));
    }

    #[test]
    fn a_parent_that_is_not_recorded_is_told_without_reading_it_whole() {
        assert!(!Incoming::in_text(SAMPLED).says_unsampled());
        assert!(Incoming::in_text(&SAMPLED.replace("-01", "-00")).says_unsampled());
        for unclear in ["", "nonsense", &SAMPLED[..54]] {
            assert!(!Incoming::in_text(unclear).says_unsampled(), "{unclear}");
        }
    }

    #[test]
    fn malformed_text_is_no_parent() {
        let zeros = "00-00000000000000000000000000000000-b7ad6b7169203331-01";
        for text in ["", "nonsense", zeros, &SAMPLED[..40]] {
            assert_eq!(Incoming::in_text(text).parent(), None, "{text}");
        }
    }
}
