//! Logs, traces and metrics; the only place that names opentelemetry.
//!
//! How to emit:
//! - **A log line** is a [`tracing`] event: fields first, then a sentence that
//!   starts with a capital and names what an operator can do about it.
//!   `error!`: someone must act. `warn!`: it mends itself, or may not. `info!`:
//!   a node's life (started, ring changed, policy swapped). `debug!`: one
//!   request. Nothing at all on a hit. What can repeat goes through a
//!   [`LogLimiter`].
//! - **A span** of a request is opened by [`RpcSpan`], for the chosen few; below
//!   it, one of [`spans`] at a stage that can take long. Without a chosen request
//!   above it there is none. Names and attributes are those of OpenTelemetry's
//!   semantic conventions where they have some, and begin with `psycache.` where
//!   not. Keys and values never stand in a span.
//! - **To another node** the trace goes as [`propagation::current`].
//! - **A number** belongs to the stage that counts it, such as [`GroupCounters`],
//!   and is read out as a [`NodeReading`] when [`Metrics`] are asked for. So a hit
//!   pays for one addition, and a scrape for the rest.

pub mod propagation;
pub mod spans;

mod config;
mod counters;
mod durations;
mod exposition;
mod logs;
mod metrics;
#[cfg(feature = "otlp")]
mod otlp;
mod readings;
mod reported;
mod rpc_span;
mod traces;

pub use config::{Config, LogFormat, SetupError};
pub use counters::{GetResult, GroupCounters, GroupCounts, LoadOutcome, LoadSource, LoadTimer};
pub use durations::{Durations, DurationsReading};
pub use exposition::Exposition;
pub use logs::LogLimiter;
pub use metrics::Metrics;
pub use readings::{GroupReading, LoadReading, NodeReading, PeerReading, PolicyReading};
pub use reported::Reported;
pub use rpc_span::RpcSpan;

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Logs and traces of this process, set up.
#[derive(Debug)]
pub struct Telemetry {
    traces: traces::Traces,
}

impl Telemetry {
    /// Sets up what `config` asks for, for the whole process. `instance` is what it is
    /// called among its like, its address say. With [`Config::otlp`] it must run inside a tokio runtime; a collector that is
    /// down keeps nobody from starting.
    ///
    /// # Errors
    /// See [`SetupError`].
    pub fn start(config: &Config, instance: &str) -> Result<Self, SetupError> {
        let logs = logs::layer(config)?;
        let traces = traces::Traces::start(config, instance)?;
        tracing_subscriber::registry()
            .with(traces.layer())
            .with(logs)
            .try_init()
            .map_err(|_| SetupError::Twice)?;
        Ok(Self { traces })
    }

    /// Sends what is still on its way to the collector, for a few seconds at
    /// most. Blocks; call it last.
    pub fn shutdown(self) {
        self.traces.shutdown();
    }
}
