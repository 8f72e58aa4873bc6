//! Spans that a retriever reports about its work at the source, limited in number.

use std::time::{Duration, Instant};

use crate::plugin::contract::LiftedSpan;
use crate::telemetry::Reported;

/// Spans that one load may report.
const MOST_SPANS: u32 = 16;

/// The spans of one load.
#[derive(Debug)]
pub(super) struct LoadSpans {
    began: Instant,
    left: u32,
}

impl LoadSpans {
    /// Of a load that begins now.
    pub(super) fn begin() -> Self {
        Self { began: Instant::now(), left: MOST_SPANS }
    }

    pub(super) fn report(&mut self, span: LiftedSpan) {
        let Some(left) = self.left.checked_sub(1) else { return };
        self.left = left;
        // A span can't begin before its load.
        let took = Duration::from_micros(span.duration_us).min(self.began.elapsed());
        let attributes = span.attributes.into_iter().map(|pair| (pair.name, pair.value));
        Reported { name: span.name, took, attributes, error: span.error }.send();
    }
}
