//! A scrape of a node, read by a parser that is not ours.

use std::collections::BTreeMap;

use prometheus_parse::{Sample, Scrape as Parsed, Value};

use crate::harness::ServedNode;
use crate::server::http::page;

/// Labels by name.
pub(crate) type Labels = BTreeMap<String, String>;

/// The metrics of a node at one moment.
pub(crate) struct Scrape {
    pub(crate) text: String,
    parsed: Parsed,
}

impl Scrape {
    pub(crate) async fn of(node: &ServedNode) -> Self {
        let (head, text) = page(node.told("http").parse().unwrap(), "/metrics").await;
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        let lines = text.lines().map(|line| Ok(line.to_owned()));
        let parsed = Parsed::parse(lines).unwrap();
        Self { text, parsed }
    }

    /// The sum of the samples of this name that have these labels.
    pub(crate) fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let has = |sample: &&Sample| {
            let same = |(name, value): &(&str, &str)| sample.labels.get(name) == Some(*value);
            sample.metric == name && labels.iter().all(same)
        };
        let values = self.parsed.samples.iter().filter(has).map(|sample| match &sample.value {
            Value::Counter(value) | Value::Gauge(value) | Value::Untyped(value) => *value,
            other => panic!("{name} is {other:?}"),
        });
        values.sum()
    }

    /// Every series by its name as a query has it: histograms have three.
    pub(crate) fn series(&self) -> Vec<(String, Labels)> {
        let of = |sample: &Sample| {
            let labels = sample.labels.iter().map(|(n, v)| (n.clone(), v.clone())).collect();
            match &sample.value {
                Value::Histogram(_) => {
                    let mut labels: Labels = labels;
                    labels.insert("le".into(), "+Inf".into());
                    (format!("{}_bucket", sample.metric), labels)
                }
                _ => (sample.metric.clone(), labels),
            }
        };
        self.parsed.samples.iter().map(of).collect()
    }

    /// Histograms: name, labels, and bounds with cumulative counts.
    pub(crate) fn histograms(&self) -> impl Iterator<Item = (&Sample, Vec<(f64, f64)>)> {
        self.parsed.samples.iter().filter_map(|sample| match &sample.value {
            Value::Histogram(buckets) => {
                let counts = buckets.iter().map(|bucket| (bucket.less_than, bucket.count));
                Some((sample, counts.collect()))
            }
            _ => None,
        })
    }
}
