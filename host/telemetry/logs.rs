//! Log lines: on stderr, as text for people or as JSON for machines.

use std::io::{IsTerminal, stderr};

use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::registry::LookupSpan;

use super::{Config, SetupError};

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// A line for people, with colours on a terminal.
    Text,
    /// One JSON object a line.
    Json,
}

pub(super) fn layer<S>(config: &Config) -> Result<Box<dyn Layer<S> + Send + Sync>, SetupError>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let filter: Targets = config.log.parse().map_err(|error| SetupError::Filter {
        given: config.log.clone(),
        problem: format!("{error}"),
    })?;
    let terminal = stderr().is_terminal();
    let by_place = if terminal { LogFormat::Text } else { LogFormat::Json };
    let lines = tracing_subscriber::fmt::layer().with_writer(stderr);
    Ok(match config.log_format.unwrap_or(by_place) {
        LogFormat::Text => lines.with_ansi(terminal).with_filter(filter).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_filter(filter).boxed(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_that_cannot_be_read_is_named() {
        let config = Config { log: "info,psycache=loud".into(), ..Config::default() };
        let error = layer::<tracing_subscriber::Registry>(&config).err().unwrap();
        assert!(error.to_string().contains("--log \"info,psycache=loud\""), "{error}");
    }
}
