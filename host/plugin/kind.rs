//! The kinds of plugins.

use super::contract::{self, PACKAGE};

/// The kind of a plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Chooses what to evict.
    Policy,
    /// Loads missing values.
    Retriever,
}

impl Kind {
    pub(super) fn interface(self) -> &'static str {
        match self {
            Self::Policy => contract::POLICY,
            Self::Retriever => contract::RETRIEVER,
        }
    }

    /// Whether a component with an export of that name is of this kind, in any version.
    pub(super) fn is_named(self, export: &str) -> bool {
        let rest = export.strip_prefix(PACKAGE).and_then(|rest| rest.strip_prefix(self.name()));
        rest.is_some_and(|rest| rest.starts_with('@'))
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::Retriever => "retriever",
        }
    }
}
