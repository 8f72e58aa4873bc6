//! The latest changes of other nodes, as they told of them.

use std::collections::BTreeMap;

use crate::sync::Mutex;

/// Numbers by the node's address; one for each node that was ever told of a change.
#[derive(Default)]
pub(super) struct Seen(Mutex<BTreeMap<String, u64>>);

impl Seen {
    /// What `node` told last; 0, which no node ever tells, if nothing.
    pub(super) fn of(&self, node: &str) -> u64 {
        self.0.lock().get(node).copied().unwrap_or(0)
    }

    /// `node` tells `number`. Answers come in any order, and an earlier one costs
    /// no more than a second try.
    pub(super) fn note(&self, node: &str, number: u64) {
        let mut seen = self.0.lock();
        match seen.get_mut(node) {
            Some(known) => *known = number,
            None => drop(seen.insert(node.to_owned(), number)),
        }
    }
}
