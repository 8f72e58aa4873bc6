//! The digests that the nodes of a static list have reported, and why a list can't be
//! used.

use std::collections::BTreeMap;

use crate::sync::Mutex;

/// What the other nodes of the list have reported about their lists.
pub(super) struct Lists {
    pub(super) digest: u64,
    /// The last report of each node, by address; `None`: there was none.
    heard: Mutex<BTreeMap<String, Option<Heard>>>,
}

/// The report of one node.
#[derive(Clone, Copy)]
struct Heard {
    digest: u64,
    /// 0: it has sent its digest in a request, and has not answered yet.
    process: u64,
    /// Whether it may get its list yet: it listens before it has one.
    is_starting: bool,
}

/// The digest of a node that has no list.
const NO_LIST: u64 = 0;

impl Lists {
    pub(super) fn new(digest: u64, others: impl Iterator<Item = String>) -> Self {
        Self { digest, heard: Mutex::new(others.map(|address| (address, None)).collect()) }
    }

    /// Records the report of the node at `address`. Returns whether the list contains it.
    pub(super) fn hear(&self, address: &str, digest: u64, process: Option<u64>) -> bool {
        let mut heard = self.heard.lock();
        let Some(known) = heard.get_mut(address) else { return false };
        let process = process.or(known.map(|known| known.process)).unwrap_or(0);
        // The next look, a second later, finds the list of a node that was starting.
        let is_same = known.is_some_and(|known| (known.digest, known.process) == (digest, process));
        *known = Some(Heard { digest, process, is_starting: digest == NO_LIST && !is_same });
        true
    }

    /// Whether all other nodes have answered with the same digest.
    pub(super) fn all_agree(&self) -> bool {
        let heard = self.heard.lock();
        heard
            .values()
            .all(|said| said.is_some_and(|said| said.digest == self.digest && said.process != 0))
    }

    /// Why this node must hold nothing; `None`: it may hold its keys.
    pub(super) fn problem(&self) -> Option<String> {
        let heard = self.heard.lock();
        let mut processes = BTreeMap::new();
        for (address, said) in heard.iter().filter_map(|(address, said)| Some((address, (*said)?)))
        {
            if said.digest != self.digest && !said.is_starting {
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
        /// This node's own address.
        own: String,
    },
    /// The address that this node advertises reaches another one.
    #[error(
        "{own:?}, which this node advertises, reaches another node, which knows itself as \
         {other:?}; give each node an --advertise address of its own"
    )]
    IsAnother {
        /// The address that this node advertises.
        own: String,
        /// The address that the answering node advertises.
        other: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_that_starts_has_no_other_list() {
        let lists = Lists::new(7, ["b:1".to_owned()].into_iter());
        assert!(lists.hear("b:1", NO_LIST, Some(3)));
        assert_eq!((lists.problem(), lists.all_agree()), (None, false));
        lists.hear("b:1", 7, Some(3));
        assert_eq!((lists.problem(), lists.all_agree()), (None, true));
        // Another process at its address starts.
        lists.hear("b:1", NO_LIST, Some(4));
        assert_eq!((lists.problem(), lists.all_agree()), (None, false));
        // It has none a second later either.
        lists.hear("b:1", NO_LIST, Some(4));
        assert!(lists.problem().is_some_and(|problem| problem.contains("another list")));
        lists.hear("b:1", 8, Some(4));
        assert!(lists.problem().is_some());
    }
}
