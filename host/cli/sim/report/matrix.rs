//! Tables of policies and capacities.

use super::found::{Report, Row};
use crate::cli::output::Screen;
use crate::cli::sim::capacity::Unit;
use crate::cli::table::{self, Cell, Side};

/// A ratio that a table shows.
type Ratio = fn(&Row) -> Option<f64>;

/// A table for each ratio that the trace tells, the best of the policies marked.
pub(super) fn render(report: &Report, screen: Screen) -> String {
    let unit = if report.unit == Unit::Bytes { "bytes" } else { "entries" };
    let mut text = format!(
        "{}: {} requests, {} keys; capacities in {unit}\n\n",
        Cell::new(&*report.trace).text(),
        grouped(report.requests),
        grouped(report.unique)
    );
    let ratios: [(&str, bool, Ratio); 3] = [
        ("HIT RATIO", true, |row| Some(row.hit_ratio)),
        ("OF BYTES", report.tells.sizes, |row| row.byte_hit_ratio),
        ("OF LOAD TIME", report.tells.load_times, |row| row.load_time_ratio),
    ];
    let tables = ratios.into_iter().filter(|(_, is_told, _)| *is_told);
    let tables = tables.map(|(name, _, ratio)| table_of(report, name, ratio, screen));
    text += &tables.collect::<Vec<_>>().join("\n");
    text
}

fn table_of(report: &Report, name: &str, ratio: Ratio, screen: Screen) -> String {
    let mut capacities: Vec<u64> = report.rows.iter().map(|row| row.capacity).collect();
    capacities.sort_unstable();
    capacities.dedup();
    let headings: Vec<String> = capacities.iter().map(|capacity| grouped(*capacity)).collect();
    let mut columns = vec![(name, Side::Left)];
    columns.extend(headings.iter().map(|heading| (heading.as_str(), Side::Right)));
    let of = |policy: &str, capacity: u64| {
        let row = report.rows.iter().find(|row| row.policy == policy && row.capacity == capacity);
        row.and_then(ratio)
    };
    let policies = report.policies();
    let best = |capacity: u64| {
        let real = policies.iter().filter(|policy| !report.is_bound(policy));
        real.filter_map(|policy| of(policy, capacity)).fold(f64::NEG_INFINITY, f64::max)
    };
    let rows = policies.iter().map(|policy| {
        let mut cells = vec![Cell::new(*policy)];
        cells.extend(capacities.iter().map(|&capacity| match of(policy, capacity) {
            None => Cell::new("-"),
            Some(ratio) if !report.is_bound(policy) && ratio >= best(capacity) => {
                Cell::state(percent(ratio), true)
            }
            Some(ratio) => Cell::new(percent(ratio)),
        }));
        cells
    });
    table::render(&columns, &rows.collect::<Vec<_>>(), screen)
}

fn percent(ratio: f64) -> String {
    format!("{:.2}%", ratio * 100.0)
}

/// With a comma between thousands.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::sim::timeline::Timeline;
    use crate::cli::sim::trace::Tells;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn each_ratio_that_the_trace_tells_has_a_table() {
        let row = |policy: &str, capacity, hit_ratio, bytes| Row {
            policy: policy.into(),
            is_bound: policy == "opt",
            capacity,
            hit_ratio,
            byte_hit_ratio: bytes,
            load_time_ratio: None,
            gap_to_opt: None,
            timeline: Timeline::new(),
        };
        let report = Report {
            trace: "t".into(),
            requests: 1_000,
            unique: 10,
            tells: Tells { sizes: true, ..Tells::default() },
            unit: Unit::Entries,
            rows: vec![row("lru", 2, 0.5, Some(0.25)), row("opt", 2, 0.75, None)],
        };
        assert_eq!(
            render(&report, Screen::default()),
            "t: 1,000 requests, 10 keys; capacities in entries\n\n\
             HIT RATIO       2\nlru        50.00%\nopt        75.00%\n\n\
             OF BYTES       2\nlru       25.00%\nopt            -\n"
        );
    }
}
