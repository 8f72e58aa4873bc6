//! Merges the settings of the flags over those of the file.

use super::error::Error;
use super::limits::LimitSettings;
use super::settings::{
    ClusterSettings, GroupSettings, PolicySettings, PoolSettings, RetrieverSettings, Settings,
    TelemetrySettings, TlsSettings,
};
use super::text::{self, GroupName, OrNone, PluginName};
use crate::nearest::nearest;

/// The retriever of a node without a file. It serves sample data, so that a first try works.
const DEFAULT_RETRIEVER: &str = "static";

/// Merges two sources of settings. A setting that `self` leaves out is taken from `below`.
trait Over {
    fn over(self, below: Self) -> Self;
}

impl<T> Over for Option<T> {
    fn over(self, below: Self) -> Self {
        self.or(below)
    }
}

impl<T> Over for Vec<T> {
    fn over(self, below: Self) -> Self {
        if self.is_empty() { below } else { self }
    }
}

/// Implements [`Over`] field by field. It does not compile if a field is missing.
macro_rules! each_field_over {
    ($section:ident: $($field:ident)*) => {
        impl Over for $section {
            fn over(self, below: Self) -> Self {
                Self { $($field: self.$field.over(below.$field)),* }
            }
        }
    };
}

each_field_over!(Settings: listen advertise peer_listen http redis tokens insecure core_dumps groups group tls
    limits cluster telemetry);
each_field_over!(LimitSettings: max_connections max_connections_per_address handshake_timeout
    first_request_timeout max_streams max_header max_unread max_client_bytes max_cancels);
each_field_over!(TlsSettings: cert key client_ca min_version peer_names);
each_field_over!(GroupSettings: name capacity max_entries ttl ttl_jitter negative_ttl
    stale_if_error stale_while_revalidate refresh_ahead load_timeout retries breaker max_loads
    max_value pool policy retriever);
each_field_over!(PoolSettings: size idle queue);
each_field_over!(ClusterSettings: peers etcd etcd_prefix etcd_user etcd_password etcd_ca etcd_cert
    etcd_key etcd_server_name secret lease_ttl weight uncertain);
each_field_over!(TelemetrySettings: otlp trace_ratio log log_format);

impl Over for PolicySettings {
    fn over(self, mut below: Self) -> Self {
        // Options of another plugin do not apply to this one.
        if self.plugin.is_some() && self.plugin != below.plugin {
            return self;
        }
        below.options.extend(self.options);
        below.sha256 = self.sha256.or(below.sha256);
        below
    }
}

impl Over for RetrieverSettings {
    fn over(self, mut below: Self) -> Self {
        if self.plugin.is_some() && self.plugin != below.plugin {
            return self;
        }
        below.options.extend(self.options);
        below.secrets.extend(self.secrets);
        below.allow_net.extend(self.allow_net);
        below.sha256 = self.sha256.or(below.sha256);
        below
    }
}

impl Settings {
    /// Merges these settings of the flags over those of the file. The result has all groups
    /// in `groups`.
    pub(super) fn over_file(mut self, mut file: Self) -> Result<Self, Error> {
        let RetrieverSettings { options, secrets, .. } = &self.group.retriever;
        once("policy-opt", self.group.policy.options.iter().map(|option| &option.0))?;
        once("retriever-opt", options.iter().map(|option| &option.0))?;
        once("retriever-secret", secrets.iter().map(|secret| &secret.0))?;
        // A registry given by a flag replaces the one in the file, of either kind.
        if !(self.cluster.peers.is_empty() && self.cluster.etcd.is_empty()) {
            file.cluster.peers.clear();
            file.cluster.etcd.clear();
        }
        file.groups = over_groups(std::mem::take(&mut self.group), file.groups)?;
        Ok(self.over(file))
    }
}

/// Checks that no name is given twice by one flag.
fn once<'a>(flag: &str, names: impl Iterator<Item = &'a String>) -> Result<(), Error> {
    match text::twice(names.map(String::as_str)) {
        Some(name) => {
            Err(Error::Conflict(format!("--{flag} gives {name} twice; leave one of them out")))
        }
        None => Ok(()),
    }
}

/// Applies the group flags to the file's group that `--group` names, or to its only group.
/// They never add a group to those of a file, because a mistyped name would go unnoticed.
fn over_groups(
    flags: GroupSettings,
    mut groups: Vec<GroupSettings>,
) -> Result<Vec<GroupSettings>, Error> {
    if groups.is_empty() {
        let sample = OrNone::Just(PluginName(DEFAULT_RETRIEVER.into()));
        let mut group = GroupSettings::default();
        group.retriever.plugin = Some(sample);
        return Ok(vec![flags.over(group)]);
    }
    let names: Vec<&str> =
        groups.iter().filter_map(|group| group.name.as_ref()).map(|name| name.0.as_str()).collect();
    if let Some(twice) = text::twice(names.iter().copied()) {
        return Err(Error::Conflict(format!(
            "two groups are called {twice:?}; each needs a name of its own"
        )));
    }
    if flags != GroupSettings::default() {
        let at = group_meant(flags.name.as_ref(), &names)?;
        groups[at] = flags.over(std::mem::take(&mut groups[at]));
    }
    Ok(groups)
}

/// The index of the file's group that the flags apply to.
fn group_meant(wanted: Option<&GroupName>, names: &[&str]) -> Result<usize, Error> {
    let all = names.join(", ");
    let Some(GroupName(wanted)) = wanted else {
        return match names.len() {
            1 => Ok(0),
            _ => Err(Error::Conflict(format!(
                "the config file has the groups {all}; say with --group which one the group flags are about"
            ))),
        };
    };
    names.iter().position(|name| name == wanted).ok_or_else(|| {
        let near = nearest(wanted, names.iter().copied());
        let near = near.map_or_else(String::new, |near| format!(" (did you mean {near:?}?)"));
        Error::Conflict(format!(
            "--group {wanted:?} is none of the config file's groups, {all}{near}; add a [[group]] for it there"
        ))
    })
}
