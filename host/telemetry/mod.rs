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
//!   it, `tracing::info_span!` at a stage that can take long (a load, a call to a
//!   peer). A span that has no chosen request above it costs a few nanoseconds
//!   and goes nowhere.
//! - **To another node** the trace goes as [`propagation::current`].
//! - **A number** belongs to the stage that counts it, such as [`GroupCounters`],
//!   and is read out as a [`NodeReading`] when [`Metrics`] are asked for. So a hit
//!   pays for one addition, and a scrape for the rest.

pub mod propagation;

mod counters;
mod durations;
mod log_limiter;
mod logs;
mod metrics;
mod readings;
mod rpc_span;
mod traces;

pub use counters::{GetResult, GroupCounters, GroupCounts, LoadOutcome, LoadTimer};
pub use durations::{Durations, DurationsReading};
pub use log_limiter::LogLimiter;
pub use logs::LogFormat;
pub use metrics::{METRICS_CONTENT_TYPE, Metrics};
pub use readings::{GroupReading, LoadReading, NodeReading, PeerReading, PolicyReading};
pub use rpc_span::RpcSpan;

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Where logs and traces go.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Which log lines, in the syntax of `RUST_LOG`: `info,psycache::cluster=debug`.
    pub log: String,
    /// `None`: text on a terminal, JSON elsewhere.
    pub log_format: Option<LogFormat>,
    /// URL of an OTLP collector that speaks gRPC, `http://127.0.0.1:4317`. Jaeger
    /// is one. `None`: no traces, and no cost.
    pub otlp: Option<String>,
    /// Share of the requests without a trace of their own that start one, 0 to 1.
    pub trace_ratio: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self { log: "info".into(), log_format: None, otlp: None, trace_ratio: 0.01 }
    }
}

/// Why logs and traces could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The filter can't be read.
    #[error("--log {given:?}: {problem}; write a level, or `info,psycache::cluster=debug`")]
    Filter {
        /// What was given.
        given: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The collector's address can't be used.
    #[error("--otlp {given:?}: {problem}; write http://HOST:4317")]
    Otlp {
        /// What was given.
        given: String,
        /// What is wrong with it.
        problem: String,
    },
    /// This process has a subscriber already.
    #[error("logs are set up already")]
    Twice,
}

/// Logs and traces of this process, set up.
#[derive(Debug)]
pub struct Telemetry {
    exporter: Option<traces::Exporter>,
}

impl Telemetry {
    /// Sets up what `config` asks for, for the whole process. With
    /// [`Config::otlp`] it must run inside a tokio runtime; a collector that is
    /// down keeps nobody from starting.
    ///
    /// # Errors
    /// See [`SetupError`].
    pub fn start(config: &Config) -> Result<Self, SetupError> {
        let logs = logs::layer(config)?;
        let exporter = traces::Exporter::start(config)?;
        let traces = exporter.as_ref().map(traces::Exporter::layer);
        tracing_subscriber::registry()
            .with(traces)
            .with(logs)
            .try_init()
            .map_err(|_| SetupError::Twice)?;
        Ok(Self { exporter })
    }

    /// Sends what is still on its way to the collector, for a few seconds at
    /// most. Blocks; call it last.
    pub fn shutdown(self) {
        if let Some(exporter) = self.exporter {
            exporter.shutdown();
        }
    }
}
