//! The shadow of a group: hit ratio over capacity, and over time.

use maud::{Markup, html};

use super::chart::{Chart, Line, Point, Up};
use super::history::Recent;
use super::timeline::{POINTS, over_time};
use crate::server::GroupShadow;
use crate::shadow::{Report, RowReport};
use crate::words::{bytes, percent, short, time, whole_percent};

/// The part of the page about a shadow.
pub(super) fn part(shadow: &GroupShadow, recent: &Recent) -> Markup {
    let report = &shadow.report;
    let policies = policies(report);
    html! {
        h3 { "Shadow: other policies and capacities, on a sample of the keys" }
        p {
            @if let Some(ratio) = report.live_hit_ratio {
                (shadow.live_policy) " hits " (percent(Some(ratio))) " of " (report.requests)
                " requests of keys that this node holds, since the shadow is warm. "
            }
            @if report.gets < report.wanted_gets || report.share == 0.0 {
                "Not enough yet: " (report.gets) " of " (report.wanted_gets) " sampled gets. "
            }
            @match report.ends_in {
                Some(left) => { "Ends in " (time(left.as_millis() as u64)) "." }
                None => "Runs until it is stopped.",
            }
            @if report.lost > 0 { " " (report.lost) " accesses came too fast for it." }
        }
        @if report.rows.iter().any(|row| row.measured.is_some()) {
            div.charts {
                (over_capacity(shadow, &policies))
                (over_time(
                    recent,
                    "Hit ratio since warm-up",
                    since_warm(report, recent, &policies),
                    Up::Ratios,
                    &whole_percent,
                ))
            }
        }
        (table(report))
    }
}

/// The names, each once.
fn policies(report: &Report) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for row in &report.rows {
        if !names.contains(&row.policy.as_str()) {
            names.push(&row.policy);
        }
    }
    names
}

fn over_capacity(shadow: &GroupShadow, policies: &[&str]) -> Markup {
    let report = &shadow.report;
    let of_policy = |(at, name): (usize, &&str)| {
        let rows = report.rows.iter().filter(|row| row.policy == **name);
        let mut points: Vec<Point> = rows.map(|row| (row.times.log2(), ratio(row))).collect();
        points.sort_by(|one, other| one.0.total_cmp(&other.0));
        Line { name: (*name).to_owned(), colour: at + 1, points }
    };
    let live = Line {
        name: format!("live: {}", shadow.live_policy),
        colour: 0,
        points: vec![(0.0, report.live_hit_ratio)],
    };
    let times = || report.rows.iter().map(|row| row.times.log2());
    let least = times().fold(0.0, f64::min) - 0.25;
    let most = times().fold(0.0, f64::max) + 0.25;
    let lines = policies.iter().enumerate().map(of_policy).chain([live]).collect();
    let chart = Chart {
        title: "Hit ratio over capacity",
        lines,
        across: least..most,
        up: Up::Ratios,
        across_text: &|log| format!("{}×", short(log.exp2())),
        text: &whole_percent,
        marks: Vec::new(),
    };
    chart.figure()
}

/// The lines of the live group, and of each policy with the capacity that is nearest to the
/// group's.
fn since_warm(report: &Report, recent: &Recent, policies: &[&str]) -> Vec<Line> {
    let told = recent.shadow(POINTS);
    let known = |value: f32| (!value.is_nan()).then(|| f64::from(value));
    let line = |(at, name): (usize, &&str)| {
        let rows = report.rows.iter().enumerate().filter(|(_, row)| row.policy == **name);
        let distance = |row: &RowReport| row.times.log2().abs();
        let (row, nearest) =
            rows.min_by(|(_, one), (_, other)| distance(one).total_cmp(&distance(other)))?;
        let value = |rows: &[f32]| rows.get(row).copied().and_then(known);
        let points = told.iter().map(|told| (told.at_ms as f64, value(&told.rows))).collect();
        let name = format!("{name} with {}×", short(nearest.times));
        Some(Line { name, colour: at + 1, points })
    };
    let live = told.iter().map(|told| (told.at_ms as f64, known(told.live))).collect();
    let live = Line { name: "live".into(), colour: 0, points: live };
    policies.iter().enumerate().filter_map(line).chain([live]).collect()
}

fn table(report: &Report) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Candidates" {
            table {
                caption { "Candidates" }
                thead { tr {
                    th scope="col" { "Policy" }
                    th.number scope="col" { "Capacity" }
                    th.number scope="col" { "Bytes" }
                    th.number scope="col" { "Hit ratio" }
                    th.number scope="col" { "Error" }
                    th.number scope="col" { "Loads saved/s" }
                    th scope="col" { "State" }
                } }
                tbody { @for row in &report.rows { (table_row(row)) } }
            }
        }
    }
}

fn table_row(row: &RowReport) -> Markup {
    html! {
        tr {
            th scope="row" { (row.policy) }
            td.number { (short(row.times)) "×" }
            td.number { (bytes(row.capacity_bytes)) }
            td.number { (percent(ratio(row))) }
            @match row.measured {
                Some(measured) => {
                    td.number { "±" (format!("{:.1}", measured.error * 100.0)) }
                    td.number { (format!("{:+.1}", measured.loads_saved_per_second).replace('-', "−")) }
                }
                None => { td.number { "–" } td.number { "–" } }
            }
            td {
                @match &row.problem {
                    None => span.good { "running" },
                    Some(problem) => { span.bad { "failed" } ": " (problem) }
                }
            }
        }
    }
}

fn ratio(row: &RowReport) -> Option<f64> {
    row.measured.map(|measured| measured.hit_ratio)
}
