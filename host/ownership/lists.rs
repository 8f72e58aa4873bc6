//! What nodes that find each other by a list said of theirs, and why one can't be used.

use std::collections::BTreeMap;

use crate::sync::Mutex;

/// What the other nodes of the list said of theirs.
pub(super) struct Lists {
    pub(super) digest: u64,
    /// By address: who answered there last; `None`: nobody did.
    heard: Mutex<BTreeMap<String, Option<Heard>>>,
}

/// What one node said.
#[derive(Clone, Copy)]
struct Heard {
    digest: u64,
    /// 0: it asked, and did not answer yet.
    process: u64,
}

impl Lists {
    pub(super) fn new(digest: u64, others: impl Iterator<Item = String>) -> Self {
        Self { digest, heard: Mutex::new(others.map(|address| (address, None)).collect()) }
    }

    /// Notes what the node at `address` said. Answers whether the list has it.
    pub(super) fn hear(&self, address: &str, digest: u64, process: Option<u64>) -> bool {
        let mut heard = self.heard.lock();
        let Some(known) = heard.get_mut(address) else { return false };
        let process = process.or(known.map(|known| known.process)).unwrap_or(0);
        *known = Some(Heard { digest, process });
        true
    }

    /// Whether all have answered with this list.
    pub(super) fn all_agree(&self) -> bool {
        let heard = self.heard.lock();
        heard
            .values()
            .all(|said| said.is_some_and(|said| said.digest == self.digest && said.process != 0))
    }

    /// Why this node must hold nothing; `None`: it may.
    pub(super) fn problem(&self) -> Option<String> {
        let heard = self.heard.lock();
        let mut processes = BTreeMap::new();
        for (address, said) in heard.iter().filter_map(|(address, said)| Some((address, (*said)?)))
        {
            if said.digest != self.digest {
                return Some(format!(
                    "{address} has another list of nodes, so this node holds nothing; give all \
                     nodes the same --peers with the same weights"
                ));
            }
            let before = processes.insert(said.process, address);
            if let Some(before) = before.filter(|_| said.process != 0) {
                return Some(format!(
                    "{before} and {address} are one node, so this node holds nothing; list it once"
                ));
            }
        }
        None
    }
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
