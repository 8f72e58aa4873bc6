//! The latest changes of other nodes, as they told of them [rule 6].

use std::collections::BTreeMap;

use crate::sync::Mutex;

/// Numbers by the node's address; one for each node that ever answered a change.
#[derive(Default)]
pub(super) struct OwnerVersions(Mutex<BTreeMap<String, u64>>);

impl OwnerVersions {
    /// What `node` told last; 0, which no node ever tells, if nothing.
    pub(super) fn of(&self, node: &str) -> u64 {
        self.0.lock().get(node).copied().unwrap_or(0)
    }

    /// `node` tells `number`. Answers come in any order, and an earlier one costs
    /// no more than a second try.
    pub(super) fn note(&self, node: &str, number: u64) {
        let mut heard = self.0.lock();
        match heard.get_mut(node) {
            Some(known) => *known = number,
            None => drop(heard.insert(node.to_owned(), number)),
        }
    }
}
