//! The W3C trace context of a request, in from a caller and out to a peer.

use std::collections::HashMap;

use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::{SpanContext, TraceContextExt};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tonic::metadata::{MetadataMap, MetadataValue};
use tracing_opentelemetry::OpenTelemetrySpanExt;

const TRACEPARENT: &str = "traceparent";

/// The caller's span, somewhere else.
#[derive(Clone, Debug, PartialEq)]
pub struct Parent(pub(super) SpanContext);

impl Parent {
    /// Whether the caller's trace is recorded, and ours is to be with it.
    #[must_use]
    pub fn is_sampled(&self) -> bool {
        self.0.is_sampled()
    }
}

/// The parent that the metadata of a call name, if they name one.
#[must_use]
pub fn from_metadata(metadata: &MetadataMap) -> Option<Parent> {
    metadata.get(TRACEPARENT)?;
    extract(&Metadata(metadata))
}

/// The parent in the text of a `traceparent`; anything malformed is no parent.
#[must_use]
pub fn from_traceparent(traceparent: &str) -> Option<Parent> {
    if traceparent.is_empty() {
        return None;
    }
    extract(&HashMap::from([(TRACEPARENT.to_owned(), traceparent.to_owned())]))
}

/// The `traceparent` that makes a peer's spans children of the current one;
/// `None` where the request is not traced.
#[must_use]
pub fn current() -> Option<String> {
    let span = tracing::Span::current();
    if span.is_disabled() {
        return None;
    }
    let context = span.context();
    if !context.span().span_context().is_sampled() {
        return None;
    }
    let mut fields = HashMap::new();
    TraceContextPropagator::new().inject_context(&context, &mut fields);
    fields.remove(TRACEPARENT)
}

/// Puts [`current`] into the metadata of a call that goes out.
pub fn inject(metadata: &mut MetadataMap) {
    let value = current().and_then(|traceparent| MetadataValue::try_from(traceparent).ok());
    if let Some(value) = value {
        metadata.insert(TRACEPARENT, value);
    }
}

fn extract(carrier: &dyn Extractor) -> Option<Parent> {
    let context = TraceContextPropagator::new().extract_with_context(&Context::new(), carrier);
    let parent = context.span().span_context().clone();
    parent.is_valid().then_some(Parent(parent))
}

struct Metadata<'a>(&'a MetadataMap);

impl Extractor for Metadata<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        vec![TRACEPARENT, "tracestate"]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLED: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn both_ways_in_read_the_same_parent() {
        let parent = from_traceparent(SAMPLED).unwrap();
        assert!(parent.is_sampled());
        assert_eq!(parent.0.trace_id().to_string(), "0af7651916cd43dd8448eb211c80319c");
        let mut metadata = MetadataMap::new();
        metadata.insert(TRACEPARENT, MetadataValue::from_static(SAMPLED));
        assert_eq!(from_metadata(&metadata), Some(parent));
    }

    #[test]
    fn a_parent_that_is_not_recorded_says_so() {
        let parent = from_traceparent(&SAMPLED.replace("-01", "-00")).unwrap();
        assert!(!parent.is_sampled());
    }

    #[test]
    fn malformed_text_is_no_parent() {
        let zeros = "00-00000000000000000000000000000000-b7ad6b7169203331-01";
        for text in ["", "nonsense", zeros, &SAMPLED[..40]] {
            assert_eq!(from_traceparent(text), None, "{text}");
        }
    }
}
