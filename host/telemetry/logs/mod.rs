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
use tracing_subscriber::reload;

use super::{LogFormat, SetupError, TelemetryConfig};
use lines::Lines;

type Logs<S> = Box<dyn Layer<S> + Send + Sync>;

pub(super) fn layer<S>(config: &TelemetryConfig) -> Result<(Logs<S>, Reloadable), SetupError>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let (filter, handle) = reload::Layer::new(targets(&config.log)?);
    let terminal = stderr().is_terminal();
    let by_place = if terminal { LogFormat::Text } else { LogFormat::Json };
    // https://no-color.org
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
        || std::env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
    let colour = terminal && !plain;
    let lines = Lines::new(config.log_format.unwrap_or(by_place));
    let layer = tracing_subscriber::fmt::layer().with_writer(stderr).with_ansi(colour);
    // An error would mean that the subscriber is gone, and with it the lines.
    let change = move |targets| drop(handle.reload(targets));
    Ok((layer.event_format(lines).with_filter(filter).boxed(), Reloadable(Box::new(change))))
}

/// Replaces the filter of the lines.
pub(super) struct Reloadable(Box<dyn Fn(Targets) + Send + Sync>);

impl Reloadable {
    pub(super) fn reload(&self, filter: &str) -> Result<(), SetupError> {
        (self.0)(targets(filter)?);
        Ok(())
    }
}

impl std::fmt::Debug for Reloadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reloadable")
    }
}

fn targets(filter: &str) -> Result<Targets, SetupError> {
    filter.parse().map_err(|error| SetupError::Filter {
        given: filter.to_owned(),
        problem: format!("{error}"),
    })
}

#[cfg(test)]
mod tests;
