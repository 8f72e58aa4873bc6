//! How much a search explores.

use super::flaw::Flaw;

/// Bounds of a search.
#[derive(Clone, Debug)]
pub(crate) struct Scope {
    /// As the command line has it.
    pub(crate) name: &'static str,
    /// The rule that is broken.
    pub(crate) flaw: Option<Flaw>,
    /// Changes, at most; so are all counts below. The first one is a set.
    pub(crate) changes: u8,
    /// Times that the key gets another holder.
    pub(crate) moves: u8,
    /// Nodes that start anew.
    pub(crate) restarts: u8,
    /// Sets whose caller drops the future.
    pub(crate) drops: u8,
}

impl Scope {
    pub(crate) fn breaks(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw)
    }

    /// Whether a set that was sent to a node may take effect though the key has changed there.
    pub(crate) fn forgets_changes(&self) -> bool {
        let flaws =
            [Flaw::OwnerIgnoresVersions, Flaw::GainIsNoChange, Flaw::VersionOutlivesTheProcess];
        flaws.into_iter().any(|flaw| self.breaks(flaw))
    }
}
