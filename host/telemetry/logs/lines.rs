//! Formats an event as a log line.

use std::fmt;

use serde::ser::{SerializeMap, Serializer};
use serde_json::Value;
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::fields::Fields;
use super::flood::Flood;
use crate::telemetry::LogFormat;
use crate::telemetry::propagation::trace_id;

const RESET: &str = "\u{1b}[0m";
const DIM: &str = "\u{1b}[2m";

/// Writes events as lines, except those that the flood limit suppresses.
#[derive(Debug)]
pub(super) struct Lines {
    format: LogFormat,
    flood: Flood,
}

impl Lines {
    pub(super) fn new(format: LogFormat) -> Self {
        Self { format, flood: Flood::default() }
    }
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let metadata = event.metadata();
        // Debug lines describe single requests and are never suppressed.
        let suppressed = match *metadata.level() <= Level::INFO {
            true => self.flood.admit(metadata, &fields),
            false => Some(0),
        };
        let Some(suppressed) = suppressed else { return Ok(()) };
        if suppressed > 0 {
            fields.others.push(("suppressed", suppressed.into()));
        }
        if let Some(trace) = trace_id() {
            fields.others.push(("trace_id", trace.into()));
        }
        let mut time = String::new();
        SystemTime.format_time(&mut Writer::new(&mut time))?;
        match self.format {
            LogFormat::Text => text(&mut writer, &time, metadata, &fields),
            LogFormat::Json => json(&mut writer, &time, metadata, &fields),
        }
    }
}

/// Writes a line as text. Terminal control characters are escaped.
fn text(
    writer: &mut Writer<'_>,
    time: &str,
    metadata: &Metadata<'_>,
    fields: &Fields,
) -> fmt::Result {
    let (level, target) = (metadata.level(), metadata.target());
    if writer.has_ansi_escapes() {
        let colour = colour(*level);
        write!(writer, "{DIM}{time}{RESET} {colour}{level:>5}{RESET} {DIM}{target}:{RESET} ")?;
    } else {
        write!(writer, "{time} {level:>5} {target}: ")?;
    }
    for c in fields.message.chars() {
        match c.is_control() {
            true => write!(writer, "{}", c.escape_debug())?,
            false => writer.write_char(c)?,
        }
    }
    for (name, value) in &fields.others {
        match value {
            Value::String(text) if is_plain(text) => write!(writer, " {name}={text}")?,
            Value::String(text) => write!(writer, " {name}={text:?}")?,
            value => write!(writer, " {name}={value}")?,
        }
    }
    writeln!(writer)
}

/// Whether a text can be written without quotes.
fn is_plain(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '=');
    !text.is_empty() && text.chars().all(plain)
}

fn colour(level: Level) -> &'static str {
    match level {
        Level::ERROR => "\u{1b}[31m",
        Level::WARN => "\u{1b}[33m",
        Level::INFO => "\u{1b}[32m",
        Level::DEBUG => "\u{1b}[34m",
        Level::TRACE => "\u{1b}[35m",
    }
}

fn json(
    writer: &mut Writer<'_>,
    time: &str,
    metadata: &Metadata<'_>,
    fields: &Fields,
) -> fmt::Result {
    let mut line = Vec::new();
    let written = (|| {
        let mut serializer = serde_json::Serializer::new(&mut line);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("timestamp", time)?;
        map.serialize_entry("level", metadata.level().as_str())?;
        map.serialize_entry("target", metadata.target())?;
        map.serialize_entry("message", &fields.message)?;
        for (name, value) in &fields.others {
            map.serialize_entry(name, value)?;
        }
        SerializeMap::end(map)
    })();
    written.map_err(|_: serde_json::Error| fmt::Error)?;
    writeln!(writer, "{}", std::str::from_utf8(&line).map_err(|_| fmt::Error)?)
}
