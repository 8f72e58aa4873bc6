//! Log lines as an operator gets them.

use std::io;
use std::sync::Arc;

use parking_lot::Mutex;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;

use super::*;

#[test]
fn a_filter_that_cannot_be_read_is_named() {
    let config = TelemetryConfig { log: "info,psycache=loud".into(), ..TelemetryConfig::default() };
    let error = layer::<tracing_subscriber::Registry>(&config).err().unwrap();
    assert!(error.to_string().contains("--log \"info,psycache=loud\""), "{error}");
}

#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Sink {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

fn lines_of(format: LogFormat, colour: bool, work: impl FnOnce()) -> Vec<String> {
    let sink = Sink::default();
    let layer = tracing_subscriber::fmt::layer().with_writer(sink.clone()).with_ansi(colour);
    let subscriber = tracing_subscriber::registry().with(layer.event_format(Lines::new(format)));
    tracing::subscriber::with_default(subscriber, work);
    let text = String::from_utf8(sink.0.lock().clone()).unwrap();
    text.lines().map(str::to_owned).collect()
}

fn complain() {
    let name = "two\nlines";
    tracing::warn!(group = name, attempt = 3, took_ms = 1.5, "No answer from {}", "\u{1b}[2Jdb");
}

#[test]
fn a_line_of_json_has_its_fields_at_the_top() {
    let lines = lines_of(LogFormat::Json, false, complain);
    let [line] = lines.as_slice() else { panic!("{lines:?}") };
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    assert_eq!(line["level"], "WARN");
    assert_eq!(line["target"], "psycache::telemetry::logs::tests");
    assert_eq!(line["message"], "No answer from \u{1b}[2Jdb");
    assert_eq!(line["group"], "two\nlines");
    assert_eq!(line["attempt"], 3);
    assert_eq!(line["took_ms"], 1.5);
    assert!(line["timestamp"].as_str().unwrap().ends_with('Z'));
}

#[test]
fn a_line_of_text_is_one_line_whatever_stands_in_it() {
    let lines = lines_of(LogFormat::Text, false, complain);
    let [line] = lines.as_slice() else { panic!("{lines:?}") };
    let said = "No answer from \\u{1b}[2Jdb group=\"two\\nlines\" attempt=3 took_ms=1.5";
    let expected = format!("  WARN psycache::telemetry::logs::tests: {said}");
    assert_eq!(line.split_once('Z').unwrap().1, expected);
}

#[test]
fn colour_marks_the_level() {
    let lines = lines_of(LogFormat::Text, true, complain);
    assert!(lines[0].contains("\u{1b}[33m WARN\u{1b}[0m"), "{:?}", lines[0]);
}

#[test]
fn a_line_that_repeats_is_held_back_and_another_subject_is_not() {
    let repeat = |group| {
        for _ in 0..1_000 {
            tracing::warn!(group, "the same");
        }
    };
    let lines = lines_of(LogFormat::Json, false, || ["a", "b"].into_iter().for_each(repeat));
    let of = |group: &str| lines.iter().filter(|line| line.contains(group)).count();
    let (a, b) = (of(r#""group":"a""#), of(r#""group":"b""#));
    assert_eq!((a, b), (flood::BURST as usize, flood::BURST as usize));
}
