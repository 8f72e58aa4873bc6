//! The metrics of data sources.

use std::fmt;

use super::Page;
use crate::telemetry::{GroupReading, SourceGauges};

impl Page<'_> {
    /// Nothing for a group without a source.
    pub(super) fn sources(&mut self, groups: &[GroupReading]) -> fmt::Result {
        let help = "Retries of loads, loads of values that are still there, and such loads that were dropped";
        self.counters("psycache_source_events", help, groups, |group, add| {
            group.source_events.iter().try_for_each(|(event, count)| {
                add(&[("group", group.group.as_str()), ("event", event)], *count)
            })
        })?;
        let sources: Vec<(&str, &SourceGauges)> = groups
            .iter()
            .filter_map(|group| Some((group.group.as_str(), group.source.as_ref()?)))
            .collect();
        let help = "Most loads at a time, 0 for any number";
        self.gauges("psycache_source_places", help, None, &sources, |(group, source), add| {
            add(&[("group", *group)], source.places)
        })?;
        let help = "Loads that have a place at the source, and loads that wait for one";
        self.gauges("psycache_source_loads", help, None, &sources, |(group, source), add| {
            source
                .loads
                .iter()
                .try_for_each(|(state, count)| add(&[("group", *group), ("state", *state)], *count))
        })?;
        let help = "1 if the source answered the last load or probe, else 0";
        self.gauges("psycache_source_answers", help, None, &sources, |(group, source), add| {
            add(&[("group", *group)], source.answers.into())
        })?;
        let help = "Instances of the retriever that are not in use";
        self.gauges("psycache_pool_idle", help, None, &sources, |(group, source), add| {
            add(&[("group", *group)], source.idle_instances)
        })?;
        let help = "Instances of the retriever that were started, and that were thrown away";
        self.counters("psycache_pool_instances", help, &sources, |(group, source), add| {
            source
                .instances
                .iter()
                .try_for_each(|(event, count)| add(&[("group", *group), ("event", *event)], *count))
        })?;
        let help = "Calls for several keys, and the keys in them";
        self.counters("psycache_source_batches", help, &sources, |(group, source), add| {
            add(&[("group", *group)], source.batches)
        })?;
        let help = "Keys in calls for several keys";
        self.counters("psycache_source_batched_keys", help, &sources, |(group, source), add| {
            add(&[("group", *group)], source.batched_keys)
        })
    }
}
