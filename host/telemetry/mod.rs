//! Logs, traces and metrics; the only module that uses opentelemetry.
//!
//! How to emit:
//! - **A log line** is a [`tracing`] event: fields first, then a sentence that
//!   starts with a capital and names what an operator can do about it.
//!   `error!`: an operator must act. `warn!`: a fault that may resolve itself.
//!   `info!`: an event in the node's life (started, ring changed, policy
//!   swapped). `debug!`: one request. A hit logs nothing. A line that can repeat
//!   goes through a `LogLimiter`.
//! - **A span** of a request is opened by `RpcSpan` if the request is sampled.
//!   Stages that can take long open one of `spans` below it. A request that is
//!   not sampled has no spans. Names and attributes follow OpenTelemetry's
//!   semantic conventions; others begin with `psycache.`. A span never contains
//!   keys or values.
//! - **Another node** receives the trace context as `propagation::current`.
//! - **A counter** belongs to the stage that counts it, such as `GroupCounters`.
//!   A scrape of `Metrics` reads it as part of a `NodeReading`. So a hit costs
//!   one addition, and a scrape does the rest.

pub(crate) mod propagation;
pub(crate) mod spans;

mod config;
mod counters;
#[cfg(feature = "otlp")]
mod dropped;
mod durations;
mod exposition;
mod logs;
mod metrics;
#[cfg(feature = "otlp")]
mod otlp;
mod readings;
#[cfg(feature = "plugins")]
mod reported;
mod rpc_span;
mod traces;

pub use config::{LogFormat, SetupError, TelemetryConfig};
pub(crate) use counters::{
    GetResult, GroupCounters, GroupCounts, LoadOutcome, LoadSource, Lookup, SourceEvent,
};
#[cfg(feature = "otlp")]
pub(crate) use dropped::dropped_spans;
pub(crate) use durations::DurationsReading;
pub(crate) use exposition::Exposition;
pub(crate) use logs::LogLimiter;
#[doc(hidden)]
pub use metrics::Metrics;
#[doc(hidden)]
pub use readings::NodeReading;
pub(crate) use readings::{
    CertificateReading, ConnectionsReading, GroupReading, LoadReading, PeerReading, PolicyReading,
    ShadowReading, ShadowRowReading, SourceGauges,
};
#[cfg(feature = "plugins")]
pub(crate) use reported::Reported;
pub(crate) use rpc_span::RpcSpan;

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Number of spans that could not be sent.
#[cfg(not(feature = "otlp"))]
pub(crate) fn dropped_spans() -> u64 {
    0
}

/// A handle of this process's logs and traces.
#[derive(Debug)]
pub struct Telemetry {
    traces: traces::Traces,
    logs: logs::Reloadable,
}

impl Telemetry {
    /// Sets up logs and traces for the whole process. `instance` identifies this process
    /// among others of the service, for example by its address. With [`TelemetryConfig::otlp`] this
    /// must be called inside a tokio runtime. The collector need not be reachable.
    ///
    /// # Errors
    /// See [`SetupError`].
    pub fn start(config: &TelemetryConfig, instance: &str) -> Result<Self, SetupError> {
        let (logs, filter) = logs::layer(config)?;
        let traces = traces::Traces::start(config, instance)?;
        tracing_subscriber::registry()
            .with(traces.layer())
            .with(logs)
            .try_init()
            .map_err(|_| SetupError::Twice)?;
        Ok(Self { traces, logs: filter })
    }

    /// Applies a changed [`TelemetryConfig::log`]. The other settings need a restart.
    ///
    /// # Errors
    /// [`SetupError::Filter`].
    pub fn reload(&self, config: &TelemetryConfig) -> Result<(), SetupError> {
        self.logs.reload(&config.log)
    }

    /// Sends the remaining spans to the collector. This blocks for a few seconds at most, so
    /// call it last.
    pub fn shutdown(self) {
        self.traces.shutdown();
    }
}
