//! What a shadow found out, for people and for programs.

use std::time::Duration;

use serde::Serialize;

use crate::cli::output::{Screen, escaped};
use crate::cli::table::{self, Cell, Side};
use crate::proto::{ShadowRow, ShadowStatus};
use crate::words::{bytes, percent};

/// The columns of the table of candidates.
pub(in crate::cli) const ROWS: [(&str, Side); 7] = [
    ("POLICY", Side::Left),
    ("CAPACITY", Side::Right),
    ("BYTES", Side::Right),
    ("HIT RATIO", Side::Right),
    ("ERROR", Side::Right),
    ("LOADS SAVED", Side::Right),
    ("STATE", Side::Left),
];

/// The text about a shadow.
pub(super) fn render(shadow: &ShadowStatus, screen: Screen) -> String {
    let mut text = head(shadow);
    let rows: Vec<_> = shadow.rows.iter().map(cells).collect();
    if !rows.is_empty() {
        text += &table::render(&ROWS, &rows, screen);
    }
    for row in shadow.rows.iter().filter(|row| !row.problem.is_empty()) {
        let (policy, capacity, problem) = (&row.policy, row.capacity, &row.problem);
        text += &(escaped(&format!("{policy} with {capacity}x: {problem}")) + "\n");
    }
    text
}

/// What was measured so far, in a sentence a line.
pub(in crate::cli) fn head(shadow: &ShadowStatus) -> String {
    let group = escaped(&String::from_utf8_lossy(&shadow.group));
    let live = escaped(&shadow.live_policy);
    let ends = match shadow.ends_in_ms {
        0 => "until it is stopped".to_owned(),
        left => format!("for {} more", time(left)),
    };
    let mut text = match shadow.live_hit_ratio {
        Some(ratio) => format!(
            "group {group}: {live} hits {} of {} requests; this runs {ends}\n",
            percent(Some(ratio)),
            shadow.requests
        ),
        None => format!("group {group}: {live}; this runs {ends}\n"),
    };
    if shadow.share == 0.0 {
        text += "not enough yet: it begins when the group has 1,000 entries or a 16th of its \
                 capacity\n";
        return text;
    }
    if shadow.gets < shadow.wanted_gets {
        let (gets, wanted) = (shadow.gets, shadow.wanted_gets);
        text += &format!("not enough yet: {gets} of {wanted} sampled gets\n");
    }
    text += &format!("{} of the keys are in the sample", percent(Some(shadow.share)));
    match shadow.lost {
        0 => text + "\n",
        lost => text + &format!("; {lost} accesses came too fast for it and are left out\n"),
    }
}

/// A row of the table of candidates.
pub(in crate::cli) fn cells(row: &ShadowRow) -> Vec<Cell> {
    let or_dash = |text: Option<String>| Cell::new(text.unwrap_or_else(|| "-".into()));
    let is_well = row.problem.is_empty();
    let error = |error: f64| format!("±{:.1}", error * 100.0);
    let saved = |loads: f64| format!("{loads:+.1}/s");
    vec![
        Cell::new(&row.policy),
        Cell::new(format!("{}x", row.capacity)),
        Cell::new(bytes(row.capacity_bytes)),
        or_dash(row.hit_ratio.map(|ratio| percent(Some(ratio)))),
        or_dash(row.error.map(error)),
        or_dash(row.loads_saved_per_second.map(saved)),
        Cell::state(if is_well { "running" } else { "failed" }, is_well),
    ]
}

fn time(ms: u64) -> String {
    // Parts of a second are noise.
    humantime::format_duration(Duration::from_secs(ms.div_ceil(1000))).to_string()
}

/// A shadow for programs.
#[derive(Serialize)]
pub(super) struct Shown<'a> {
    group: String,
    live_policy: &'a str,
    age_ms: u64,
    ends_in_ms: Option<u64>,
    share: f64,
    gets: u64,
    wanted_gets: u64,
    lost: u64,
    waiting: u64,
    requests: u64,
    live_hit_ratio: Option<f64>,
    rows: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    policy: &'a str,
    capacity: f64,
    capacity_bytes: u64,
    hit_ratio: Option<f64>,
    error: Option<f64>,
    loads_saved_per_second: Option<f64>,
    problem: Option<&'a str>,
}

impl<'a> From<&'a ShadowStatus> for Shown<'a> {
    fn from(shadow: &'a ShadowStatus) -> Self {
        let row = |row: &'a ShadowRow| Row {
            policy: &row.policy,
            capacity: row.capacity,
            capacity_bytes: row.capacity_bytes,
            hit_ratio: row.hit_ratio,
            error: row.error,
            loads_saved_per_second: row.loads_saved_per_second,
            problem: (!row.problem.is_empty()).then_some(&row.problem),
        };
        Self {
            group: String::from_utf8_lossy(&shadow.group).into_owned(),
            live_policy: &shadow.live_policy,
            age_ms: shadow.age_ms,
            ends_in_ms: (shadow.ends_in_ms > 0).then_some(shadow.ends_in_ms),
            share: shadow.share,
            gets: shadow.gets,
            wanted_gets: shadow.wanted_gets,
            lost: shadow.lost,
            waiting: shadow.waiting,
            requests: shadow.requests,
            live_hit_ratio: shadow.live_hit_ratio,
            rows: shadow.rows.iter().map(row).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shadow() -> ShadowStatus {
        let row = |policy: &str, hit_ratio, problem: &str| ShadowRow {
            policy: policy.into(),
            capacity: 0.5,
            capacity_bytes: 32 << 20,
            hit_ratio,
            error: hit_ratio.map(|_| 0.004),
            loads_saved_per_second: hit_ratio.map(|_| 12.34),
            problem: problem.into(),
        };
        ShadowStatus {
            group: "scores".into(),
            live_policy: "lru".into(),
            ends_in_ms: 59_500,
            share: 0.125,
            gets: 100,
            wanted_gets: 100,
            requests: 800,
            live_hit_ratio: Some(0.5),
            rows: vec![row("adaptive", Some(0.6), ""), row("mine.wasm", None, "trapped: oh")],
            ..ShadowStatus::default()
        }
    }

    #[test]
    fn rows_stand_under_the_live_ratio() {
        let expected = "\
group scores: lru hits 50.0% of 800 requests; this runs for 1m more
12.5% of the keys are in the sample
POLICY     CAPACITY     BYTES  HIT RATIO  ERROR  LOADS SAVED  STATE
adaptive       0.5x  32.0 MiB      60.0%   ±0.4      +12.3/s  running
mine.wasm      0.5x  32.0 MiB          -      -            -  failed
mine.wasm with 0.5x: trapped: oh
";
        assert_eq!(render(&shadow(), Screen::default()), expected);
    }

    #[test]
    fn what_is_not_known_yet_is_said() {
        let mut early = ShadowStatus { gets: 7, lost: 3, ..shadow() };
        let text = render(&early, Screen::default());
        assert!(text.contains("\nnot enough yet: 7 of 100 sampled gets\n"), "{text}");
        assert!(text.contains("; 3 accesses came too fast for it and are left out\n"), "{text}");
        early = ShadowStatus { share: 0.0, rows: Vec::new(), ends_in_ms: 0, ..early };
        let text = render(&early, Screen::default());
        assert!(text.contains("until it is stopped\nnot enough yet: it begins when"), "{text}");
    }
}
