//! A group: its last hour as charts and as a table, its policy, and what changes of it did.

use maud::{Markup, html};

use super::chart::{Line, Point, Up};
use super::history::Recent;
use super::reading::Reading;
use super::shadow;
use super::timeline::{POINTS, over_time};
use crate::proto::{GroupStatus, PluginStatus};
use crate::server::samples::Interval;
use crate::words::{bytes, percent, rate, short, time, whole_percent};

/// Rows of the table of the last hour.
const STEPS: usize = 12;

/// The part of the page about a group, the `at`th of it.
pub(super) fn section(
    at: usize,
    status: &GroupStatus,
    reading: &Reading,
    recent: &Recent,
    statistics: &[(String, f64)],
) -> Markup {
    let (id, title) = (format!("group-{at}"), format!("group-{at}-title"));
    html! {
        section id=(id) data-live="" aria-labelledby=(title) {
            h2 id=(title) { "Group " (status.name) }
            (policy(status, statistics))
            (charts(status, recent))
            (changes(recent))
            @if let Some(shadow) = &reading.shadow { (shadow::part(shadow, recent)) }
            (steps(recent, &id))
        }
    }
}

/// The state of a policy.
pub(super) fn state(policy: &PluginStatus) -> Markup {
    let is_well = policy.state == "running";
    html! { span class=(if is_well { "good" } else { "bad" }) { (policy.state) } }
}

fn policy(status: &GroupStatus, statistics: &[(String, f64)]) -> Markup {
    let policy = status.policy.clone().unwrap_or_default();
    html! {
        p {
            "Policy " strong { (policy.name) } " is " (state(&policy))
            @if policy.failures > 0 { ", failures: " (policy.failures) }
            @if !policy.problem.is_empty() { ": " (policy.problem) }
            @if let Some(retriever) = &status.retriever {
                "; data source " strong { (retriever.name) }
                @if retriever.failures > 0 { ", failed loads: " (retriever.failures) }
            }
        }
        @if !status.policy_choice.is_empty() {
            p { "The node chose this policy: " (status.policy_choice) }
        }
        @if !status.missing_on.is_empty() {
            p.bad { "This group is missing on " (status.missing_on.join(", ")) }
        }
        @if !statistics.is_empty() {
            dl {
                @for (name, value) in statistics { div { dt { (name) } dd { (short(*value)) } } }
            }
        }
    }
}

fn charts(status: &GroupStatus, recent: &Recent) -> Markup {
    let intervals = recent.intervals(POINTS);
    let over = |of: &dyn Fn(&Interval) -> Option<f64>| -> Vec<Point> {
        intervals.iter().map(|interval| (interval.to.at_ms as f64, of(interval))).collect()
    };
    let line = |name: &str, colour, points| Line { name: name.into(), colour, points };
    let rates = vec![
        line("loads", 1, over(&|interval| interval.rate(|sample| sample.loads))),
        line("evictions", 2, over(&|interval| interval.rate(|sample| sample.evictions))),
    ];
    let (unit_bytes, unit) = unit(status.capacity_bytes);
    let capacity = Some(status.capacity_bytes as f64 / unit_bytes);
    let in_bytes = vec![
        line("held", 1, over(&|interval| Some(interval.to.bytes as f64 / unit_bytes))),
        line("capacity", 0, recent.span_ms().map(|at_ms| (at_ms as f64, capacity)).into()),
    ];
    let ratio = vec![line("hit ratio", 1, over(&Interval::hit_ratio))];
    let entries = vec![line("entries", 1, over(&|interval| Some(interval.to.entries as f64)))];
    html! {
        div.charts {
            (over_time(recent, "Hit ratio", ratio, Up::Ratio, &whole_percent))
            (over_time(recent, "Loads and evictions a second", rates, Up::AtLeast(1.0), &short))
            (over_time(recent, unit, in_bytes, Up::AtLeast(0.001), &short))
            (over_time(recent, "Entries", entries, Up::AtLeast(1.0), &short))
        }
    }
}

/// The unit of a chart in which the capacity has the fewest digits, and the chart's title.
fn unit(capacity_bytes: u64) -> (f64, &'static str) {
    match capacity_bytes {
        0..0x10_0000 => (f64::from(1 << 10), "Bytes, in KiB"),
        0x10_0000..0x4000_0000 => (f64::from(1 << 20), "Bytes, in MiB"),
        _ => (f64::from(1 << 30), "Bytes, in GiB"),
    }
}

fn changes(recent: &Recent) -> Markup {
    let [_, now_ms] = recent.span_ms();
    let is_chosen = recent.changes().any(|change| !change.why.is_empty());
    html! {
        @if recent.changes().next().is_some() {
            div.scroll tabindex="0" role="region" aria-label="Changes of the policy" {
                table {
                    caption { "Changes of the policy, with the hit ratio of up to 5 minutes before and after" }
                    thead { tr {
                        th.number scope="col" { "Mark" }
                        th scope="col" { "Policy" }
                        th scope="col" { "When" }
                        th.number scope="col" { "Before" }
                        th.number scope="col" { "After" }
                        @if is_chosen { th scope="col" { "Why" } }
                    } }
                    tbody {
                        @for (at, change) in recent.changes().enumerate() {
                            @let [before, after] = recent.effect(change);
                            tr {
                                th.number scope="row" { (at + 1) }
                                td {
                                    @if change.from == change.to { (change.to) " changed" }
                                    @else { (change.from) " → " (change.to) }
                                }
                                td { (time(now_ms.saturating_sub(change.at_ms))) " ago" }
                                td.number { (percent(before)) }
                                td.number { (percent(after)) }
                                @if is_chosen { td { (change.why) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The charts in numbers.
fn steps(recent: &Recent, id: &str) -> Markup {
    let now_ms = recent.span_ms()[1];
    html! {
        details id=(format!("{id}-numbers")) {
            summary { "The charts in numbers" }
            div.scroll tabindex="0" role="region" aria-label="The charts in numbers" {
                table {
                    caption { "Each row ends at its time" }
                    thead { tr {
                        th scope="col" { "Ended" }
                        th.number scope="col" { "Hit ratio" }
                        th.number scope="col" { "Gets/s" }
                        th.number scope="col" { "Loads/s" }
                        th.number scope="col" { "Evictions/s" }
                        th.number scope="col" { "Entries" }
                        th.number scope="col" { "Bytes" }
                    } }
                    tbody {
                        @for interval in recent.intervals(STEPS) {
                            @let to = interval.to;
                            tr {
                                th scope="row" { (time(now_ms.saturating_sub(to.at_ms))) " ago" }
                                td.number { (percent(interval.hit_ratio())) }
                                td.number { (rate(interval.rate(|sample| sample.gets))) }
                                td.number { (rate(interval.rate(|sample| sample.loads))) }
                                td.number { (rate(interval.rate(|sample| sample.evictions))) }
                                td.number { (to.entries) }
                                td.number { (bytes(to.bytes)) }
                            }
                        }
                    }
                }
            }
        }
    }
}
