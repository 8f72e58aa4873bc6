//! The registrations that there are at one revision of the registry.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// What tells the registrations at one address apart: the revision at which the
/// registry's entry was created. 0 is no registration.
pub type Name = i64;

/// What a node writes of itself into the registry, in JSON.
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
}

impl Entry {
    /// This process, known by `address`.
    #[must_use]
    pub fn own(address: impl Into<String>, weight: u32) -> Self {
        let now = std::time::SystemTime::now();
        Self {
            address: address.into(),
            weight,
            version: env!("CARGO_PKG_VERSION").into(),
            started: humantime::format_rfc3339_millis(now).to_string(),
        }
    }
}

/// A node as registered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Member {
    /// What it wrote of itself.
    pub entry: Entry,
    /// Its registration.
    pub name: Name,
    /// The short lease that its entry stands under.
    pub lease: i64,
}

/// All registrations at one revision. Rule 1 of the protocol in `docs/coherence.md`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// Which registry it is of: a revision says nothing in another one.
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
