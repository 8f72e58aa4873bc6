//! The metrics of shadows. Families without a shadow are left out.

use std::fmt;

use prometheus_client::metrics::MetricType;

use super::Page;
use crate::telemetry::{ShadowReading, ShadowRowReading};

type Value = fn(&ShadowRowReading) -> f64;

/// The families with a sample for each row.
const FAMILIES: [(&str, &str, Value); 3] = [
    (
        "psycache_shadow_hit_ratio",
        "Hit ratio that the group would have with a policy and a multiple of its capacity",
        |row| row.hit_ratio,
    ),
    (
        "psycache_shadow_hit_ratio_error",
        "How far off the ratio may be, in 19 of 20 samples",
        |row| row.error,
    ),
    (
        "psycache_shadow_loads_saved_per_second",
        "Loads a second that the group would have less",
        |row| row.loads_saved_per_second,
    ),
];

impl Page<'_> {
    /// Writes them, if there is a shadow.
    pub(super) fn shadows(&mut self, shadows: &[ShadowReading]) -> fmt::Result {
        if shadows.is_empty() {
            return Ok(());
        }
        let help = "Hit ratio of the group in the time of its shadow";
        let live = |shadow: &ShadowReading| {
            let ratio = shadow.live_hit_ratio?;
            Some(([("group", shadow.group.clone())], ratio))
        };
        self.ratios("psycache_shadow_live_hit_ratio", help, shadows.iter().filter_map(live))?;
        for (name, help, value) in FAMILIES {
            let rows = shadows.iter().flat_map(|shadow| {
                shadow.rows.iter().map(|row| {
                    let (policy, capacity) = (row.policy.clone(), row.capacity.clone());
                    let group = ("group", shadow.group.clone());
                    ([group, ("policy", policy), ("capacity", capacity)], value(row))
                })
            });
            self.ratios(name, help, rows)?;
        }
        let help = "Accesses that a shadow had no time for";
        self.counters("psycache_shadow_lost", help, shadows, |shadow, add| {
            add(&[("group", shadow.group.as_str())], shadow.lost)
        })
    }

    fn ratios<const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        samples: impl Iterator<Item = ([(&'static str, String); N], f64)>,
    ) -> fmt::Result {
        let mut encoder = self.0.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (labels, value) in samples {
            encoder.encode_family(&labels)?.encode_gauge(&value)?;
        }
        Ok(())
    }
}
