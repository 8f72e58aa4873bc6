//! Traces: which requests have one, and how it gets to the collector.
//!
//! Whether a request is traced is decided before a span exists
//! ([`choose`]), so that the many that are not pay for a random number. The
//! sampler only has to repeat that decision.

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
use super::{Config, SetupError};

/// The version of OpenTelemetry's semantic conventions that names and attributes are of.
const CONVENTIONS: &str = "https://opentelemetry.io/schemas/1.30.0";

/// How long a node that stops waits for the collector.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(3);

/// Share of the requests without a parent that are traced; empty where nothing
/// is. Set once, by [`Traces::start`].
static RATIO: OnceLock<f64> = OnceLock::new();

/// Makes the spans that are not `tracing`'s; empty where there is no collector.
static TRACER: OnceLock<SdkTracer> = OnceLock::new();

/// What makes spans under names that are known at run time only.
pub(super) fn tracer() -> Option<&'static SdkTracer> {
    TRACER.get()
}

/// Whether a request that has no trace may begin one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Roots {
    ByRatio,
    Never,
}

/// A request that gets a span.
pub(super) struct Chosen {
    pub(super) parent: Option<Parent>,
    /// Whether the span goes to the collector, and those below it. If not it only gives
    /// the log lines of the request their trace id.
    pub(super) sampled: bool,
}

/// Whether a request gets a span: as its parent has, else by the ratio. While log
/// lines of single requests are wanted, each does, so that they can be told apart.
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

/// Makes spans, and sends those of the chosen requests to the collector: in batches and
/// from a thread of its own.
#[derive(Debug)]
pub(super) struct Traces {
    provider: SdkTracerProvider,
}

impl Traces {
    /// Sets up what `config` asks for. Without a collector spans go nowhere.
    pub(super) fn start(config: &Config, instance: &str) -> Result<Self, SetupError> {
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

    /// Turns spans into traces. It takes no log lines: those have their own way.
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

/// What the spans are spans of. OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES may say
/// otherwise, and more.
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
