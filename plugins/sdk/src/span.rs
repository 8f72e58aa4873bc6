//! What a retriever does at its source, shown in the trace of the load at hand.

use std::fmt::Display;
use std::time::Instant;

/// A call to the source under way.
///
/// ```
/// # use psycache_plugin::Span;
/// # let rows: Result<u32, String> = Ok(1);
/// let span = Span::begin("SELECT school").with("db.system.name", "mysql");
/// // ... the query ...
/// span.end(rows.as_ref().err());
/// ```
#[derive(Debug)]
pub struct Span(Option<Begun>);

#[derive(Debug)]
struct Begun {
    name: String,
    at: Instant,
    attributes: Vec<(String, String)>,
}

impl Span {
    /// Begins one, if the load at hand is traced. Outside of a node none is. `name`
    /// should be one of few, and never hold a key. What is not traced is not written out.
    #[must_use]
    pub fn begin(name: impl Display) -> Self {
        Self(wanted().then(|| Begun {
            name: name.to_string(),
            at: Instant::now(),
            attributes: Vec::new(),
        }))
    }

    /// Adds an attribute, named as OpenTelemetry's semantic conventions have it.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Display) -> Self {
        if let Some(begun) = &mut self.0 {
            begun.attributes.push((name.to_owned(), value.to_string()));
        }
        self
    }

    /// Reports it, with what went wrong if something did. One that is only dropped is
    /// not reported.
    pub fn end(self, error: Option<impl Display>) {
        if let Some(begun) = self.0 {
            report(begun, error.map(|error| error.to_string()));
        }
    }
}

fn wanted() -> bool {
    crate::call::is_traced(asked)
}

#[cfg(target_family = "wasm")]
fn asked() -> bool {
    crate::bindings::retriever::psycache::plugin::spans::wanted()
}

#[cfg(target_family = "wasm")]
fn report(begun: Begun, error: Option<String>) {
    use crate::bindings::retriever::psycache::plugin::{spans, types};

    let pair = |(name, value)| types::OptionPair { name, value };
    spans::report(&spans::Span {
        name: begun.name,
        duration_us: begun.at.elapsed().as_micros() as u64,
        attributes: begun.attributes.into_iter().map(pair).collect(),
        error,
    });
}

#[cfg(not(target_family = "wasm"))]
fn asked() -> bool {
    false
}

#[cfg(not(target_family = "wasm"))]
fn report(Begun { name, at, attributes }: Begun, error: Option<String>) {
    // Nobody is there to be told.
    let _ = (name, at, attributes, error);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outside_of_a_node_nothing_is_made() {
        let span = Span::begin("SELECT").with("db.system.name", "mysql");
        assert!(span.0.is_none());
        span.end(None::<&str>);
    }
}
