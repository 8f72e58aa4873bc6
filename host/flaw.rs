//! Parts of the protocol that the simulation removes one at a time, to check that it detects
//! the violation. In a program nothing is removed, and this module compiles to nothing.

/// The part of the protocol that is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// A loaded value is kept even if the node no longer holds the key.
    LandingIsNotChecked,
    /// A change drops the value, but does not interrupt the load that is in flight.
    FlightsSurviveChanges,
    /// A loss of keys does not interrupt the loads that are in flight.
    FlightsSurviveLoss,
    /// A set with an old version is accepted.
    SetsWithoutFence,
    /// A set from before the node gained the key is accepted.
    GainIsNoChange,
    /// A node keeps the values of keys that it has lost.
    LostEntriesStay,
    /// A node that loses its registration keeps its values.
    MemorySurvivesStop,
    /// A node acks a joiner that is not in its view.
    AckBeforeSeeing,
    /// A node acks although it has ghosts.
    AckWithGhosts,
    /// A node acks although it has promises to removed nodes.
    AckWithPromises,
    /// A node acks while copies that it lent are still valid.
    AckWithCopies,
    /// A node joins without asking for acks.
    JoinWithoutAcks,
    /// The first node of a cluster joins at once.
    FirstJoinsAtOnce,
    /// A node answers from memory without checking its lease.
    CertaintyIsNotChecked,
    /// A lease is counted from the answer to a keep-alive, not from when it was sent.
    CertaintyCountsFromTheAnswer,
    /// A node that leaves keeps holding its keys until its registration has ended.
    StopsAfterLeaving,
    /// A node leaves while copies that it lent are still valid.
    LeavesWithCopies,
    /// A removed node does not become a ghost.
    GhostsAreNotKept,
    /// A promise does not keep a node in the ring after its lease has ended.
    PromisesAreNotKept,
    /// A node is vouched for although one member has not vouched.
    MostVouch,
    /// Vouching continues after the long lease has ended.
    VouchedWithoutEnd,
    /// The owner of a key confirms a change even if it does not hold the key.
    ChangeAnywhereIsConfirmed,
    /// A node confirms a change although it has registered since it dropped the value.
    NewNameConfirms,
    /// A change does not wait until lent copies have ended.
    ChangeDoesNotWaitForCopies,
    /// An inherited value is kept although the key was changed.
    HeirDoesNotMindChanges,
    /// A node hands the value of a lost key to any node that asks.
    GiverDoesNotMindWhoAsks,
    /// A node that does not hold a key shares its load with later gets.
    OthersShareLoads,
    /// A clear is confirmed by the nodes that were in the ring when it began, without newcomers.
    NewcomersAreNotCleared,
}

#[cfg(not(feature = "flaws"))]
pub const fn is(_: Flaw) -> bool {
    false
}

#[cfg(feature = "flaws")]
impl Flaw {
    pub const ALL: [Self; 28] = [
        Self::LandingIsNotChecked,
        Self::FlightsSurviveChanges,
        Self::FlightsSurviveLoss,
        Self::SetsWithoutFence,
        Self::GainIsNoChange,
        Self::LostEntriesStay,
        Self::MemorySurvivesStop,
        Self::AckBeforeSeeing,
        Self::AckWithGhosts,
        Self::AckWithPromises,
        Self::AckWithCopies,
        Self::JoinWithoutAcks,
        Self::FirstJoinsAtOnce,
        Self::CertaintyIsNotChecked,
        Self::CertaintyCountsFromTheAnswer,
        Self::StopsAfterLeaving,
        Self::LeavesWithCopies,
        Self::GhostsAreNotKept,
        Self::PromisesAreNotKept,
        Self::MostVouch,
        Self::VouchedWithoutEnd,
        Self::ChangeAnywhereIsConfirmed,
        Self::NewNameConfirms,
        Self::ChangeDoesNotWaitForCopies,
        Self::HeirDoesNotMindChanges,
        Self::GiverDoesNotMindWhoAsks,
        Self::OthersShareLoads,
        Self::NewcomersAreNotCleared,
    ];
}

#[cfg(feature = "flaws")]
mod present {
    use std::cell::Cell;
    use std::time::Duration;

    use super::Flaw;

    thread_local! {
        /// Thread-local, because a simulation runs on one thread.
        static PRESENT: Cell<Option<Flaw>> = const { Cell::new(None) };
        static CHANCE: Cell<u64> = const { Cell::new(1) };
    }

    pub fn is(flaw: Flaw) -> bool {
        PRESENT.get() == Some(flaw)
    }

    /// Replaces the flaw of this thread. `seed` determines which tasks are delayed, and for
    /// how long.
    pub fn set(flaw: Option<Flaw>, seed: u64) {
        PRESENT.set(flaw);
        CHANCE.set(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    }

    /// How long to delay a task at a point where the simulation's only thread would not be
    /// interrupted, while other tasks continue. Mostly there is no delay.
    pub fn holds_up() -> Option<Duration> {
        let chance = CHANCE.get();
        let chance = chance ^ chance << 13;
        let chance = chance ^ chance >> 7;
        let chance = chance ^ chance << 17;
        CHANCE.set(chance);
        chance.is_multiple_of(32).then(|| Duration::from_millis(chance >> 32 & 1_023))
    }
}

#[cfg(feature = "flaws")]
pub use present::{holds_up, is, set};
