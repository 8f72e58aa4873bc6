//! Spans that a plugin reports of its own work, as children of the span of the load.
//!
//! Their names are known only at run time, so they are made without `tracing`. Plugins are
//! not trusted, so names and texts are cut to a limit.

use std::time::{Duration, SystemTime};

use opentelemetry::KeyValue;
use opentelemetry::trace::{Span as _, SpanKind, Status, Tracer};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::traces;

const MOST_ATTRIBUTES: usize = 16;

/// Most bytes of the name of a span or an attribute.
const LONGEST_NAME: usize = 128;

/// Most bytes of the value of an attribute, or of an error.
const LONGEST_TEXT: usize = 1_024;

/// Attributes that are numbers by the semantic conventions. Plugins report all attributes as
/// text.
const INTEGERS: [&str; 3] = ["server.port", "network.peer.port", "http.response.status_code"];

/// A call to the data source that has just ended.
#[derive(Debug)]
pub(crate) struct Reported<A> {
    /// Name of the span, from a small set.
    pub name: String,
    /// How long the call took.
    pub took: Duration,
    /// Names and values of the attributes.
    pub attributes: A,
    /// Why the call failed; `None` if it succeeded.
    pub error: Option<String>,
}

impl<A: Iterator<Item = (String, String)>> Reported<A> {
    /// Sends the span as a child of the current one. Does nothing if the current span is not
    /// sent to a collector.
    pub(crate) fn send(self) {
        let span = Span::current();
        let Some(tracer) = traces::tracer() else { return };
        if span.is_disabled() {
            return;
        }
        let end = SystemTime::now();
        let mut reported = tracer
            .span_builder(cut(self.name, LONGEST_NAME))
            .with_kind(SpanKind::Client)
            .with_start_time(end - self.took)
            .with_attributes(self.attributes.take(MOST_ATTRIBUTES).map(attribute))
            .start_with_context(tracer, &span.context());
        if let Some(error) = self.error {
            reported.set_status(Status::error(cut(error, LONGEST_TEXT)));
        }
        reported.end_with_timestamp(end);
    }
}

fn attribute((name, value): (String, String)) -> KeyValue {
    let name = cut(name, LONGEST_NAME);
    match value.parse::<i64>() {
        Ok(number) if INTEGERS.contains(&name.as_str()) => KeyValue::new(name, number),
        _ => KeyValue::new(name, cut(value, LONGEST_TEXT)),
    }
}

fn cut(mut text: String, longest: usize) -> String {
    text.truncate(text.floor_char_boundary(longest));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(name: &str, value: &str) -> KeyValue {
        attribute((name.to_owned(), value.to_owned()))
    }

    #[test]
    fn only_what_the_conventions_say_is_a_number() {
        assert_eq!(pair("server.port", "3306"), KeyValue::new("server.port", 3306));
        assert_eq!(pair("server.port", "none"), KeyValue::new("server.port", "none"));
        assert_eq!(pair("db.namespace", "2"), KeyValue::new("db.namespace", "2"));
    }

    #[test]
    fn a_long_text_is_cut_between_two_characters() {
        assert_eq!(cut("a".repeat(200), 128).len(), 128);
        assert_eq!(cut("\u{e9}".repeat(100), 127).len(), 126);
    }
}
