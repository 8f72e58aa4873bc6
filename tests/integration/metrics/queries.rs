//! The dashboard and the alerts in `examples/observability/`, against what a node tells.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use rusty_promql_parser::ast::Expr;
use rusty_promql_parser::parser::selector::{LabelMatchOp, LabelMatcher, VectorSelector};
use serde_json::Value;

use super::scrape::Scrape;
use crate::harness::ServedNode;
use crate::patience::seen;

/// Labels that Prometheus adds.
const ADDED: [&str; 2] = ["instance", "job"];

/// The values of each label of each series.
type Known = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

fn text(file: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/observability");
    fs::read_to_string(folder.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// Every string under one of `names`, however deep.
fn strings<'a>(value: &'a Value, names: &[&str], found: &mut Vec<&'a str>) {
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                match value {
                    Value::String(text) if names.contains(&name.as_str()) => found.push(text),
                    value => strings(value, names, found),
                }
            }
        }
        Value::Array(all) => all.iter().for_each(|value| strings(value, names, found)),
        _ => {}
    }
}

/// The queries of the dashboard, with Grafana's variables filled in.
fn dashboard() -> Vec<String> {
    let dashboard: Value = serde_json::from_str(&text("grafana-dashboard.json")).unwrap();
    let mut found = Vec::new();
    strings(&dashboard, &["expr"], &mut found);
    found.iter().map(|query| query.replace("$__rate_interval", "5m")).collect()
}

/// The metric and the label that a variable of the dashboard takes its values from.
fn variables() -> Vec<String> {
    let dashboard: Value = serde_json::from_str(&text("grafana-dashboard.json")).unwrap();
    let mut found = Vec::new();
    strings(&dashboard["templating"], &["query"], &mut found);
    found.iter().filter(|query| query.starts_with("label_values(")).map(|q| (*q).into()).collect()
}

/// The expressions of the alerts, which stand on a line each.
fn alerts() -> Vec<String> {
    let text = text("alerts.yaml");
    let of = |name: &str| {
        let lines = text.lines().filter_map(|line| line.trim_start().strip_prefix(name));
        lines.map(|rest| rest.trim().to_owned()).collect::<Vec<_>>()
    };
    let (names, queries) = (of("- alert:"), of("expr:"));
    assert_eq!(names.len(), queries.len());
    for part in ["severity:", "summary:", "description:"] {
        assert_eq!(of(part).len(), names.len(), "each alert has its {part}");
    }
    queries
}

fn known(scrape: &Scrape) -> Known {
    let mut known = Known::new();
    for (name, labels) in scrape.series() {
        let of_name = known.entry(name).or_default();
        for (label, value) in labels {
            of_name.entry(label).or_default().insert(value);
        }
    }
    known
}

/// Stands for the label `group`, which the parser takes for the operator of that name
/// where results are grouped by it.
const OF_GROUP: &str = "of_group";

fn without_group(query: &str) -> String {
    let ends = [("(", ")"), ("(", ","), (", ", ")"), (", ", ",")];
    ends.iter().fold(query.to_owned(), |query, (before, after)| {
        query.replace(&format!("{before}group{after}"), &format!("{before}{OF_GROUP}{after}"))
    })
}

/// What `query` asks for and no node has, a line each.
fn faults(query: &str, known: &Known) -> Vec<String> {
    let readable = without_group(query);
    let parsed = rusty_promql_parser::expr(&readable);
    let Ok(("", parsed)) = parsed else { return vec![format!("{query}: {parsed:?}")] };
    let mut faults = Vec::new();
    walk(&parsed, known, &mut faults);
    faults.iter().map(|fault| format!("{query}: {fault}")).collect()
}

fn walk(expr: &Expr, known: &Known, faults: &mut Vec<String>) {
    match expr {
        Expr::Number(_) | Expr::String(_) => {}
        Expr::VectorSelector(selector) => {
            if selector.name.as_ref().is_some_and(|name| name.ends_with("_total")) {
                faults.push("a counter without a rate".into());
            }
            check(selector, known, faults);
        }
        Expr::MatrixSelector(ranged) => check(&ranged.selector, known, faults),
        Expr::Call(call) => {
            let grows = ["rate", "increase"].contains(&call.name.as_str());
            if let (true, [Expr::MatrixSelector(ranged)]) = (grows, call.args.as_slice()) {
                let name = ranged.selector.name.as_deref().unwrap_or_default();
                let ends = ["_total", "_bucket", "_sum", "_count"];
                if !ends.iter().any(|end| name.ends_with(end)) {
                    faults.push(format!("the {} of a gauge", call.name));
                }
            }
            call.args.iter().for_each(|arg| walk(arg, known, faults));
        }
        Expr::Aggregation(aggregation) => {
            let told = labels_in(&aggregation.expr, known);
            let grouped = aggregation.grouping.iter().flat_map(|grouping| &grouping.labels);
            for label in grouped.filter(|label| !ADDED.contains(&label.as_str())) {
                let label = if label == OF_GROUP { "group" } else { label };
                if !told.contains(label) {
                    faults.push(format!("by {label}, which nothing here has"));
                }
            }
            walk(&aggregation.expr, known, faults);
        }
        Expr::Binary(binary) => {
            walk(&binary.lhs, known, faults);
            walk(&binary.rhs, known, faults);
        }
        Expr::Unary(unary) => walk(&unary.expr, known, faults),
        Expr::Paren(within) => walk(within, known, faults),
        Expr::Subquery(query) => walk(&query.expr, known, faults),
    }
}

fn labels_in(expr: &Expr, known: &Known) -> BTreeSet<String> {
    let of = |selector: &VectorSelector| {
        let of_name = selector.name.as_ref().and_then(|name| known.get(name));
        of_name.map_or_else(BTreeSet::new, |labels| labels.keys().cloned().collect())
    };
    match expr {
        Expr::Number(_) | Expr::String(_) => BTreeSet::new(),
        Expr::VectorSelector(selector) => of(selector),
        Expr::MatrixSelector(ranged) => of(&ranged.selector),
        Expr::Call(call) => call.args.iter().flat_map(|arg| labels_in(arg, known)).collect(),
        Expr::Aggregation(aggregation) => labels_in(&aggregation.expr, known),
        Expr::Binary(binary) => &labels_in(&binary.lhs, known) | &labels_in(&binary.rhs, known),
        Expr::Unary(unary) => labels_in(&unary.expr, known),
        Expr::Paren(within) => labels_in(within, known),
        Expr::Subquery(query) => labels_in(&query.expr, known),
    }
}

fn check(selector: &VectorSelector, known: &Known, faults: &mut Vec<String>) {
    let name = selector.name.as_deref().unwrap_or_default();
    // Of any scrape, whatever is scraped.
    if name == "up" {
        return;
    }
    let Some(labels) = known.get(name) else {
        faults.push(format!("there is no metric {name}"));
        return;
    };
    for LabelMatcher { name: label, op, value } in &selector.matchers {
        if ADDED.contains(&label.as_str()) {
            continue;
        }
        let Some(values) = labels.get(label) else {
            faults.push(format!("{name} has no label {label}"));
            continue;
        };
        // States come and go, and groups are whatever an operator calls them.
        if matches!(label.as_str(), "state" | "group") || *op == LabelMatchOp::NotEqual {
            continue;
        }
        for value in value.split('|') {
            if !values.contains(value) {
                faults.push(format!("{name} has no {label} {value:?}"));
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_query_asks_for_what_there_is() {
    let [node, _other] = ServedNode::pair(&[]);
    // A histogram is there once it has counted something.
    let keys: Vec<String> = (0..200).map(|key| key.to_string()).collect();
    let histograms =
        ["get", "load", "policy_step"].map(|of| format!("psycache_{of}_seconds_bucket"));
    let known = seen(async || {
        let all = ["get", "default", "--json"].into_iter().chain(keys.iter().map(String::as_str));
        node.run(all);
        node.run(["get", "default", "Tom"]);
        let known = known(&Scrape::of(&node).await);
        let all_there = histograms.iter().all(|histogram| known.contains_key(histogram));
        all_there.then_some(known).ok_or_else(|| "steps, loads and gets in the metrics".into())
    })
    .await;
    let (dashboard, alerts) = (dashboard(), alerts());
    assert!(dashboard.len() >= 12 && alerts.len() >= 6);
    let queries = dashboard.iter().chain(&alerts);
    let mut faults: Vec<String> = queries.flat_map(|query| faults(query, &known)).collect();
    for variable in variables() {
        let within = variable.trim_start_matches("label_values(").trim_end_matches(')');
        let (metric, label) = within.split_once(", ").expect("a metric and a label");
        let there = known.get(metric).is_some_and(|labels| labels.contains_key(label));
        if !there && label != "instance" {
            faults.push(format!("the variable {variable}"));
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_for_what_there_is_not_is_noticed() {
    let [node, _other] = ServedNode::pair(&[]);
    let known = known(&Scrape::of(&node).await);
    assert_eq!(faults("sum by (result) (rate(psycache_gets_total[5m]))", &known), [""; 0]);
    for bad in [
        "rate(psycache_get_total[5m])",
        "sum by (outcome) (rate(psycache_gets_total[5m]))",
        "rate(psycache_gets_total{result=\"hits\"}[5m])",
        "psycache_gets_total",
        "rate(psycache_entries[5m])",
        "sum by (group (psycache_entries)",
        "sum by (group, kind) (psycache_entries)",
    ] {
        assert_eq!(faults(bad, &known).len(), 1, "{bad}: {:?}", faults(bad, &known));
    }
}
