//! All nodes and groups, and of the chosen group the hit ratio of the last minutes and its shadow.

use ratatui::text::{Line, Span};

use super::group::{hit_ratio, shadow};
use super::look::Look;
use super::rest::Rest;
use super::table;
use super::text::wrapped;
use crate::cli::status::{self, Group};
use crate::cli::table::{Cell, Side};
use crate::cli::top::view::View;
use crate::server::Sample;
use crate::words::{bytes, percent, rate};

/// The places of the columns of the nodes, the most important first.
const OF_NODES: [usize; 5] = [0, 1, 3, 4, 2];

const GROUPS: [(&str, Side); 11] = [
    ("GROUP", Side::Left),
    ("POLICY", Side::Left),
    ("STATE", Side::Left),
    ("HIT RATIO", Side::Right),
    ("IN ALL", Side::Right),
    ("GETS/S", Side::Right),
    ("LOADS/S", Side::Right),
    ("EVICTIONS/S", Side::Right),
    ("ENTRIES", Side::Right),
    ("BYTES", Side::Right),
    ("CAPACITY", Side::Right),
];

/// The same of the groups.
const OF_GROUPS: [usize; 11] = [0, 3, 2, 5, 1, 4, 6, 9, 7, 10, 8];

/// What stands before the chosen group, and before the others.
const MARKS: [&str; 2] = ["> ", "  "];

/// Rows of a chart with its title, at least and at most.
const CHART: [usize; 2] = [4, 9];

/// Rows of the groups with their headings that all else makes room for.
const LEAST_GROUPS: usize = 4;

/// Draws them. In a low terminal the chart is left out first, then the nodes.
pub(super) fn draw(view: &View, look: Look, rest: &mut Rest<'_>) {
    let width = rest.width();
    let report = view.report();
    let nodes = table::lines(&status::NODES, &OF_NODES, &status::nodes(report), width, look);
    let rows: Vec<_> = report.groups.iter().map(|group| cells(view, group)).collect();
    let groups = table::lines(&GROUPS, &OF_GROUPS, &rows, width.saturating_sub(2), look);
    // A fourth of the height for the nodes, what the groups leave for the chart.
    let least = groups.len().min(LEAST_GROUPS);
    let height = rest.height();
    if height > least + 2 {
        let most = (height / 4).max(2).min(height - least - 1);
        rest.some_lines(&nodes, most);
        rest.blank();
    }
    let height = rest.height();
    let chart = match height.saturating_sub(least + 1) {
        low if low < CHART[0] => 0,
        free => free.min(height.saturating_sub(groups.len() + 1)).clamp(CHART[0], CHART[1]),
    };
    let below = if chart > 0 { chart + 1 } else { 0 };
    window(&groups, view.chosen(), height.saturating_sub(below), look, rest);
    if let Some(group) = view.group() {
        rest.blank();
        hit_ratio(view, group, width).draw(look, rest, chart);
        rest.blank();
    }
    for problem in status::problems(report) {
        rest.lines(&wrapped(&problem, width, look.bad()));
    }
    shadow(view, look, rest);
}

/// The headings, and as many groups around the chosen one as there is room for.
fn window(groups: &[Line<'_>], chosen: usize, height: usize, look: Look, rest: &mut Rest<'_>) {
    let Some((headings, groups)) = groups.split_first() else { return };
    let marked = |mark: &str, line: &Line<'_>| {
        let mark = Span::raw(mark.to_owned());
        let spans = std::iter::once(mark).chain(line.spans.iter().cloned());
        Line::from_iter(spans.map(|span| Span::styled(span.content.into_owned(), span.style)))
    };
    rest.line(&marked(MARKS[1], headings));
    let shown = height.saturating_sub(1).max(1).min(groups.len());
    let first = chosen.saturating_sub(shown / 2).min(groups.len() - shown);
    for (at, group) in groups.iter().enumerate().skip(first).take(shown) {
        match at == chosen {
            true => rest.line(&marked(MARKS[0], group).style(look.chosen())),
            false => rest.line(&marked(MARKS[1], group)),
        }
    }
}

fn cells(view: &View, group: &Group) -> Vec<Cell> {
    let lately = view.lately(&group.name);
    let per_second = |counter: fn(&Sample) -> u64| {
        Cell::new(rate(lately.and_then(|lately| lately.rate(counter))))
    };
    let state = group.policy.as_ref().map_or("", |policy| &policy.state);
    vec![
        Cell::new(&group.name),
        Cell::new(group.policy.as_ref().map_or("–", |policy| &policy.name)),
        Cell::state(state, state == "running"),
        Cell::new(percent(lately.and_then(|lately| lately.hit_ratio()))),
        Cell::new(percent(group.hit_ratio)),
        per_second(|sample| sample.gets),
        per_second(|sample| sample.loads),
        per_second(|sample| sample.evictions),
        Cell::new(group.entries.to_string()),
        Cell::new(bytes(group.bytes)),
        Cell::new(bytes(group.capacity_bytes)),
    ]
}
