//! Which keys were changed a moment ago, remembered without the keys.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::cluster::REMEMBERED;

/// How long "lately" is. A node that has left the ring is not told of changes but
/// looked up at as long as it is remembered, so it must be longer than that, by
/// more than a change on all nodes takes.
const LATELY_MS: u64 = REMEMBERED.saturating_add(Duration::from_secs(10)).as_millis() as u64;

const PLACES: usize = 1_024;

/// Times by hash. Keys that share a place are taken for each other, which costs a
/// load from the source and no more.
pub(super) struct RemovedLately(Box<[AtomicU64; PLACES]>);

impl RemovedLately {
    pub(super) fn new() -> Self {
        Self(Box::new(std::array::from_fn(|_| AtomicU64::new(0))))
    }

    /// A key with this hash changes at `now_ms`.
    pub(super) fn insert(&self, hash: u64, now_ms: u64) {
        self.place(hash).store(now_ms + LATELY_MS, Ordering::Release);
    }

    /// All keys change.
    pub(super) fn insert_all(&self, now_ms: u64) {
        for place in self.0.iter() {
            place.store(now_ms + LATELY_MS, Ordering::Release);
        }
    }

    /// Whether one may have changed lately.
    pub(super) fn contains(&self, hash: u64, now_ms: u64) -> bool {
        self.place(hash).load(Ordering::Acquire) > now_ms
    }

    fn place(&self, hash: u64) -> &AtomicU64 {
        &self.0[hash as usize % PLACES]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_remembers_and_forgets() {
        let lately = RemovedLately::new();
        assert!(!lately.contains(5, 1));
        lately.insert(5, 1);
        assert!(lately.contains(5, LATELY_MS) && !lately.contains(6, 1));
        assert!(!lately.contains(5, LATELY_MS + 1));
        lately.insert_all(1);
        assert!(lately.contains(6, 2));
    }
}
