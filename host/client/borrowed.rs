//! Copies of hot values that nodes have lent to the client (rule 10).

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;

use super::answer::Answer;
use crate::clock::Clock;
use crate::copies::Copies;
use crate::value::Origin;

/// One get in this many asks to borrow. A get that asks costs the node a lock, which
/// otherwise a hit does not take.
const ASKS_ONE_IN: u32 = 16;

/// The copies of all groups.
pub(super) struct Borrowed {
    clock: Clock,
    /// For the copies of one group.
    most_bytes: u64,
    /// By name.
    groups: ArcSwap<HashMap<Bytes, Arc<Copies>>>,
}

impl Borrowed {
    /// With `most_bytes` of 0 nothing is borrowed.
    pub(super) fn new(most_bytes: u64) -> Self {
        Self { clock: Clock::monotonic(), most_bytes, groups: ArcSwap::default() }
    }

    /// The copy of the key, if there is one that has not ended.
    pub(super) fn get(&self, group: &Bytes, key: &str, hash: u64) -> Option<Answer> {
        let groups = self.groups.load();
        let copy = groups.get(group)?.get(key, hash, || self.clock.now_ms())?;
        let rest_ms = copy.until_ms.saturating_sub(self.clock.now_ms());
        let value = copy.value?.into();
        Some(Answer { value, origin: Origin::Hot, ttl: Some(Duration::from_millis(rest_ms)) })
    }

    /// When a get begins that asks to borrow; `None`: this one need not.
    pub(super) fn asks(&self) -> Option<u64> {
        (self.most_bytes > 0 && rand::random_ratio(1, ASKS_ONE_IN)).then(|| self.clock.now_ms())
    }

    /// Keeps a value that a node lent for `lent_ms` in answer to a get that began at `asked_ms`.
    pub(super) fn keep(
        &self,
        (group, key, hash): (&Bytes, &str, u64),
        answer: &Answer,
        (asked_ms, lent_ms): (u64, u32),
    ) {
        let lent_ms = u64::from(lent_ms);
        if lent_ms > 0 {
            let now_ms = self.clock.now_ms();
            self.of(group).borrow((key, hash), answer, (asked_ms, lent_ms), now_ms);
        }
    }

    fn of(&self, group: &Bytes) -> Arc<Copies> {
        if let Some(copies) = self.groups.load().get(group) {
            return Arc::clone(copies);
        }
        let copies = Arc::new(Copies::new(self.most_bytes));
        self.groups.rcu(|groups| {
            let mut groups = HashMap::clone(groups);
            groups.entry(group.clone()).or_insert_with(|| Arc::clone(&copies));
            groups
        });
        copies
    }
}

impl fmt::Debug for Borrowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Borrowed").field("most_bytes", &self.most_bytes).finish_non_exhaustive()
    }
}
