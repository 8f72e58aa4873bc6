//! Writes every metric of a node in the OpenMetrics text format.
//!
//! This module has no counters: a scrape reads them where they are kept.

mod shadows;
mod sources;

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Registry, Unit};

use super::{
    CertificateReading, ConnectionsReading, DurationsReading, Exposition, GroupReading, NodeReading,
};

/// The metrics of one node.
pub struct Metrics {
    read: Box<dyn Fn() -> NodeReading + Send + Sync>,
}

impl Metrics {
    /// Makes metrics whose values come from `read`, which is called for each scrape.
    pub fn new(read: impl Fn() -> NodeReading + Send + Sync + 'static) -> Self {
        Self { read: Box::new(read) }
    }

    /// The text of all metrics with their current values.
    #[must_use]
    pub fn text(&self, exposition: Exposition) -> String {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Scrape((self.read)())));
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry)
            .expect("writing to a string can't fail");
        exposition.of_open_metrics(text)
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Scrape(NodeReading);

impl Collector for Scrape {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Self(node) = self;
        let mut page = Page(encoder);
        page.requests(&node.groups)?;
        page.sources(&node.groups)?;
        page.storage(&node.groups)?;
        page.policies(&node.groups)?;
        page.shadows(&node.shadows)?;
        page.cluster(node)
    }
}

/// The exposition, written family by family.
struct Page<'a>(DescriptorEncoder<'a>);

impl Page<'_> {
    fn requests(&mut self, groups: &[GroupReading]) -> fmt::Result {
        self.counters("psycache_gets", "Gets, by what came of them", groups, |group, add| {
            group.gets.iter().try_for_each(|(result, count)| {
                add(&[("group", group.group.as_str()), ("result", result.label())], *count)
            })
        })?;
        let help = "Time to answer a get, the server included";
        self.durations("psycache_get", help, groups, |group, add| {
            group.get_seconds.iter().try_for_each(|(result, seconds)| {
                add(&[("group", group.group.as_str()), ("result", result.label())], seconds)
            })
        })?;
        let help = "Loads after a miss, by where from and how they ended";
        self.counters("psycache_loads", help, groups, |group, add| {
            group.loads.iter().try_for_each(|load| {
                let labels = [
                    ("group", group.group.as_str()),
                    ("source", load.source),
                    ("outcome", load.outcome),
                ];
                add(&labels, load.count)
            })
        })?;
        self.durations("psycache_load", "Time of a load", groups, |group, add| {
            group.load_seconds.iter().try_for_each(|(source, seconds)| {
                add(&[("group", group.group.as_str()), ("source", source)], seconds)
            })
        })
    }

    fn storage(&mut self, groups: &[GroupReading]) -> fmt::Result {
        let help = "Entries of keys that changed their owner, by what became of them";
        self.counters("psycache_handover_entries", help, groups, |group, add| {
            group.handed_over.iter().try_for_each(|(outcome, count)| {
                add(&[("group", group.group.as_str()), ("outcome", outcome)], *count)
            })
        })?;
        let help = "Bytes of entries that another node took over";
        self.counters("psycache_handover_bytes", help, groups, |group, add| {
            add(&[("group", group.group.as_str())], group.handed_over_bytes)
        })?;
        let help = "Entries that left, by whose decision";
        self.counters("psycache_evictions", help, groups, |group, add| {
            group.evictions.iter().try_for_each(|(reason, count)| {
                add(&[("group", group.group.as_str()), ("reason", reason)], *count)
            })
        })?;
        self.gauges("psycache_entries", "Entries held", None, groups, |group, add| {
            add(&[("group", group.group.as_str())], group.entries)
        })?;
        let help = "Bytes held: keys, values and the fixed overhead of entries";
        self.gauges("psycache", help, Some(&Unit::Bytes), groups, |group, add| {
            add(&[("group", group.group.as_str())], group.bytes)
        })?;
        let help = "Most bytes that may be held";
        self.gauges("psycache_capacity", help, Some(&Unit::Bytes), groups, |group, add| {
            add(&[("group", group.group.as_str())], group.capacity_bytes)
        })
    }

    fn policies(&mut self, groups: &[GroupReading]) -> fmt::Result {
        let help = "Who decides on evictions, and whether it does";
        let mut encoder =
            self.0.encode_descriptor("psycache_policy", help, None, MetricType::Info)?;
        for group in groups {
            encoder.encode_info(&[
                ("group", group.group.as_str()),
                ("policy", &group.policy.name),
                ("state", group.policy.state),
            ])?;
        }
        let help = "Failures of policies, by kind";
        self.counters("psycache_policy_failures", help, groups, |group, add| {
            group.policy.failures.iter().try_for_each(|(kind, count)| {
                add(&[("group", group.group.as_str()), ("kind", kind)], *count)
            })
        })?;
        let help =
            "Changes of the policy by the node: to a better one, undone, or because it failed";
        self.counters("psycache_policy_auto_changes", help, groups, |group, add| {
            group.policy.auto_changes.iter().try_for_each(|(reason, count)| {
                add(&[("group", group.group.as_str()), ("reason", reason)], *count)
            })
        })?;
        self.durations("psycache_policy_step", "Time of a step", groups, |group, add| {
            add(&[("group", group.group.as_str())], &group.policy.step_seconds)
        })?;
        let help = "What policies say of themselves, by the names that they give";
        let mut encoder =
            self.0.encode_descriptor("psycache_policy_statistic", help, None, MetricType::Gauge)?;
        for group in groups {
            for (name, value) in &group.policy.statistics {
                let labels = [("group", group.group.as_str()), ("statistic", name)];
                encoder.encode_family(&labels)?.encode_gauge(value)?;
            }
        }
        Ok(())
    }

    fn cluster(&mut self, node: &NodeReading) -> fmt::Result {
        self.0
            .encode_descriptor("psycache_build", "What runs here", None, MetricType::Info)?
            .encode_info(&[("version", env!("CARGO_PKG_VERSION"))])?;
        let help = "Requests to other nodes, by outcome";
        self.counters("psycache_peer_requests", help, &node.peers, |peer, add| {
            peer.requests.iter().try_for_each(|(outcome, count)| {
                add(&[("peer", peer.peer.as_str()), ("outcome", outcome)], *count)
            })
        })?;
        self.gauge("psycache_ring_nodes", "Nodes in the ring", node.ring_nodes)?;
        self.gauge("psycache_ring_version", "Version of the ring", node.ring_version)?;
        let connected = u64::from(node.registry_connected);
        self.gauge("psycache_registry_connected", "1 if the registry answers, else 0", connected)?;
        let help = "Keys in the registry that are no entries of this cluster";
        self.gauge("psycache_registry_ignored_keys", help, node.ignored_keys)?;
        let help = "Spans of traces that did not reach the collector";
        self.0
            .encode_descriptor("psycache_traces_dropped", help, None, MetricType::Counter)?
            .encode_counter::<NoLabelSet, _, u64>(&node.traces_dropped, None)?;
        let help = "Open connections of Redis clients";
        self.gauge("psycache_redis_connections", help, node.redis_connections)?;
        let help = "Changes by callers, and calls that were refused, by kind";
        self.counters("psycache_audit_events", help, &node.audited, |(kind, count), add| {
            add(&[("kind", kind)], *count)
        })?;
        self.connections(&node.connections)?;
        self.certificates(node.certificates)?;
        let help = "Whether the node holds the keys that it owns";
        self.0
            .encode_descriptor("psycache_ownership", help, None, MetricType::Info)?
            .encode_info(&[("state", node.state)])
    }

    fn connections(&mut self, reading: &ConnectionsReading) -> fmt::Result {
        let help = "Open connections, by listener";
        self.gauges(
            "psycache_connections",
            help,
            None,
            &reading.open,
            |(listener, count), add| add(&[("listener", *listener)], *count),
        )?;
        let help = "Connections that were refused or ended, by listener and reason";
        self.counters("psycache_connections_refused", help, &reading.refused, |refused, add| {
            let (listener, reason, count) = refused;
            add(&[("listener", *listener), ("reason", *reason)], *count)
        })?;
        let help = "Bytes of requests and answers that connections hold";
        self.0
            .encode_descriptor(
                "psycache_connections_held",
                help,
                Some(&Unit::Bytes),
                MetricType::Gauge,
            )?
            .encode_gauge(&reading.held_bytes)
    }

    /// Nothing for a node without TLS.
    fn certificates(&mut self, reading: Option<CertificateReading>) -> fmt::Result {
        let Some(reading) = reading else { return Ok(()) };
        let help = "When the certificate expires, in seconds since 1970";
        let mut encoder = self.0.encode_descriptor(
            "psycache_tls_certificate_expiry_timestamp",
            help,
            Some(&Unit::Seconds),
            MetricType::Gauge,
        )?;
        encoder.encode_gauge(&reading.expires_at)?;
        let help = "New certificate files, by what became of them";
        let files = [("taken", reading.taken), ("refused", reading.refused)];
        self.counters("psycache_tls_reloads", help, &files, |(outcome, count), add| {
            add(&[("outcome", outcome)], *count)
        })?;
        let help = "Connections that did not become TLS connections";
        self.0
            .encode_descriptor("psycache_tls_failed_handshakes", help, None, MetricType::Counter)?
            .encode_counter::<NoLabelSet, _, u64>(&reading.failed_handshakes, None)
    }

    fn counters<'a, T, const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        items: &'a [T],
        samples: impl Fn(&'a T, &mut dyn FnMut(&[(&str, &str); N], u64) -> fmt::Result) -> fmt::Result,
    ) -> fmt::Result {
        let mut encoder = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        items.iter().try_for_each(|item| {
            samples(item, &mut |labels, count| {
                let mut sample = encoder.encode_family(labels)?;
                sample.encode_counter::<NoLabelSet, _, u64>(&count, None)
            })
        })
    }

    fn gauges<'a, T, const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        unit: Option<&Unit>,
        items: &'a [T],
        samples: impl Fn(&'a T, &mut dyn FnMut(&[(&str, &str); N], u64) -> fmt::Result) -> fmt::Result,
    ) -> fmt::Result {
        let mut encoder = self.0.encode_descriptor(name, help, unit, MetricType::Gauge)?;
        items.iter().try_for_each(|item| {
            samples(item, &mut |labels, value| encoder.encode_family(labels)?.encode_gauge(&value))
        })
    }

    fn gauge(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        self.0.encode_descriptor(name, help, None, MetricType::Gauge)?.encode_gauge(&value)
    }

    /// Writes a histogram in seconds. The unit is appended to the name. A histogram that counted
    /// nothing is left out: most have that for ever, and each has fourteen lines.
    fn durations<'a, T, const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        items: &'a [T],
        samples: impl Fn(
            &'a T,
            &mut dyn FnMut(&[(&str, &str); N], &DurationsReading) -> fmt::Result,
        ) -> fmt::Result,
    ) -> fmt::Result {
        let unit = Some(&Unit::Seconds);
        let mut encoder = self.0.encode_descriptor(name, help, unit, MetricType::Histogram)?;
        items.iter().try_for_each(|item| {
            samples(item, &mut |labels, reading| match reading.count() {
                0 => Ok(()),
                _ => histogram(&mut encoder, labels, reading),
            })
        })
    }
}

fn histogram(
    encoder: &mut MetricEncoder<'_>,
    labels: &impl EncodeLabelSet,
    reading: &DurationsReading,
) -> fmt::Result {
    let bounds = reading.bounds_us.iter().map(|bound| *bound as f64 / 1e6);
    let buckets: Vec<(f64, u64)> =
        bounds.chain([f64::INFINITY]).zip(reading.buckets.iter().copied()).collect();
    encoder.encode_family(labels)?.encode_histogram::<NoLabelSet>(
        reading.total.as_secs_f64(),
        reading.count(),
        &buckets,
        None,
    )
}

#[cfg(test)]
mod tests;
