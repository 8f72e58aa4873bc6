//! The hit ratio over the requests of a trace, as bars for a terminal.

use super::found::Report;
use super::matrix::grouped;
use crate::cli::output::Screen;
use crate::cli::table::{self, Cell, GAP, Side};
use crate::words::percent;

/// Bars of a row, if the terminal is wide enough.
const MOST_BARS: usize = 60;
const LEAST_BARS: usize = 10;

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A row of bars for each policy at one capacity; empty where the trace is too short.
pub(super) fn render(report: &Report, screen: Screen) -> String {
    let Some(capacity) = report.middle_capacity() else { return String::new() };
    let rows: Vec<_> = report.rows_of(capacity).collect();
    let names = rows.iter().map(|row| Cell::new(&row.policy).width()).max().unwrap_or(0);
    let heading = format!("OVER TIME, CAPACITY {}", grouped(capacity));
    let most = match screen.columns {
        // Two numbers of six characters stand at the sides.
        Some(columns) => columns.saturating_sub(names + 3 * GAP.len() + 12),
        None => MOST_BARS,
    };
    let most = most.clamp(LEAST_BARS, MOST_BARS);
    let ratios: Vec<Vec<Option<f64>>> = rows.iter().map(|row| row.timeline.ratios(most)).collect();
    let top = ratios.iter().flatten().flatten().copied().fold(0.0, f64::max);
    if ratios.iter().all(|ratios| ratios.len() < 2) {
        return String::new();
    }
    let columns = [
        ("POLICY", Side::Left),
        ("FIRST", Side::Right),
        (&*heading, Side::Left),
        ("LAST", Side::Right),
    ];
    let row = |(row, ratios): (&&super::Row, &Vec<Option<f64>>)| {
        let bars: String = ratios.iter().map(|ratio| bar(*ratio, top)).collect();
        let end = |ratio: Option<&Option<f64>>| Cell::new(percent(ratio.copied().flatten()));
        vec![Cell::new(&row.policy), end(ratios.first()), Cell::new(bars), end(ratios.last())]
    };
    let cells: Vec<_> = rows.iter().zip(&ratios).map(row).collect();
    format!("\n{}", table::render(&columns, &cells, screen))
}

fn bar(ratio: Option<f64>, top: f64) -> char {
    let Some(ratio) = ratio else { return ' ' };
    let step = (ratio / top.max(f64::MIN_POSITIVE) * BARS.len() as f64).ceil() as usize;
    BARS[step.clamp(1, BARS.len()) - 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_high_as_the_ratios() {
        assert_eq!(
            [bar(Some(0.0), 0.5), bar(Some(0.25), 0.5), bar(Some(0.5), 0.5)],
            ['▁', '▄', '█']
        );
        assert_eq!([bar(None, 0.5), bar(Some(0.0), 0.0)], [' ', '▁']);
    }
}
