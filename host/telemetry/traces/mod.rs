//! Traces: which requests are traced, and how spans reach the collector.
//!
//! [`choose`] decides whether a request is traced before a span exists, so a request that
//! is not traced costs no more than a random number. The sampler repeats that decision.

use std::sync::OnceLock;
use std::time::Duration;

use opentelemetry::trace::{Link, SpanKind, TraceContextExt, TraceId, TraceState, TracerProvider};
use opentelemetry::{Context, InstrumentationScope, KeyValue};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::resource::{EnvResourceDetector, ResourceDetector};
use opentelemetry_sdk::trace::{
    SamplingDecision, SamplingResult, SdkTracer, SdkTracerProvider, ShouldSample,
    TracerProviderBuilder,
};
use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;

#[cfg(feature = "otlp")]
use super::otlp::export;
use super::propagation::{Incoming, Parent};
use super::{SetupError, TelemetryConfig};

/// The version of OpenTelemetry's semantic conventions that names and attributes follow.
const CONVENTIONS: &str = "https://opentelemetry.io/schemas/1.30.0";

/// How long a stopping node waits for the collector.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(3);

/// Share of the requests without a parent that are traced; empty if there is no collector.
/// Set once, by [`Traces::start`].
static RATIO: OnceLock<f64> = OnceLock::new();

/// Makes spans without `tracing`; empty if there is no collector.
static TRACER: OnceLock<SdkTracer> = OnceLock::new();

/// The tracer for spans whose names are known only at run time.
#[cfg(feature = "plugins")]
pub(super) fn tracer() -> Option<&'static SdkTracer> {
    TRACER.get()
}

/// Whether a request without a trace may start one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Roots {
    ByRatio,
    Never,
}

/// A request that gets a span.
pub(super) struct Chosen {
    pub(super) parent: Option<Parent>,
    /// Whether the span and its children are sent to the collector. If not, the span only
    /// provides the trace id for the log lines of the request.
    pub(super) sampled: bool,
}

/// Decides whether a request gets a span: if its parent is sampled, or by the ratio if it
/// has no parent. While debug lines are logged, every request gets one, so that its lines
/// have a trace id.
pub(super) fn choose<'a>(roots: Roots, incoming: impl FnOnce() -> Incoming<'a>) -> Option<Chosen> {
    let ratio = RATIO.get();
    let logged = LevelFilter::current() >= LevelFilter::DEBUG;
    if ratio.is_none() && !logged {
        return None;
    }
    let incoming = incoming();
    if !logged && incoming.says_unsampled() {
        return None;
    }
    let parent = incoming.parent();
    let sampled = ratio.is_some_and(|ratio| match &parent {
        Some(Parent(parent)) => parent.is_sampled(),
        None => roots == Roots::ByRatio && rand::random::<f64>() < *ratio,
    });
    (sampled || logged).then_some(Chosen { parent, sampled })
}

/// Makes spans and sends those of sampled requests to the collector, in batches and from a
/// thread of its own.
#[derive(Debug)]
pub(super) struct Traces {
    provider: SdkTracerProvider,
}

impl Traces {
    /// Sets up traces as configured. Without a collector, spans are not sent.
    pub(super) fn start(config: &TelemetryConfig, instance: &str) -> Result<Self, SetupError> {
        let provider = SdkTracerProvider::builder();
        let Some(url) = &config.otlp else {
            return Ok(Self::new(provider, instance));
        };
        let provider = export(provider, url)
            .map_err(|problem| SetupError::Otlp { given: url.clone(), problem })?;
        let traces = Self::new(provider, instance);
        RATIO.get_or_init(|| config.trace_ratio);
        TRACER.get_or_init(|| traces.tracer());
        Ok(traces)
    }

    fn new(provider: TracerProviderBuilder, instance: &str) -> Self {
        let resource = resource(instance);
        let provider = provider.with_sampler(AsChosen).with_resource(resource).build();
        Self { provider }
    }

    fn tracer(&self) -> SdkTracer {
        let scope = InstrumentationScope::builder("psycache")
            .with_version(env!("CARGO_PKG_VERSION"))
            .with_schema_url(CONVENTIONS)
            .build();
        self.provider.tracer_with_scope(scope)
    }

    /// The layer that turns `tracing` spans into traces. It ignores events, which are logged
    /// by another layer.
    pub(super) fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        let ours =
            filter_fn(|metadata| metadata.is_span() && metadata.target().starts_with("psycache"));
        tracing_opentelemetry::layer()
            .with_tracer(self.tracer())
            .with_location(false)
            .with_threads(false)
            .with_level(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_filter(ours.with_max_level_hint(LevelFilter::INFO))
    }

    pub(super) fn shutdown(self) {
        if let Err(error) = self.provider.shutdown_with_timeout(FLUSH_TIMEOUT) {
            tracing::warn!(%error, "Some traces did not reach the collector");
        }
    }
}

#[cfg(not(feature = "otlp"))]
fn export(_: TracerProviderBuilder, _: &str) -> Result<TracerProviderBuilder, String> {
    Err("this program was built without the feature `otlp`".into())
}

/// The resource of the spans, which describes this process. OTEL_SERVICE_NAME and
/// OTEL_RESOURCE_ATTRIBUTES can override its attributes and add others.
fn resource(instance: &str) -> Resource {
    let ours = [
        KeyValue::new("service.name", "psycache"),
        KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        KeyValue::new("service.instance.id", instance.to_owned()),
        KeyValue::new("process.pid", i64::from(std::process::id())),
    ];
    let told = EnvResourceDetector::new().detect();
    let named = std::env::var("OTEL_SERVICE_NAME").ok().filter(|name| !name.is_empty());
    Resource::builder_empty()
        .with_attributes(ours)
        .with_attributes(told.iter().map(|(key, value)| KeyValue::new(key.clone(), value.clone())))
        .with_attributes(named.map(|name| KeyValue::new("service.name", name)))
        .build()
}

/// A sampler that repeats the decision of [`choose`]. A server span exists only if `choose`
/// returned one, its children follow it, and no other span starts a trace.
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
