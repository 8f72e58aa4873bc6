//! A chart of the last hour, with the changes of the policy as marks.

use maud::Markup;

use super::chart::{Chart, Line, Up};
use super::history::Recent;
use crate::words::short;

/// Points of a line: as many as a small chart can show.
pub(super) const POINTS: usize = 180;

/// A chart from the first sample to now. The points are given with their times in milliseconds.
pub(super) fn over_time(
    recent: &Recent,
    title: &str,
    mut lines: Vec<Line>,
    up: Up,
    text: &dyn Fn(f64) -> String,
) -> Markup {
    let [first_ms, now_ms] = recent.span_ms();
    let (unit_ms, unit) = if now_ms - first_ms < 120_000 { (1e3, "s") } else { (6e4, "min") };
    // From now, so that the labels are round.
    let ago = |at_ms: f64| (at_ms - now_ms as f64) / unit_ms;
    lines.iter_mut().flat_map(|line| &mut line.points).for_each(|point| point.0 = ago(point.0));
    let label = |at: f64| match at.abs() {
        now if now < 1e-6 => "now".to_owned(),
        _ => format!("{} {unit}", short(at)),
    };
    let chart = Chart {
        title,
        lines,
        across: ago(first_ms as f64).min(-1e-3)..0.0,
        up,
        across_text: &label,
        text,
        marks: recent.changes().map(|change| ago(change.at_ms as f64)).collect(),
    };
    chart.figure()
}
