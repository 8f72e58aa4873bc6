//! One group: its policy, what it holds, its last minutes, and its shadow.

use ratatui::text::Line;

use super::chart::{Chart, bars};
use super::look::Look;
use super::rest::Rest;
use super::table;
use super::text::wrapped;
use crate::cli::output::escaped;
use crate::cli::shadow;
use crate::cli::status::{Group, Plugin};
use crate::cli::top::history::History;
use crate::cli::top::view::View;
use crate::server::{Interval, Sample};
use crate::words::{bytes, percent, rate, short, time, whole_percent};

/// The places of the columns of a shadow, the most important first.
const OF_SHADOW: [usize; 7] = [0, 3, 1, 6, 4, 5, 2];

/// Most rows of the chart of the hit ratio with its title.
const RATIO_ROWS: usize = 12;
/// Of the chart of a rate.
const RATE_ROWS: usize = 4;

/// Draws the chosen group.
pub(super) fn draw(view: &View, look: Look, rest: &mut Rest<'_>) {
    let Some(group) = view.group() else {
        return rest.line(&Line::from("This node has no group."));
    };
    let width = rest.width();
    let lines = wrapped(&format!("Group {}", group.name), width, look.title());
    rest.lines(&lines);
    rest.lines(&wrapped(&facts(group), width, look.plain()));
    for problem in problems(group) {
        rest.lines(&wrapped(&problem, width, look.bad()));
    }
    rest.blank();
    let high = rest.height();
    hit_ratio(view, group, width).draw(look, rest, (high / 2).min(RATIO_ROWS));
    for (title, counter) in rates() {
        if rest.height() > RATE_ROWS {
            rest.blank();
            of_rate(view, group, width, title, counter).draw(look, rest, RATE_ROWS);
        }
    }
    rest.blank();
    shadow(view, look, rest);
}

type Counter = fn(&Sample) -> u64;

fn rates() -> [(&'static str, Counter); 3] {
    [
        ("Gets a second", |sample| sample.gets),
        ("Loads a second", |sample| sample.loads),
        ("Evictions a second", |sample| sample.evictions),
    ]
}

/// The hit ratio of the last minutes.
pub(super) fn hit_ratio(view: &View, group: &Group, width: usize) -> Chart<'static> {
    let values = intervals(view, group, width).iter().map(Interval::hit_ratio).collect();
    let lately = view.lately(&group.name);
    let now = percent(lately.and_then(|lately| lately.hit_ratio()));
    let name = escaped(&group.name);
    let title = format!("Hit ratio of {name}, {}: {now} now", span(view, group));
    Chart { title, values, top: 1.0, text: &whole_percent }
}

fn of_rate(
    view: &View,
    group: &Group,
    width: usize,
    title: &str,
    counter: Counter,
) -> Chart<'static> {
    let intervals = intervals(view, group, width);
    let values: Vec<_> = intervals.iter().map(|interval| interval.rate(counter)).collect();
    let top = values.iter().flatten().copied().fold(1.0, f64::max);
    let lately = view.lately(&group.name);
    let now = rate(lately.and_then(|lately| lately.rate(counter)));
    let title = format!("{title}, {}: {now} now", span(view, group));
    Chart { title, values, top, text: &short }
}

fn intervals(view: &View, group: &Group, width: usize) -> Vec<Interval> {
    view.history(&group.name).map(|history| history.intervals(bars(width))).unwrap_or_default()
}

fn span(view: &View, group: &Group) -> String {
    let span_ms = view.history(&group.name).map_or(0, History::span_ms);
    format!("last {}", time(span_ms))
}

fn facts(group: &Group) -> String {
    let plugin = |what: &str, plugin: &Plugin| {
        let Plugin { name, state, failures, .. } = plugin;
        let failed = if *failures > 0 { format!(", failures: {failures}") } else { String::new() };
        format!("{what} {name} is {state}{failed}")
    };
    let of = |what: &str, of: &Option<Plugin>| {
        of.as_ref().map_or_else(|| format!("no {what}"), |one| plugin(what, one))
    };
    let share = group.bytes as f64 / group.capacity_bytes.max(1) as f64;
    let choice = match &group.policy_choice {
        Some(choice) => format!(" The node chose the policy: {choice}."),
        None => String::new(),
    };
    format!(
        "{}; {}. {} entries, {} of {} ({}). {} of {} gets were hits since the node began.{choice}",
        of("policy", &group.policy),
        of("retriever", &group.retriever),
        group.entries,
        bytes(group.bytes),
        bytes(group.capacity_bytes),
        percent(Some(share)),
        percent(group.hit_ratio),
        group.hits.saturating_add(group.misses),
    )
}

fn problems(group: &Group) -> Vec<String> {
    let plugins = [("policy", &group.policy), ("retriever", &group.retriever)];
    let problem = |(what, plugin): (&str, &Option<Plugin>)| {
        let problem = plugin.as_ref()?.problem.as_ref()?;
        Some(format!("{what}: {problem}"))
    };
    let mut problems: Vec<String> = plugins.into_iter().filter_map(problem).collect();
    if !group.missing_on.is_empty() {
        problems.push(format!("The group is missing on {}", group.missing_on.join(", ")));
    }
    problems
}

/// What the shadow of the chosen group found out, if it has one.
pub(super) fn shadow(view: &View, look: Look, rest: &mut Rest<'_>) {
    let Some(status) = view.shadow() else { return };
    let width = rest.width();
    rest.line(&Line::styled("Shadow", look.title()));
    for sentence in shadow::head(status).lines() {
        rest.lines(&wrapped(sentence, width, look.plain()));
    }
    let rows: Vec<_> = status.rows.iter().map(shadow::cells).collect();
    if !rows.is_empty() {
        rest.lines(&table::lines(&shadow::ROWS, &OF_SHADOW, &rows, width, look));
    }
    for row in status.rows.iter().filter(|row| !row.problem.is_empty()) {
        let problem = format!("{} with {}x: {}", row.policy, row.capacity, row.problem);
        rest.lines(&wrapped(&problem, width, look.bad()));
    }
}
