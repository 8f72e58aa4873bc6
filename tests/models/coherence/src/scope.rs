//! How much of the protocol a search explores.

use crate::flaw::Flaw;
use crate::state::Kind;

/// Bounds of a search.
#[derive(Clone, Debug)]
pub(crate) struct Scope {
    /// As the command line has it.
    pub(crate) name: &'static str,
    /// The rule that is broken.
    pub(crate) flaw: Option<Flaw>,
    /// Sets of addresses that are members in a first state, as bits.
    pub(crate) starts: &'static [u8],
    /// Revisions that some node has not seen yet, at most.
    pub(crate) lag: usize,
    /// Crashes, at most; so are all counts below.
    pub(crate) crashes: u8,
    /// Registrations.
    pub(crate) joins: u8,
    /// Graceful leaves.
    pub(crate) leaves: u8,
    /// Entries that an operator deletes while the lease lives.
    pub(crate) deletes: u8,
    /// Times that etcd loses everything.
    pub(crate) wipes: u8,
    /// Times that etcd is restored from a backup.
    pub(crate) restores: u8,
    /// Whether nodes vouch for each other (rule 7).
    pub(crate) vouching: bool,
    /// Changes of the source. 0: only the right to hold is explored.
    pub(crate) changes: u8,
    /// What kinds of change.
    pub(crate) kinds: &'static [Kind],
    /// Whether entries are inherited (rule 9).
    pub(crate) inheritance: bool,
    /// Whether copies are lent (rule 10).
    pub(crate) copies: bool,
    /// Whether two holders are a violation, or only a broken promise.
    pub(crate) exclusive: bool,
    /// A joiner may read the records long before it joins (rule 3), not just then.
    pub(crate) early_reads: bool,
    /// Small steps. Without them a node learns at once what it may learn at any time, and
    /// what only keeps a node from holding ends with its cause. States that are left out
    /// by that differ from others only in that a node may do less.
    pub(crate) fine: bool,
}

impl Scope {
    pub(crate) fn breaks(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw)
    }

    /// Long leases matter only where somebody may hold without a short one, or where an
    /// entry may go before its lease.
    pub(crate) fn has_records(&self) -> bool {
        self.vouching || self.deletes > 0
    }

    pub(crate) fn has_losses(&self) -> bool {
        self.wipes + self.restores > 0
    }

    /// Whether owners refuse sets with old numbers (rule 6).
    pub(crate) fn has_fence(&self) -> bool {
        !self.breaks(Flaw::SetsHaveNoNumber) && !self.breaks(Flaw::SetsHaveIdsOnly)
    }

    pub(crate) fn loads_early(&self) -> bool {
        self.breaks(Flaw::OwnerSharesLoadsBeforeItHolds)
            || self.breaks(Flaw::KeepsLoadsFromBeforeItJoined)
    }
}
