//! How layers of settings become one [`Config`].

use std::collections::BTreeSet;

use super::cluster;
use super::error::Error;
use super::node::{Config, DEFAULT_GROUP, Group, Registry};
use super::plugin::Plugin;
use super::settings::{GroupSettings, PluginSettings, Settings, TelemetrySettings};
use super::text::{OrNone, nearest};
use crate::group;
use crate::store;
use crate::telemetry;

const DEFAULT_POLICY: &str = "lru";

/// Of a node without a file: with the sample data a first try works.
const DEFAULT_RETRIEVER: &str = "static";

impl Config {
    /// The configuration that the file's settings, with the flags' (and the
    /// environment's) laid over them, give.
    ///
    /// # Errors
    /// Two settings contradict each other, or the flags are about a group that
    /// is not clear.
    pub fn from_settings(flags: Settings, file: Option<Settings>) -> Result<Self, Error> {
        resolve(flags, file)
    }
}

fn resolve(flags: Settings, file: Option<Settings>) -> Result<Config, Error> {
    let from_flags = flags.groups.into_iter().next().unwrap_or_default();
    let (file, groups) = match file {
        Some(mut file) if !file.groups.is_empty() => {
            let groups = over_file_groups(from_flags, std::mem::take(&mut file.groups))?;
            (file, groups)
        }
        file => (file.unwrap_or_default(), vec![only_group(from_flags)?]),
    };
    let default = Config::default();
    let config = Config {
        listen: flags.listen.or(file.listen).unwrap_or(default.listen),
        advertise: flags.advertise.or(file.advertise),
        http: flags.http.or(file.http).map_or(default.http, OrNone::into_option),
        groups,
        cluster: cluster::resolve(flags.cluster, file.cluster)?,
        telemetry: telemetry(flags.telemetry, file.telemetry, default.telemetry),
    };
    check_advertised(&config)?;
    Ok(config)
}

/// A node without groups in its file: the flags describe the only one. It has
/// the sample data's retriever unless told otherwise, so that a first try works.
fn only_group(flags: GroupSettings) -> Result<Group, Error> {
    let mut group = GroupSettings { name: Some(DEFAULT_GROUP.into()), ..GroupSettings::default() };
    group.retriever.plugin = Some(OrNone::Just(DEFAULT_RETRIEVER.into()));
    lay_over(&mut group, flags);
    finish(group)
}

/// Flags about a group change the file's group that `--group` names, or its only
/// one. They never add one: a mistyped name would go unnoticed.
fn over_file_groups(
    flags: GroupSettings,
    mut groups: Vec<GroupSettings>,
) -> Result<Vec<Group>, Error> {
    let names: Vec<String> = groups.iter().filter_map(|group| group.name.clone()).collect();
    let mut seen = BTreeSet::new();
    if let Some(twice) = names.iter().find(|name| !seen.insert(*name)) {
        return Err(Error::Conflict(format!(
            "two groups are called {twice:?}; each needs a name of its own"
        )));
    }
    if flags != GroupSettings::default() {
        let at = match &flags.name {
            Some(wanted) => names.iter().position(|name| name == wanted).ok_or_else(|| {
                let near = nearest(wanted, names.iter().map(String::as_str));
                let near = near.map_or_else(String::new, |near| format!(" (did you mean {near:?}?)"));
                Error::Conflict(format!(
                    "--group {wanted:?} is none of the config file's groups, {}{near}; add a [[group]] for it there",
                    names.join(", ")
                ))
            })?,
            None if groups.len() == 1 => 0,
            None => {
                return Err(Error::Conflict(format!(
                    "the config file has the groups {}; say with --group which one the group flags are about",
                    names.join(", ")
                )));
            }
        };
        lay_over(&mut groups[at], flags);
    }
    groups.into_iter().map(finish).collect()
}

fn lay_over(below: &mut GroupSettings, above: GroupSettings) {
    below.name = above.name.or(below.name.take());
    below.capacity_bytes = above.capacity_bytes.or(below.capacity_bytes);
    below.max_entries = above.max_entries.or(below.max_entries);
    below.ttl = above.ttl.or(below.ttl.take());
    below.ttl_jitter_percent = above.ttl_jitter_percent.or(below.ttl_jitter_percent);
    below.negative_ttl = above.negative_ttl.or(below.negative_ttl.take());
    below.load_timeout = above.load_timeout.or(below.load_timeout);
    below.max_value_bytes = above.max_value_bytes.or(below.max_value_bytes);
    lay_plugin_over(&mut below.policy, above.policy);
    lay_plugin_over(&mut below.retriever, above.retriever);
}

fn lay_plugin_over(below: &mut PluginSettings, above: PluginSettings) {
    // What was said to another plugin means nothing to this one.
    if above.plugin.is_some() && above.plugin != below.plugin {
        *below = above;
        return;
    }
    below.options.extend(above.options);
    below.secrets.extend(above.secrets);
    below.allow_net.extend(above.allow_net);
}

fn finish(settings: GroupSettings) -> Result<Group, Error> {
    let default = Group::new(&settings.name.unwrap_or_else(|| DEFAULT_GROUP.into()));
    let conflict =
        |what: &str| Err(Error::Conflict(format!("group {:?}: {what}", default.group.name)));
    let policy = match plugin(settings.policy) {
        Ok(Some(plugin)) => plugin,
        Ok(None) => Plugin::new(DEFAULT_POLICY),
        Err(()) => return conflict("policy options without a policy; name it with --policy"),
    };
    if !policy.secrets.is_empty() || !policy.allow_net.is_empty() {
        return conflict("a policy has no secrets and no network; only a retriever can have them");
    }
    let Ok(retriever) = plugin(settings.retriever) else {
        return conflict(
            "retriever options, secrets or allow-net without a retriever; name it with --retriever",
        );
    };
    let (own, kept) = (default.group, default.store);
    Ok(Group {
        group: group::Config {
            ttl: settings.ttl.map_or(own.ttl, OrNone::into_option),
            ttl_jitter_percent: settings.ttl_jitter_percent.unwrap_or(own.ttl_jitter_percent),
            negative_ttl: settings
                .negative_ttl
                .map_or(own.negative_ttl, |ttl| ttl.into_option().unwrap_or_default()),
            load_timeout: settings.load_timeout.unwrap_or(own.load_timeout),
            max_value_bytes: settings.max_value_bytes.unwrap_or(own.max_value_bytes),
            ..own
        },
        store: store::Config {
            capacity_bytes: settings.capacity_bytes.unwrap_or(kept.capacity_bytes),
            max_entries: settings.max_entries.or(kept.max_entries),
        },
        policy: policy.into(),
        retriever: retriever.map(Into::into),
    })
}

/// The plugin, none, or a refusal to guess who the options are for.
fn plugin(settings: PluginSettings) -> Result<Option<Plugin>, ()> {
    match settings.plugin.and_then(OrNone::into_option) {
        Some(plugin) => Ok(Some(Plugin {
            plugin,
            options: settings.options,
            secrets: settings.secrets,
            allow_net: settings.allow_net,
        })),
        None if settings.options.is_empty()
            && settings.secrets.is_empty()
            && settings.allow_net.is_empty() =>
        {
            Ok(None)
        }
        None => Err(()),
    }
}

fn telemetry(
    flags: TelemetrySettings,
    file: TelemetrySettings,
    default: telemetry::Config,
) -> telemetry::Config {
    telemetry::Config {
        log: flags.log.or(file.log).unwrap_or(default.log),
        log_format: flags.log_format.or(file.log_format).or(default.log_format),
        otlp: flags.otlp.or(file.otlp),
        trace_ratio: flags.trace_ratio.or(file.trace_ratio).unwrap_or(default.trace_ratio),
    }
}

/// Nodes find each other by advertised addresses, and "any interface" is none.
fn check_advertised(config: &Config) -> Result<(), Error> {
    let anywhere = ["0.0.0.0:", "[::]:"].iter().any(|any| config.listen.starts_with(any));
    if config.cluster.registry != Registry::Alone && config.advertise.is_none() && anywhere {
        return Err(Error::Conflict(format!(
            "listen {:?} is every interface; say with --advertise HOST:PORT which address the other nodes reach this one at",
            config.listen
        )));
    }
    Ok(())
}
