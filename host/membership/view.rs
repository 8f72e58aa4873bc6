//! The registrations that there are at one revision of the registry.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Identifies one of the registrations at an address: the revision at which its entry in
/// the registry was created. 0: no registration.
pub type Name = i64;

/// A node's entry in the registry, written as JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The address that it advertises.
    pub address: String,
    /// Its share of the keys relative to the others'.
    pub weight: u32,
    /// The version of PsyCache that it runs.
    #[serde(default)]
    pub version: String,
    /// When its process started, RFC 3339 with milliseconds.
    #[serde(default)]
    pub started: String,
    /// Its `--lease-ttl` in milliseconds; 0: unknown.
    #[serde(default)]
    pub lease_ttl_ms: u64,
    /// The address that clients reach it at; empty: the one that it advertises.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub clients: String,
}

impl Entry {
    /// The entry of this process at `address`.
    #[must_use]
    pub fn own(address: impl Into<String>, weight: u32) -> Self {
        let now = std::time::SystemTime::now();
        Self {
            address: address.into(),
            weight,
            version: env!("CARGO_PKG_VERSION").into(),
            started: humantime::format_rfc3339_millis(now).to_string(),
            lease_ttl_ms: 0,
            clients: String::new(),
        }
    }

    /// The address that clients reach it at.
    #[must_use]
    pub fn for_clients(&self) -> &str {
        if self.clients.is_empty() { &self.address } else { &self.clients }
    }
}

/// A node as registered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Member {
    /// Its entry in the registry.
    pub entry: Entry,
    /// Its registration.
    pub name: Name,
    /// The short lease of its entry.
    pub lease: i64,
}

/// All registrations at one revision (rule 1 of the protocol in `docs/coherence.md`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// The id of the registry. A revision has no meaning in another registry.
    pub cluster: u64,
    /// The revision.
    pub revision: i64,
    /// By address.
    pub members: BTreeMap<Arc<str>, Member>,
}

impl View {
    /// The registration at `address`; 0: there is none.
    #[must_use]
    pub fn name_at(&self, address: &str) -> Name {
        self.members.get(address).map_or(0, |member| member.name)
    }

    /// The same with one member more, or another one at its address.
    #[must_use]
    pub fn with(&self, revision: i64, member: Member) -> Self {
        let mut next = Self { revision, ..self.clone() };
        next.members.insert(member.entry.address.as_str().into(), member);
        next
    }

    /// The same without the member at `address`.
    #[must_use]
    pub fn without(&self, revision: i64, address: &str) -> Self {
        let mut next = Self { revision, ..self.clone() };
        next.members.remove(address);
        next
    }
}
