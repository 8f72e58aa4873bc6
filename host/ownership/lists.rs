//! What nodes that find each other by a list said of theirs, and why one can't be used.

use std::collections::BTreeMap;

use crate::sync::Mutex;

/// What the other nodes of the list said of theirs.
pub(super) struct Lists {
    pub(super) digest: u64,
    /// By address: the digest that was heard last; `None`: nothing was.
    pub(super) heard: Mutex<BTreeMap<String, Option<u64>>>,
    /// By process: the address that reached it.
    pub(super) processes: Mutex<BTreeMap<u64, String>>,
}

/// Why a list can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListProblem {
    /// An address of the list reaches this process.
    #[error(
        "{listed:?} in the list of nodes is this node itself, which knows itself as {own:?}; write \
         it as {own:?}, or give --advertise {listed}"
    )]
    IsThisNode {
        /// As it stands in the list.
        listed: String,
        /// What this node knows itself by.
        own: String,
    },
    /// The address that this node advertises reaches another one.
    #[error(
        "{own:?}, which this node advertises, reaches another node, which knows itself as \
         {other:?}; give each node an --advertise address of its own"
    )]
    IsAnother {
        /// What this node advertises.
        own: String,
        /// What answers there knows itself by.
        other: String,
    },
}
