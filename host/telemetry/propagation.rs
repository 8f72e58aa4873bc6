//! The W3C trace context of a request, in from a caller and out to a peer.

use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::{SpanContext, TraceContextExt};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tonic::metadata::MetadataMap;
use tracing_opentelemetry::OpenTelemetrySpanExt;

const TRACEPARENT: &str = "traceparent";
const TRACESTATE: &str = "tracestate";

/// `00-`, trace, span, flags: any version begins with these.
const TRACEPARENT_LEN: usize = 55;

/// A trace context as it came in, not read yet.
#[derive(Clone, Copy, Debug, Default)]
pub struct Incoming<'a> {
    /// Empty for none.
    traceparent: &'a str,
    /// What systems on the way have added. Kept within this node, not told to peers.
    tracestate: &'a str,
}

/// The caller's span, somewhere else.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Parent(pub(super) SpanContext);

impl<'a> Incoming<'a> {
    /// The context that the metadata of a call name, if they name one.
    #[must_use]
    pub fn in_metadata(metadata: &'a MetadataMap) -> Self {
        let field = |name| metadata.get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
        Self { traceparent: field(TRACEPARENT), tracestate: field(TRACESTATE) }
    }

    /// The context in the text of a `traceparent`, empty for none.
    #[must_use]
    pub fn in_text(traceparent: &'a str) -> Self {
        Self { traceparent, tracestate: "" }
    }

    /// Whether the caller says that its trace is not recorded. Most callers do, so
    /// this reads no more than it must.
    pub(super) fn says_unsampled(&self) -> bool {
        let flags = self.traceparent.as_bytes().get(TRACEPARENT_LEN - 1);
        flags.is_some_and(|digit| (*digit as char).to_digit(16).is_some_and(|n| n % 2 == 0))
    }

    /// The caller's span; anything malformed is none.
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

/// The `traceparent` that makes a peer's spans children of the current one; empty
/// where the request has no trace.
#[must_use]
pub fn current() -> String {
    let span = tracing::Span::current();
    let mut outgoing = Outgoing(String::new());
    if !span.is_disabled() {
        TraceContextPropagator::new().inject_context(&span.context(), &mut outgoing);
    }
    outgoing.0
}

/// Puts [`current`] into the metadata of a call that goes out.
pub fn inject(metadata: &mut MetadataMap) {
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
