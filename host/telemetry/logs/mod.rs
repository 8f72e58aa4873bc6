//! Logs to stderr, as text for people or as JSON for programs.

mod fields;
mod flood;
mod limiter;
mod lines;

pub(crate) use limiter::LogLimiter;

use std::io::{IsTerminal, stderr};

use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::registry::LookupSpan;

use super::{LogFormat, SetupError, TelemetryConfig};
use lines::Lines;

pub(super) fn layer<S>(
    config: &TelemetryConfig,
) -> Result<Box<dyn Layer<S> + Send + Sync>, SetupError>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let filter: Targets = config.log.parse().map_err(|error| SetupError::Filter {
        given: config.log.clone(),
        problem: format!("{error}"),
    })?;
    let terminal = stderr().is_terminal();
    let by_place = if terminal { LogFormat::Text } else { LogFormat::Json };
    // https://no-color.org
    let colour = terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let lines = Lines::new(config.log_format.unwrap_or(by_place));
    let layer = tracing_subscriber::fmt::layer().with_writer(stderr).with_ansi(colour);
    Ok(layer.event_format(lines).with_filter(filter).boxed())
}

#[cfg(test)]
mod tests;
