//! Where logs and traces go, and why they can not.

/// Where logs and traces go.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Which log lines, in the syntax of `RUST_LOG`: `info,psycache::ownership=debug`.
    pub log: String,
    /// `None`: text on a terminal, JSON elsewhere.
    pub log_format: Option<LogFormat>,
    /// URL of an OTLP collector. Jaeger is one. `http://127.0.0.1:4317` is spoken to by
    /// gRPC; the port 4318, or a path such as `/v1/traces`, means HTTP. `None`: no
    /// traces, and no cost.
    pub otlp: Option<String>,
    /// Share of the requests without a trace of their own that start one, 0 to 1.
    pub trace_ratio: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self { log: "info".into(), log_format: None, otlp: None, trace_ratio: 0.01 }
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// A line for people, with colours on a terminal.
    Text,
    /// One JSON object a line.
    Json,
}

/// Why logs and traces could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The filter can't be read.
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
    /// This process has a subscriber already.
    #[error("logs are set up already")]
    Twice,
}
