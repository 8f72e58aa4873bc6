//! Traces: which requests have one, and how it gets to the collector.
//!
//! Whether a request is traced is decided before a span exists
//! ([`choose`]), so that the many that are not pay for a random number. The
//! sampler only has to repeat that decision.

use std::sync::OnceLock;
use std::time::Duration;

use opentelemetry::trace::{Link, SpanKind, TraceContextExt, TraceId, TraceState, TracerProvider};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{
    SamplingDecision, SamplingResult, SdkTracerProvider, ShouldSample, TracerProviderBuilder,
};
use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;

use super::propagation::Parent;
use super::{Config, SetupError};

/// How long a node that stops waits for the collector.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(3);

/// Share of the requests without a parent that are traced; empty where nothing
/// is. Set once, by [`Exporter::start`].
static RATIO: OnceLock<f64> = OnceLock::new();

/// Whether to trace a request: as its parent is, else by the ratio. `Some` with
/// the parent, or without one, where it is traced.
pub(super) fn choose(parent: impl FnOnce() -> Option<Parent>) -> Option<Option<Parent>> {
    let ratio = RATIO.get()?;
    let parent = parent();
    let chosen = parent.as_ref().map_or_else(|| rand::random::<f64>() < *ratio, Parent::is_sampled);
    chosen.then_some(parent)
}

/// Sends spans to the collector, in batches and from a thread of its own.
#[derive(Debug)]
pub(super) struct Exporter {
    provider: SdkTracerProvider,
}

impl Exporter {
    pub(super) fn start(config: &Config) -> Result<Option<Self>, SetupError> {
        let Some(url) = &config.otlp else {
            return Ok(None);
        };
        let exporter =
            SpanExporter::builder().with_tonic().with_endpoint(url).build().map_err(|error| {
                SetupError::Otlp { given: url.clone(), problem: error.to_string() }
            })?;
        let provider = SdkTracerProvider::builder().with_batch_exporter(exporter);
        Ok(Some(Self::with_ratio(provider, config.trace_ratio)))
    }

    fn with_ratio(provider: TracerProviderBuilder, ratio: f64) -> Self {
        RATIO.get_or_init(|| ratio);
        let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        let resource =
            Resource::builder().with_service_name("psycache").with_attribute(version).build();
        let provider = provider.with_sampler(AsChosen).with_resource(resource).build();
        Self { provider }
    }

    /// Turns spans into traces. It takes no log lines: those have their own way.
    pub(super) fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        tracing_opentelemetry::layer()
            .with_tracer(self.provider.tracer("psycache"))
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_filter(filter_fn(|metadata| {
                metadata.is_span() && metadata.target().starts_with("psycache")
            }))
    }

    pub(super) fn shutdown(self) {
        if let Err(error) = self.provider.shutdown_with_timeout(FLUSH_TIMEOUT) {
            tracing::warn!(%error, "Some traces did not reach the collector");
        }
    }
}

/// A server span exists only where [`choose`] said yes; what lies below one
/// follows it, and nothing else starts a trace.
#[derive(Clone, Debug)]
struct AsChosen;

impl ShouldSample for AsChosen {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        _: TraceId,
        _: &str,
        kind: &SpanKind,
        _: &[KeyValue],
        _: &[Link],
    ) -> SamplingResult {
        let parent = parent.map(|context| context.span().span_context().clone());
        let follows = parent.as_ref().is_some_and(|parent| parent.is_sampled());
        let decision = if follows || *kind == SpanKind::Server {
            SamplingDecision::RecordAndSample
        } else {
            SamplingDecision::Drop
        };
        let trace_state = parent.map_or_else(TraceState::default, |p| p.trace_state().clone());
        SamplingResult { decision, attributes: Vec::new(), trace_state }
    }
}

#[cfg(test)]
mod tests;
