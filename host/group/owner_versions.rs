//! The newest change number that each other node has reported (rule 6).

use std::collections::BTreeMap;

use crate::sync::Mutex;

/// Change numbers by node address, one for each node that ever answered a change.
#[derive(Default)]
pub(super) struct OwnerVersions(Mutex<BTreeMap<String, u64>>);

impl OwnerVersions {
    /// The last number that `node` reported; 0 if there is none. No node reports 0.
    pub(super) fn of(&self, node: &str) -> u64 {
        self.0.lock().get(node).copied().unwrap_or(0)
    }

    /// Records the `number` that `node` reported. Answers may arrive out of order. An
    /// older number costs at most a retry of the next set.
    pub(super) fn note(&self, node: &str, number: u64) {
        let mut heard = self.0.lock();
        match heard.get_mut(node) {
            Some(known) => *known = number,
            None => drop(heard.insert(node.to_owned(), number)),
        }
    }
}
