//! The whole page.

use maud::{DOCTYPE, Markup, html};

use super::history::History;
use super::reading::Reading;
use super::{cluster, group};
use crate::proto::{GroupStatus, StatusResponse};
use crate::server::samples::Sample;
use crate::words::{bytes, percent, rate};

/// The groups whose charts are on one page: more would be too much for one look, and for a
/// slow network.
const GROUPS_PER_PAGE: usize = 6;

/// The page with this number, from 1, of a node with these groups. Each has its statistics
/// from its policy.
pub(in crate::server) fn render(
    status: &StatusResponse,
    readings: &[Reading],
    statistics: &dyn Fn(&str) -> Vec<(String, f64)>,
    history: &History,
    page: usize,
) -> String {
    let pages = status.groups.len().div_ceil(GROUPS_PER_PAGE).max(1);
    let page = page.clamp(1, pages);
    let shown = status.groups.iter().skip((page - 1) * GROUPS_PER_PAGE).take(GROUPS_PER_PAGE);
    let shown = shown.filter_map(|status| {
        let reading = readings.iter().find(|reading| reading.group == status.name)?;
        Some((status, reading))
    });
    let html = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "PsyCache " (status.address) }
                link rel="icon" href="data:,";
                link rel="stylesheet" href="/page.css";
                script src="/page.js" defer {}
            }
            body {
                (cluster::head(status))
                // The script puts its switch here.
                p #updates role="status" {}
                main {
                    (cluster::section(status))
                    (table(&status.groups, readings, history))
                    (links(page, pages))
                    @for (at, (status, reading)) in shown.enumerate() {
                        (group::section(at, status, reading, &history.up_to(reading), &statistics(&status.name)))
                    }
                }
            }
        }
    };
    html.into_string()
}

fn table(groups: &[GroupStatus], readings: &[Reading], history: &History) -> Markup {
    html! {
        section #groups data-live="" aria-labelledby="groups-title" {
            h2 #groups-title { "Groups" }
            div.scroll tabindex="0" role="region" aria-label="Groups" {
                table {
                    caption {
                        "This node alone, in the last seconds. A get that another node answers \
                         is no hit."
                    }
                    thead { tr {
                        th scope="col" { "Group" }
                        th scope="col" { "Policy" }
                        th scope="col" { "State" }
                        th.number scope="col" { "Hit ratio" }
                        th.number scope="col" { "Gets/s" }
                        th.number scope="col" { "Loads/s" }
                        th.number scope="col" { "Evictions/s" }
                        th.number scope="col" { "Entries" }
                        th.number scope="col" { "Bytes" }
                        th.number scope="col" { "Capacity" }
                    } }
                    tbody {
                        @for status in groups {
                            @if let Some(reading) = readings.iter().find(|reading| reading.group == status.name) {
                                (row(status, reading, history))
                            }
                        }
                    }
                }
            }
        }
    }
}

fn row(status: &GroupStatus, reading: &Reading, history: &History) -> Markup {
    let last = history.up_to(reading).last_interval();
    let per_second =
        |counter: fn(&Sample) -> u64| rate(last.and_then(|interval| interval.rate(counter)));
    let policy = status.policy.clone().unwrap_or_default();
    html! {
        tr {
            th scope="row" { (status.name) }
            td { (policy.name) }
            td { (group::state(&policy)) }
            td.number { (percent(last.and_then(|interval| interval.hit_ratio()))) }
            td.number { (per_second(|sample| sample.gets)) }
            td.number { (per_second(|sample| sample.loads)) }
            td.number { (per_second(|sample| sample.evictions)) }
            td.number { (status.entries) }
            td.number { (bytes(status.bytes)) }
            td.number { (bytes(status.capacity_bytes)) }
        }
    }
}

fn links(page: usize, pages: usize) -> Markup {
    html! {
        @if pages > 1 {
            nav aria-label="Charts of the groups" {
                "Charts: "
                @for number in 1..=pages {
                    @if number == page { strong aria-current="page" { (number) } " " }
                    @else { a href=(format!("/?page={number}")) { (number) } " " }
                }
            }
        }
    }
}
