//! Applies a changed configuration to a running node, as far as that is possible.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::Node;
use super::error::{GroupProblem, StartError};
use super::groups;
use super::reload_request::ReloadRequest;
use crate::config::{Config, Group};
use crate::follow::Followed;
use crate::retriever::LoadLimits;
use crate::server::Reloaded;

impl Node {
    /// Lets operators request a reload by `psycache reload`. The program reads its settings
    /// for each request, calls [`reload`](Self::reload), and answers. Without this call, and
    /// for every later one, such requests are refused.
    pub fn reload_requests(&mut self) -> mpsc::Receiver<ReloadRequest> {
        let (sender, requests) = mpsc::channel(1);
        // A second receiver gets nothing, because its sender is dropped here.
        let _ = self.reloads.set(sender);
        requests
    }

    /// Applies what `wanted` changes: the capacity and the times of the groups, and their
    /// retrievers with options and secrets, and the files of TLS and of the tokens. Logs belong to
    /// the process, and are reloaded by
    /// [`Telemetry::reload`](crate::telemetry::Telemetry::reload).
    ///
    /// # Errors
    /// A retriever, a certificate or the tokens file can't be used, or a time is not valid.
    /// Nothing but the certificates can have changed then.
    pub async fn reload(&mut self, wanted: Config) -> Result<Reloaded, StartError> {
        let mut reloaded = Reloaded::default();
        let mut sources = Vec::new();
        let mut problems = Vec::new();
        for (old, new) in both(&self.config, &wanted) {
            let problem = |cause| GroupProblem { group: new.group.name.clone(), cause };
            let checked = old.group.with_times_of(&new.group).check();
            let checked = checked.and_then(|()| new.store.check());
            problems.extend(checked.err().map(|error| problem(error.into())));
            if old.retriever == new.retriever && old.loads == new.loads {
                continue;
            }
            match groups::first_retriever(&self.plugins, new).await {
                Ok(source) => sources.push((old, new, source)),
                Err(cause) => problems.push(problem(cause)),
            }
        }
        if !problems.is_empty() {
            return Err(StartError::Groups(problems));
        }
        if reread(self.secured.certificates.clone()).await? {
            reloaded.changed.push("tls".into());
        }
        if reread(self.secured.access.clone()).await? {
            reloaded.changed.push("tokens".into());
        }
        for (old, new, source) in sources {
            if let Ok(group) = self.groups.find(&new.group.name) {
                group.replace_source(source);
            }
            reloaded.changed.extend(source_settings(old, new));
        }
        reloaded.needs_restart = needs_restart(&self.config, &wanted);
        let mut unresized = Vec::new();
        for (old, new) in both(&self.config, &wanted) {
            let name = &new.group.name;
            let Ok(group) = self.groups.find(name) else { continue };
            // It was checked above.
            let _ = group.reload(&new.group);
            reloaded.changed.extend(times(old, new));
            if old.store == new.store {
                continue;
            }
            match group.resize(&old.store, &new.store).await {
                Ok(()) => reloaded.changed.extend(limits(old, new)),
                Err(problem) => {
                    let refused = format!("group {name}: capacity (its policy failed: {problem})");
                    reloaded.needs_restart.push(refused);
                    unresized.push(name.clone());
                }
            }
        }
        self.adopt(&wanted, &unresized);
        Ok(reloaded)
    }

    /// Notes what is in effect, for the next reload. The capacity of the groups `unresized` is
    /// tried again then.
    fn adopt(&mut self, wanted: &Config, unresized: &[String]) {
        for group in &mut self.config.groups {
            let new = wanted.groups.iter().find(|new| new.group.name == group.group.name);
            if let Some(new) = new {
                group.group = group.group.with_times_of(&new.group);
                group.retriever.clone_from(&new.retriever);
                group.loads.clone_from(&new.loads);
                if !unresized.contains(&group.group.name) {
                    group.store.clone_from(&new.store);
                }
            }
        }
    }
}

/// Takes the files as they are now, and returns whether they had changed.
async fn reread<F: Followed>(followed: Option<Arc<F>>) -> Result<bool, F::Problem> {
    let Some(followed) = followed else { return Ok(false) };
    let reading = Arc::clone(&followed);
    let read = tokio::task::spawn_blocking(move || reading.reload()).await;
    read.expect("reading files does not panic").inspect_err(|problem| followed.refuse(problem))
}

/// The groups that are in both configurations.
fn both<'a>(old: &'a Config, new: &'a Config) -> impl Iterator<Item = (&'a Group, &'a Group)> {
    old.groups.iter().filter_map(|old| {
        let same = new.groups.iter().find(|new| new.group.name == old.group.name);
        same.map(|new| (old, new))
    })
}

/// The times of a group that differ.
fn times(old: &Group, new: &Group) -> Vec<String> {
    let (name, old, new) = (&new.group.name, &old.group, &new.group);
    let differ = [
        ("ttl", old.ttl != new.ttl),
        ("ttl-jitter", old.ttl_jitter_percent != new.ttl_jitter_percent),
        ("negative-ttl", old.negative_ttl != new.negative_ttl),
        ("stale-if-error", old.stale_if_error != new.stale_if_error),
        ("stale-while-revalidate", old.stale_while_revalidate != new.stale_while_revalidate),
        ("refresh-ahead", old.refresh_ahead != new.refresh_ahead),
        ("load-timeout", old.load_timeout != new.load_timeout),
        ("retries", old.retries != new.retries),
        ("breaker", old.breaker != new.breaker),
    ];
    named(&format!("group {name}: "), &differ).collect()
}

/// The settings of a group's source that differ.
fn source_settings(old: &Group, new: &Group) -> Vec<String> {
    let (was, is) = (&old.loads, &new.loads);
    let pool = |limits: &LoadLimits| (limits.pool_size, limits.pool_idle, limits.pool_queue);
    let differ = [
        ("retriever", old.retriever != new.retriever),
        ("max-loads", was.max_loads != is.max_loads),
        ("pool", pool(was) != pool(is)),
    ];
    named(&format!("group {}: ", new.group.name), &differ).collect()
}

/// The limits of a group's store that differ.
fn limits(old: &Group, new: &Group) -> Vec<String> {
    let differ = [
        ("capacity", old.store.capacity_bytes != new.store.capacity_bytes),
        ("max-entries", old.store.max_entries != new.store.max_entries),
    ];
    named(&format!("group {}: ", new.group.name), &differ).collect()
}

/// The settings that differ and can't be changed while the node runs.
fn needs_restart(old: &Config, new: &Config) -> Vec<String> {
    let (told, tells) = (&old.telemetry, &new.telemetry);
    let node = [
        ("listen", old.listen != new.listen),
        ("advertise", old.advertise != new.advertise),
        ("peer-listen", old.peer_listen != new.peer_listen),
        ("http", old.http != new.http),
        ("redis", old.redis != new.redis),
        ("core-dumps", old.core_dumps != new.core_dumps),
        ("insecure", old.insecure != new.insecure),
        ("tokens", old.tokens != new.tokens),
        ("tls", old.tls != new.tls),
        ("limits", old.limits != new.limits),
        ("cluster", old.cluster != new.cluster),
        ("otlp", told.otlp != tells.otlp),
        ("trace-ratio", told.trace_ratio.to_bits() != tells.trace_ratio.to_bits()),
        ("log-format", told.log_format != tells.log_format),
    ];
    let mut settings: Vec<String> = named("", &node).collect();
    for (old, new) in both(old, new) {
        let differ = [
            ("max-value", old.group.max_value_bytes != new.group.max_value_bytes),
            ("policy", old.policy != new.policy),
        ];
        settings.extend(named(&format!("group {}: ", new.group.name), &differ));
    }
    let names = |config: &Config| -> Vec<String> {
        config.groups.iter().map(|group| group.group.name.clone()).collect()
    };
    let (before, after) = (names(old), names(new));
    let added = after.iter().filter(|name| !before.contains(name));
    let gone = before.iter().filter(|name| !after.contains(name));
    settings.extend(added.map(|name| format!("group {name} (new)")));
    settings.extend(gone.map(|name| format!("group {name} (removed)")));
    settings
}

fn named(prefix: &str, differ: &[(&str, bool)]) -> impl Iterator<Item = String> {
    differ.iter().filter(|(_, differs)| *differs).map(move |(name, _)| format!("{prefix}{name}"))
}
