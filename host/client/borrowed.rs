//! Copies of hot values that nodes have lent to the client (rule 10).

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;

use crate::clock::Clock;
use crate::copies::{Copies, Copy};
use crate::ownership::LENT_FOR;
use crate::proto::GetResponse;
use crate::value::{Answer, Origin};

/// One get in this many asks to borrow. A get that asks costs the node a lock, which
/// otherwise a hit does not take.
const ASKS_ONE_IN: u32 = 16;

/// The copies of all groups.
pub(super) struct Borrowed {
    clock: Clock,
    /// For the copies of one group.
    most_bytes: u64,
    /// By name.
    groups: ArcSwap<HashMap<Box<str>, Arc<Copies>>>,
}

impl Borrowed {
    /// With `most_bytes` of 0 nothing is borrowed.
    pub(super) fn new(most_bytes: u64) -> Self {
        Self { clock: Clock::monotonic(), most_bytes, groups: ArcSwap::default() }
    }

    /// The copy of the key, if there is one that has not ended.
    pub(super) fn get(&self, group: &str, key: &str, hash: u64) -> Option<Answer> {
        let groups = self.groups.load();
        let copy = groups.get(group)?.get(key, hash, || self.clock.now_ms())?;
        let rest_ms = copy.until_ms.saturating_sub(self.clock.now_ms());
        let value = copy.value?;
        Some(Answer { value, origin: Origin::Hot, ttl: Some(Duration::from_millis(rest_ms)) })
    }

    /// When a get begins that asks to borrow; `None`: this one need not.
    pub(super) fn asks(&self) -> Option<u64> {
        (self.most_bytes > 0 && rand::random_ratio(1, ASKS_ONE_IN)).then(|| self.clock.now_ms())
    }

    /// Keeps a value that a node lent in answer to a get that began at `asked_ms`.
    pub(super) fn keep(
        &self,
        (group, key, hash): (&str, &str, u64),
        found: &GetResponse,
        asked_ms: u64,
    ) {
        let ttl_ms = if found.ttl_ms > 0 { found.ttl_ms } else { u64::MAX };
        let lent_ms = u64::from(found.lent_ms).min(LENT_FOR.as_millis() as u64).min(ttl_ms);
        let (until_ms, now_ms) = (asked_ms + lent_ms, self.clock.now_ms());
        if until_ms <= now_ms {
            return;
        }
        // Copied, because a slice would keep the connection's whole buffer alive.
        let value = Bytes::copy_from_slice(&found.value).into();
        let copy = Copy { value: Some(value), until_ms, is_lent: true };
        self.of(group).insert(key, hash, copy, now_ms);
    }

    fn of(&self, group: &str) -> Arc<Copies> {
        if let Some(copies) = self.groups.load().get(group) {
            return Arc::clone(copies);
        }
        let copies = Arc::new(Copies::new(self.most_bytes));
        self.groups.rcu(|groups| {
            let mut groups = HashMap::clone(groups);
            groups.entry(group.into()).or_insert_with(|| Arc::clone(&copies));
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
