//! The steps by name, as a trace shows them.

use crate::names::Names;
use crate::state::Kind;

/// A step. Numbers are addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    // What a node knows of its leases.
    CertaintyEnds(usize),
    LongCertaintyEnds(usize),
    KeepAliveIsAnswered(usize),
    LateAnswerArrives(usize),
    FindsItsLeaseGone(usize),
    // etcd.
    LeaseExpires { at: usize, name: u8 },
    RecordExpires(usize),
    EntryIsDeleted(usize),
    EtcdLosesAll,
    EtcdIsRestored { entries: u8 },
    KeyIsWritten(usize),
    // Membership.
    Registers(usize),
    Sees { at: usize, view: Names },
    Acks { by: usize, of: usize },
    ReadsRecords(usize),
    Joins(usize),
    KnowsGone { at: usize, ghost: usize },
    Crashes(usize),
    Leaves(usize),
    RevokesBeforeStopping(usize),
    WeightsChange,
    // Vouching.
    Vouches { by: usize, of: usize },
    VouchEnds { by: usize, of: usize },
    PromiseEnds { by: usize, of: usize },
    // Data.
    ChangeBegins { kind: Kind, version: u8 },
    ChangeIsGivenUp,
    LooksAtItsRight(usize),
    Removes(usize),
    SetIsSent { to: usize },
    SetArrives { at: usize, version: u8 },
    Clears(usize),
    ClearIsConfirmed(usize),
    RemoveIsConfirmed(usize),
    LoadBegins(usize),
    LoadReads(usize),
    LoadEnds(usize),
    Lends { by: usize, to: usize },
    CopyEnds(usize),
    Inherits { at: usize, from: usize },
    PushArrives { at: usize, from: usize },
}
