//! What the screen has at which size, and what it never has.

use std::time::{Duration, Instant};

use ratatui::style::Color;

use super::*;
use crate::cli::status::Report;
use crate::cli::top::keys::Key;
use crate::cli::top::seen::Seen;
use crate::cli::top::watch::Lost;
use crate::proto::{
    GroupStatus, NodeStatus, PluginStatus, RegistryStatus, ShadowRow, ShadowStatus, StatusResponse,
};
use crate::server::Sample;

const HOSTILE: &str = "a\u{1b}[2J\u{202e}b";

fn status(groups: &[&str], gets: u64) -> StatusResponse {
    let policy = PluginStatus { name: "lru".into(), state: "running".into(), ..Default::default() };
    let group = |name: &&str| GroupStatus {
        name: (*name).into(),
        entries: 3,
        bytes: 1 << 20,
        capacity_bytes: 64 << 20,
        hits: gets / 4 * 3,
        misses: gets / 4,
        loads: gets / 4,
        policy: Some(policy.clone()),
        ..Default::default()
    };
    let node = |at: usize| NodeStatus {
        address: format!("10.0.0.{at}:7400"),
        weight: 1,
        share: 0.1,
        state: if at == 1 { "self" } else { "connected" }.into(),
        ..Default::default()
    };
    StatusResponse {
        version: "0.1.0".into(),
        address: "10.0.0.1:7400".into(),
        ready: true,
        security: "loopback".into(),
        registry: Some(RegistryStatus {
            kind: "none".into(),
            state: "holds".into(),
            ..Default::default()
        }),
        nodes: (1..=10).map(node).collect(),
        groups: groups.iter().map(group).collect(),
        ..Default::default()
    }
}

fn seen(status: StatusResponse, at_ms: u64) -> Seen {
    let samples = status.groups.iter().map(|group| Sample::of(group, at_ms)).collect();
    let row = ShadowRow {
        policy: "adaptive".into(),
        capacity: 0.5,
        capacity_bytes: 32 << 20,
        hit_ratio: Some(0.625),
        ..Default::default()
    };
    let shadow = ShadowStatus {
        group: "scores".into(),
        live_policy: "lru".into(),
        share: 0.5,
        rows: vec![row],
        ..Default::default()
    };
    Seen { at: Instant::now(), report: Report::from(status), samples, shadows: vec![shadow] }
}

/// A view of two looks, a second apart, with 400 gets of each group between them.
fn view(groups: &[&str]) -> View {
    let mut view = View::new(seen(status(groups, 400), 0));
    view.take(seen(status(groups, 800), 1_000));
    view
}

fn drawn(view: &View, columns: u16, rows: u16) -> Buffer {
    let area = Rect::new(0, 0, columns, rows);
    let mut buffer = Buffer::empty(area);
    frame(view, Look { colour: true }, area, &mut buffer);
    buffer
}

fn rows(buffer: &Buffer) -> Vec<String> {
    let area = buffer.area;
    let row = |y| (0..area.width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
    (0..area.height).map(|y| row(y).trim_end().to_owned()).collect()
}

fn screen(view: &View, columns: u16, height: u16) -> String {
    rows(&drawn(view, columns, height)).join("\n")
}

#[test]
fn a_usual_terminal_has_nodes_groups_and_the_chart_of_the_chosen_one() {
    let mut view = view(&["names", "scores"]);
    view.press(Key::Down);
    let text = screen(&view, 120, 40);
    for part in [
        "10.0.0.1:7400 ready, version 0.1.0",
        "10.0.0.1:7400   self            1  10.0%  ████████████████████",
        "… 3 more",
        "  GROUP   POLICY  STATE    HIT RATIO  IN ALL  GETS/S  LOADS/S  EVICTIONS/S",
        "> scores  lru     running      75.0%   75.0%     400      100            0        3  1.0 MiB",
        "Hit ratio of scores, last 1 s: 75.0% now",
        "█",
        "Shadow",
        "adaptive      0.5x  32.0 MiB      62.5%",
        "? keys",
    ] {
        assert!(text.contains(part), "no {part:?} in\n{text}");
    }
}

#[test]
fn a_narrow_terminal_has_the_columns_that_matter_most() {
    let text = screen(&view(&["scores"]), 40, 24);
    assert!(text.contains("> scores  running      75.0%     400"), "{text}");
    assert!(text.contains("  10.0%"), "{text}");
    assert!(!text.contains("CAPACITY") || text.contains("Shadow"), "{text}");
    assert!(text.contains("? keys"), "{text}");
}

#[test]
fn no_size_is_too_small() {
    let view = view(&["scores", "names"]);
    for columns in [0, 1, 2, 5, 9, 20, 300] {
        for height in 0..=20 {
            drawn(&view, columns, height);
        }
    }
    assert!(screen(&view, 120, 5).contains("> scores"));
}

#[test]
fn the_chosen_group_is_on_the_screen_and_stays_chosen() {
    let names: Vec<String> = (0..100).map(|at| format!("group{at:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut view = view(&names);
    view.press(Key::Last);
    assert!(screen(&view, 80, 24).contains("> group99"));
    for _ in 0..5 {
        view.press(Key::PageUp);
    }
    assert!(screen(&view, 80, 24).contains("> group49"));
    // Groups before it are gone.
    view.take(seen(status(&names[40..], 900), 2_000));
    assert_eq!(view.chosen(), 9);
    assert!(screen(&view, 80, 24).contains("> group49"));
    view.take(seen(status(&[], 900), 3_000));
    assert!(view.group().is_none());
    view.press(Key::Open);
    assert!(screen(&view, 80, 24).contains("This node has no group."));
}

#[test]
fn a_group_alone_says_what_is_wrong_with_it() {
    let mut wrong = status(&["scores"], 800);
    let policy = wrong.groups[0].policy.as_mut().unwrap();
    (policy.state, policy.problem) = ("fallback".into(), "trapped: oh no".into());
    wrong.groups[0].missing_on = vec!["10.0.0.2:7400".into()];
    let mut view = view(&["scores"]);
    view.take(seen(wrong, 2_000));
    assert!(view.press(Key::Open));
    let text = screen(&view, 100, 50);
    for part in [
        "Group scores",
        "policy lru is fallback",
        "1.0 MiB of 64.0 MiB (1.6%). 75.0% of 800 gets were",
        "policy: trapped: oh no",
        "The group is missing on 10.0.0.2:7400",
        "Loads a second, last 2 s: 50 now",
        "62.5%",
    ] {
        assert!(text.contains(part), "no {part:?} in\n{text}");
    }
    // Back to all, and from there the end.
    assert!(view.press(Key::Back));
    assert!(!view.press(Key::Back));
}

#[test]
fn a_node_that_is_away_is_said_above_what_it_told_last() {
    let mut view = view(&["scores"]);
    let again_at = Instant::now() + Duration::from_secs(7);
    view.lose(Lost { problem: "Connection refused".into(), again_at });
    let text = screen(&view, 100, 30);
    assert!(
        text.starts_with("No answer for 0 s; asked again in 6 s: Connection refused"),
        "{text}"
    );
    assert!(text.contains("> scores"), "{text}");
    view.take(seen(status(&["scores"], 900), 2_000));
    assert!(!screen(&view, 100, 30).contains("No answer"));
}

#[test]
fn what_comes_from_a_node_cannot_control_the_terminal() {
    let mut hostile = status(&[HOSTILE], 400);
    hostile.address = HOSTILE.into();
    hostile.nodes[0].address = HOSTILE.into();
    hostile.nodes[0].problem = HOSTILE.into();
    let policy = hostile.groups[0].policy.as_mut().unwrap();
    (policy.name, policy.problem) = (HOSTILE.into(), HOSTILE.into());
    let mut seen = seen(hostile, 0);
    seen.shadows[0].group = HOSTILE.into();
    seen.shadows[0].live_policy = HOSTILE.into();
    seen.shadows[0].rows[0].policy = HOSTILE.into();
    seen.shadows[0].rows[0].problem = HOSTILE.into();
    let mut view = View::new(seen);
    view.lose(Lost { problem: HOSTILE.into(), again_at: Instant::now() });
    for _ in 0..2 {
        let text = screen(&view, 200, 60);
        assert!(text.matches("a\\u{1b}[2J\\u{202e}b").count() > 5, "{text}");
        let is_harmful = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!text.contains(is_harmful), "{text:?}");
        view.press(Key::Open);
    }
}

#[test]
fn without_colour_nothing_has_one() {
    let mut view = view(&["scores"]);
    view.lose(Lost { problem: "gone".into(), again_at: Instant::now() });
    let area = Rect::new(0, 0, 100, 40);
    for colour in [true, false] {
        let mut buffer = Buffer::empty(area);
        frame(&view, Look { colour }, area, &mut buffer);
        let is_coloured = buffer.content().iter().any(|cell| cell.fg != Color::Reset);
        assert_eq!(is_coloured, colour);
    }
}

#[test]
fn a_frame_of_text_has_every_row() {
    let names: Vec<String> = (0..60).map(|at| format!("group{at:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let text = text(&view(&names), 120);
    assert_eq!(text.matches("running").count(), 60, "{text}");
    assert!(text.contains("10.0.0.10:7400"), "{text}");
    assert!(text.lines().all(|line| line == line.trim_end()), "{text}");
}
