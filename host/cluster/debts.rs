//! What other nodes have missed, until they are told.
//!
//! A change that some node did not confirm is owed to it by the node that made the
//! change and by all that confirmed it, so the debt outlives any of them. It is
//! bounded: when too many keys of a group are owed to a node, the group is.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use tokio::sync::Notify;

use crate::sync::Mutex;

/// Keys of one group that are owed to one node before all of the group is.
const MOST_KEYS: usize = 4_096;

/// Who is owed what is not known yet: to every node that comes.
pub(super) const WHO_COMES: &str = "";

/// Debts by the node's address.
#[derive(Default)]
pub(super) struct Debts {
    owed: Mutex<BTreeMap<String, Owed>>,
    /// How many nodes are owed something, so that a change can tell without the
    /// lock that nobody is.
    nodes: AtomicUsize,
    /// There is a new debt, or somebody who is owed something was heard of.
    pub(super) news: Notify,
}

#[derive(Default)]
struct Owed {
    /// Who was there before the debt began, and so was told of the change itself, with
    /// its process. Who comes later may get an old value from the one that missed it.
    present: BTreeMap<String, u64>,
    groups: BTreeMap<Bytes, Missed>,
    /// Tells a debt from a later one for the same key.
    version: u64,
}

enum Missed {
    Keys(BTreeMap<Bytes, u64>),
    All(u64),
}

/// One missed change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Debt {
    pub(super) group: Bytes,
    /// Empty: all of the group.
    pub(super) key: Bytes,
    version: u64,
}

impl Debts {
    pub(super) fn is_empty(&self) -> bool {
        self.nodes.load(Ordering::Relaxed) == 0
    }

    /// Notes that `node` has missed a change of `key`; empty: of the whole group.
    pub(super) fn owe(
        &self,
        node: &str,
        group: &Bytes,
        key: &Bytes,
        present: impl FnOnce() -> BTreeMap<String, u64>,
    ) {
        let mut all = self.owed.lock();
        let owed = all
            .entry(node.to_owned())
            .or_insert_with(|| Owed { present: present(), ..Owed::default() });
        owed.version += 1;
        let version = owed.version;
        let missed =
            owed.groups.entry(group.clone()).or_insert_with(|| Missed::Keys(BTreeMap::new()));
        match missed {
            Missed::Keys(keys) if !key.is_empty() && keys.len() < MOST_KEYS => {
                keys.insert(key.clone(), version);
            }
            // For a key that is there already this is more than it must be.
            missed => *missed = Missed::All(version),
        }
        self.count(&all);
        self.news.notify_one();
    }

    /// `node` has a later change of `key`, so the earlier one matters no more.
    pub(super) fn overtaken(&self, node: &str, group: &[u8], key: &[u8]) {
        if self.is_empty() {
            return;
        }
        let mut all = self.owed.lock();
        let Some(owed) = all.get_mut(node) else { return };
        match owed.groups.get_mut(group) {
            Some(Missed::Keys(keys)) if !key.is_empty() => drop(keys.remove(key)),
            Some(_) if key.is_empty() => drop(owed.groups.remove(group)),
            _ => {}
        }
        self.tidy(&mut all);
    }

    /// What goes to whoever comes is owed to `node`, which has come.
    pub(super) fn has_come(&self, node: &str) {
        if self.is_empty() {
            return;
        }
        for debt in self.some_of(WHO_COMES, usize::MAX).0 {
            self.owe(node, &debt.group, &debt.key, BTreeMap::new);
        }
    }

    /// Nothing is owed to `node` any more.
    pub(super) fn cancel(&self, node: &str) {
        if self.is_empty() {
            return;
        }
        let mut all = self.owed.lock();
        all.remove(node);
        self.count(&all);
    }

    /// Nodes that are owed something.
    pub(super) fn nodes(&self) -> Vec<String> {
        self.owed.lock().keys().filter(|node| **node != WHO_COMES).cloned().collect()
    }

    /// Up to `limit` debts to `node`, and who was there when the first began.
    pub(super) fn some_of(&self, node: &str, limit: usize) -> (Vec<Debt>, BTreeMap<String, u64>) {
        let all = self.owed.lock();
        let Some(owed) = all.get(node) else { return Default::default() };
        let debts = owed.groups.iter().flat_map(|(group, missed)| {
            let debts: Vec<(Bytes, u64)> = match missed {
                Missed::All(version) => vec![(Bytes::new(), *version)],
                Missed::Keys(keys) => {
                    keys.iter().take(limit).map(|(key, version)| (key.clone(), *version)).collect()
                }
            };
            debts.into_iter().map(|(key, version)| Debt { group: group.clone(), key, version })
        });
        (debts.take(limit).collect(), owed.present.clone())
    }

    /// `node` has been told of it.
    pub(super) fn paid(&self, node: &str, debt: &Debt) {
        let mut all = self.owed.lock();
        let Some(owed) = all.get_mut(node) else { return };
        match owed.groups.get_mut(&debt.group) {
            Some(Missed::Keys(keys)) if keys.get(&debt.key) == Some(&debt.version) => {
                keys.remove(&debt.key);
            }
            Some(Missed::All(version)) if *version == debt.version => {
                owed.groups.remove(&debt.group);
            }
            _ => {}
        }
        self.tidy(&mut all);
    }

    fn tidy(&self, all: &mut BTreeMap<String, Owed>) {
        for owed in all.values_mut() {
            owed.groups
                .retain(|_, missed| !matches!(missed, Missed::Keys(keys) if keys.is_empty()));
        }
        all.retain(|_, owed| !owed.groups.is_empty());
        self.count(all);
    }

    fn count(&self, all: &BTreeMap<String, Owed>) {
        self.nodes.store(all.len(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str) -> Bytes {
        Bytes::copy_from_slice(text.as_bytes())
    }

    fn owe(debts: &Debts, node: &str, key: &str) {
        debts.owe(node, &bytes("g"), &bytes(key), BTreeMap::new);
    }

    fn keys(debts: &Debts, node: &str) -> Vec<Bytes> {
        debts.some_of(node, usize::MAX).0.into_iter().map(|debt| debt.key).collect()
    }

    #[test]
    fn a_debt_stays_until_it_is_paid_and_a_later_one_longer() {
        let debts = Debts::default();
        owe(&debts, "b:1", "Tom");
        owe(&debts, "b:1", "Jack");
        let (first, _) = debts.some_of("b:1", 1);
        assert_eq!(first[0].key, "Jack");
        owe(&debts, "b:1", "Jack");
        debts.paid("b:1", &first[0]);
        assert_eq!(keys(&debts, "b:1"), ["Jack", "Tom"], "it missed another one since");
        for debt in debts.some_of("b:1", 9).0 {
            debts.paid("b:1", &debt);
        }
        assert!(debts.is_empty() && debts.nodes().is_empty());
    }

    #[test]
    fn too_many_keys_are_the_whole_group() {
        let debts = Debts::default();
        for n in 0..MOST_KEYS {
            owe(&debts, "b:1", &n.to_string());
        }
        assert_eq!(keys(&debts, "b:1").len(), MOST_KEYS);
        owe(&debts, "b:1", "one more");
        assert_eq!(keys(&debts, "b:1"), [""]);
        debts.overtaken("b:1", b"g", b"one more");
        assert_eq!(keys(&debts, "b:1"), [""], "the others are owed still");
        debts.overtaken("b:1", b"g", b"");
        assert!(debts.is_empty());
    }

    #[test]
    fn a_node_that_comes_is_owed_what_it_could_not_be_told() {
        let debts = Debts::default();
        owe(&debts, WHO_COMES, "Tom");
        assert!(debts.nodes().is_empty());
        debts.has_come("c:1");
        assert_eq!(keys(&debts, "c:1"), ["Tom"]);
        owe(&debts, "d:1", "Jack");
        debts.has_come("d:1");
        assert_eq!(keys(&debts, "d:1"), ["Jack", "Tom"], "beside what it was owed before");
        debts.cancel(WHO_COMES);
        debts.cancel("d:1");
        debts.overtaken("c:1", b"g", b"Tom");
        assert!(debts.is_empty());
    }
}
