//! What the page says of a node, and how large it may get.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::history::History;
use super::reading::{Policy, Reading};
use super::{SCRIPT, STYLE, render};
use crate::clock::Clock;
use crate::proto::{GroupStatus, NodeStatus, PluginStatus, StatusResponse};
use crate::server::GroupShadow;
use crate::server::samples::Sample;
use crate::shadow::{Measured, Report, RowReport};

const HOSTILE: &str = "<script>alert('\"1\"')</script>&";

/// The most that a reader's network is asked for.
const MOST_BYTES: usize = 100_000;

fn status(groups: &[&str], policy: &str) -> StatusResponse {
    let group = |name: &&str| GroupStatus {
        name: (*name).into(),
        bytes: 60 << 20,
        capacity_bytes: 64 << 20,
        policy: Some(PluginStatus {
            name: policy.into(),
            state: "running".into(),
            ..PluginStatus::default()
        }),
        ..GroupStatus::default()
    };
    StatusResponse {
        groups: groups.iter().map(group).collect(),
        ready: true,
        ..StatusResponse::default()
    }
}

/// The group after `at_ms`, in which half of the gets hit, with a policy.
fn reading(group: &str, at_ms: u64, policy: &str) -> Reading {
    let gets = at_ms / 10;
    let sample = Sample {
        at_ms,
        gets,
        hits: gets / 2,
        loads: gets / 2,
        // Noise compresses badly, as counters of a real group do.
        evictions: gets / 3 + gets.wrapping_mul(2_654_435_761) % 997,
        entries: 90_000 + gets.wrapping_mul(40_503) % 1_009,
        bytes: (60 << 20) + gets.wrapping_mul(2_654_435_761) % (1 << 20),
    };
    let policy = Policy { name: policy.into(), ..Policy::default() };
    Reading { group: group.into(), sample, policy, why: String::new(), shadow: None }
}

fn shadow(group: &str, policy: &str, rows: usize, turn: u64) -> GroupShadow {
    let noise = (turn.wrapping_mul(2_654_435_761) % 997) as f64 / 10_000.0;
    let row = |at: usize| RowReport {
        policy: format!("{policy}?k={}", at / 4),
        times: [0.25, 0.5, 1.0, 2.0][at % 4],
        capacity_bytes: 16 << 20,
        measured: Some(Measured {
            hit_ratio: 0.5 + at as f64 / 100.0 + noise,
            error: 0.002,
            loads_saved_per_second: 12.5,
        }),
        problem: (at == 1).then(|| policy.to_owned()),
    };
    let report = Report {
        share: 0.1,
        live_hit_ratio: Some(0.5 + noise),
        rows: (0..rows).map(row).collect(),
        ..Report::default()
    };
    GroupShadow { group: group.into(), live_policy: policy.into(), report }
}

fn shown(status: &StatusResponse, readings: &[Reading], history: &History) -> String {
    render(status, readings, &|_| Vec::new(), history, 1)
}

#[test]
fn whatever_comes_from_outside_is_escaped() {
    let mut status = status(&[HOSTILE], HOSTILE);
    status.address = HOSTILE.into();
    status.version = HOSTILE.into();
    status.nodes = vec![NodeStatus {
        address: HOSTILE.into(),
        problem: HOSTILE.into(),
        state: HOSTILE.into(),
        ..NodeStatus::default()
    }];
    status.groups[0].missing_on = vec![HOSTILE.into()];
    status.groups[0].policy_choice = HOSTILE.into();
    let history = History::new(Clock::manual());
    history.take(&[reading(HOSTILE, 10_000, "lru")]);
    history.take(&[Reading { why: HOSTILE.into(), ..reading(HOSTILE, 20_000, HOSTILE) }]);
    let mut now = reading(HOSTILE, 30_000, HOSTILE);
    now.shadow = Some(shadow(HOSTILE, HOSTILE, 4, 1));
    let statistics = |_: &str| vec![(HOSTILE.to_owned(), 1.0)];
    let html = render(&status, &[now], &statistics, &history, 1);
    let scripts: Vec<_> = html.match_indices("<script").collect();
    assert_eq!(scripts.len(), 1, "only the page's own: {html}");
    assert!(html.contains("<script src=\"/page.js\" defer></script>"));
    // No attribute is left either.
    assert!(!html.contains("alert('\""), "{html}");
    assert!(html.matches("&lt;script&gt;alert('&quot;1&quot;')&lt;/script&gt;&amp;").count() > 10);
}

#[test]
fn a_change_of_the_policy_is_marked_with_the_hit_ratios_around_it() {
    let history = History::new(Clock::manual());
    let mut gets = [0, 0];
    let mut at = |second: u64, hits_of_ten: u64, policy: &str| {
        gets = [gets[0] + hits_of_ten, gets[1] + 10];
        let mut reading = reading("scores", second * 1_000, policy);
        [reading.sample.hits, reading.sample.gets] = gets;
        reading
    };
    for second in [10, 20, 30] {
        history.take(&[at(second, 2, "fifo")]);
    }
    for second in [40, 50] {
        history.take(&[at(second, 2 + (second - 40) / 2, "lru")]);
    }
    let html = shown(&status(&["scores"], "lru"), &[at(60, 7, "lru")], &history);
    let row = "<td>fifo → lru</td><td>20 s ago</td><td class=\"number\">20.0%</td>\
               <td class=\"number\">70.0%</td>";
    assert!(html.contains(row), "{html}");
    assert_eq!(html.matches("Marked changes of the policy: 1.").count(), 4, "{html}");
}

#[test]
fn a_change_that_the_node_made_is_shown_with_its_reason() {
    let history = History::new(Clock::manual());
    let because = |second: u64, policy: &str, why: &str| Reading {
        why: why.into(),
        ..reading("scores", second * 1_000, policy)
    };
    history.take(&[because(10, "fifo", "fifo is the first candidate")]);
    history.take(&[because(20, "lru", "swapped: lru in place of fifo")]);
    let mut status = status(&["scores"], "lru");
    status.groups[0].policy_choice = "the group hits 60.0%: lru stays".into();
    let now = because(30, "lru", "the group hits 60.0%: lru stays");
    let html = shown(&status, std::slice::from_ref(&now), &history);
    assert!(html.contains("The node chose this policy: the group hits 60.0%: lru stays"), "{html}");
    assert!(html.contains("<td>swapped: lru in place of fifo</td>"), "{html}");
    // A swap by an operator has no such column.
    let plain = History::new(Clock::manual());
    plain.take(&[reading("scores", 10_000, "fifo")]);
    plain.take(&[reading("scores", 20_000, "lru")]);
    let html = shown(&status, &[reading("scores", 30_000, "lru")], &plain);
    assert!(html.contains("fifo → lru") && !html.contains("Why"), "{html}");
}

#[test]
fn charts_have_their_values_in_words_and_in_a_table() {
    let history = History::new(Clock::manual());
    for second in [10, 20, 30] {
        history.take(&[reading("scores", second * 1_000, "lru")]);
    }
    let html = shown(&status(&["scores"], "lru"), &[reading("scores", 40_000, "lru")], &history);
    for words in [
        "aria-label=\"Chart: Hit ratio. hit ratio: 50% at the end, from 50% to 50%.\"",
        "Chart: Loads and evictions a second. loads: 50 at the end, from 50 to 50.",
        "held: 60.",
        "<th scope=\"row\">10 s ago</th><td class=\"number\">50.0%</td><td class=\"number\">100</td>",
    ] {
        assert!(html.contains(words), "no {words} in {html}");
    }
    assert_eq!(html.matches("<svg").count(), 4);
}

#[test]
fn a_group_without_gets_and_a_node_without_history_have_a_page() {
    let history = History::new(Clock::manual());
    let html = shown(&status(&["scores"], "lru"), &[Reading::default()], &history);
    assert!(html.contains("Groups"), "{html}");
    let html = shown(&status(&["scores"], "lru"), &[reading("scores", 1, "lru")], &history);
    assert!(html.contains("hit ratio: nothing yet."), "{html}");
    assert!(html.contains("</html>"));
}

#[test]
fn other_groups_are_on_further_pages() {
    let names: Vec<String> = (0..13).map(|at| format!("group{at:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let readings: Vec<_> = names.iter().map(|name| reading(name, 10, "lru")).collect();
    let status = status(&names, "lru");
    let history = History::new(Clock::manual());
    let page = |number| render(&status, &readings, &|_| Vec::new(), &history, number);
    assert!(page(1).contains("<h2 id=\"group-5-title\">Group group05</h2>"));
    assert!(page(1).contains("<a href=\"/?page=3\">3</a>"));
    assert!(page(3).contains("<h2 id=\"group-0-title\">Group group12</h2>"));
    // All are in the table of each page, and a page that is not there is the last one.
    assert!(page(3).contains("<th scope=\"row\">group00</th>"));
    assert_eq!(page(4), page(3));
}

#[test]
fn a_large_node_after_more_than_an_hour_is_small_on_the_wire() {
    let names: Vec<String> = (0..200).map(|at| format!("a-group-with-a-name-{at:03}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let history = History::new(Clock::manual());
    let readings = |turn: u64| -> Vec<Reading> {
        let policy = if turn.is_multiple_of(20) { "lru" } else { "adaptive" };
        let mut all: Vec<_> =
            names.iter().map(|name| reading(name, turn * 10_000, policy)).collect();
        for reading in &mut all {
            reading.shadow = Some(shadow(&reading.group, "lruk", 16, turn));
        }
        all
    };
    for turn in 1..=700 {
        history.take(&readings(turn));
    }
    let mut status = status(&names, "lru");
    let node = |at: usize| NodeStatus {
        address: format!("10.0.{at}.1:7400"),
        state: "connected".into(),
        share: 1.0 / at as f64,
        ..NodeStatus::default()
    };
    status.nodes = (1..64).map(node).collect();
    let readings = readings(701);
    let html = shown(&status, &readings, &history);
    let recent = history.up_to(&readings[0]);
    assert_eq!(recent.intervals(usize::MAX).len(), 360);
    assert_eq!(recent.shadow(usize::MAX).len(), 361);
    assert_eq!(recent.changes().count(), 16);
    let bytes: usize = [&html, STYLE, SCRIPT].into_iter().map(zipped).sum();
    assert!(bytes <= MOST_BYTES, "{bytes} bytes; {} of HTML", html.len());
}

fn zipped(text: &str) -> usize {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap().len()
}
