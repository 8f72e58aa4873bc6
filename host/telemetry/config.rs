//! Configuration of logs and traces, and the errors of setting them up.

/// Configuration of logs and traces.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TelemetryConfig {
    /// Filter of the log lines in the syntax of `RUST_LOG`: `info,psycache::ownership=debug`.
    pub log: String,
    /// Format of the log lines; `None` for text on a terminal and JSON elsewhere.
    pub log_format: Option<LogFormat>,
    /// URL of an OTLP collector such as Jaeger. OTLP over HTTP is used if the port is 4318
    /// or the URL has a path such as `/v1/traces`. Otherwise, as for
    /// `http://127.0.0.1:4317`, it is gRPC. `None` disables traces, which then cost nothing.
    pub otlp: Option<String>,
    /// Share of the requests without a caller's trace that start one, 0 to 1.
    pub trace_ratio: f64,
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        Self { log: "info".into(), log_format: None, otlp: None, trace_ratio: 0.01 }
    }
}

/// Format of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogFormat {
    /// Readable text, with colours on a terminal.
    Text,
    /// One JSON object for each line.
    Json,
}

/// Why logs and traces could not be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// The filter can't be parsed.
    #[error("--log {given:?}: {problem}; write a level, or `info,psycache::ownership=debug`")]
    Filter {
        /// What was given.
        given: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The collector's address can't be used.
    #[error("--otlp {given:?}: {problem}; write http://HOST:4317, or http://HOST:4318 for HTTP")]
    Otlp {
        /// What was given.
        given: String,
        /// What is wrong with it.
        problem: String,
    },
    /// This process already has a `tracing` subscriber.
    #[error("logs are set up already")]
    Twice,
}
