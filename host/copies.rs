//! Short-lived copies of values that somebody else holds: of hot keys, lent by their owner
//! to a node or a client (rule 10), and of values that a node loaded while it was uncertain.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use hashbrown::HashMap;

use crate::sync::Mutex;
use crate::value::{Answer, Value};

/// C of the protocol: how long a copy is lent. A change of a hot key waits for this long at
/// most.
pub(crate) const LENT_FOR: Duration = Duration::from_millis(250);

const SHARDS: usize = 16;

/// Bytes of a copy besides its key and value.
const OVERHEAD: u64 = 64;

/// Copies on the node that borrowed or made them, or in the client that borrowed them.
pub(crate) struct Copies {
    shards: [Mutex<HashMap<Box<str>, Copy>>; SHARDS],
    bytes: AtomicU64,
    most_bytes: AtomicU64,
}

/// A value that may be returned for a short time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Copy {
    /// `None`: the source has no such key.
    pub(crate) value: Option<Value>,
    /// When the copy ends, by the borrower's clock.
    pub(crate) until_ms: u64,
    /// Whether the owner lent it. If not, this node made it while it was uncertain, and
    /// returns it only while it still is.
    pub(crate) is_lent: bool,
}

impl Copies {
    /// An empty cache for copies of at most `most_bytes` together.
    pub(crate) fn new(most_bytes: u64) -> Self {
        let shards = std::array::from_fn(|_| Mutex::default());
        Self { shards, bytes: AtomicU64::new(0), most_bytes: most_bytes.into() }
    }

    /// Sets the limit for what is kept from now on.
    pub(crate) fn limit(&self, most_bytes: u64) {
        self.most_bytes.store(most_bytes, Ordering::Relaxed);
    }

    /// Keeps a copy if there is room for it, if need be after dropping ended copies.
    pub(crate) fn insert(&self, key: &str, hash: u64, copy: Copy, now_ms: u64) {
        let weight = weight_of(key, &copy);
        let is_full = || {
            self.bytes.load(Ordering::Relaxed) + weight > self.most_bytes.load(Ordering::Relaxed)
        };
        if is_full() {
            self.tidy(now_ms);
            if is_full() {
                return;
            }
        }
        let mut shard = self.shard(hash).lock();
        self.bytes.fetch_add(weight, Ordering::Relaxed);
        if let Some(replaced) = shard.insert(key.into(), copy) {
            self.bytes.fetch_sub(weight_of(key, &replaced), Ordering::Relaxed);
        }
    }

    /// Keeps a value that its owner lent for `lent_ms`, counted from `asked_ms`, before the
    /// request was sent. It is not kept beyond its time to live, nor beyond [`LENT_FOR`].
    pub(crate) fn borrow<V: AsRef<[u8]>>(
        &self,
        (key, hash): (&str, u64),
        answer: &Answer<V>,
        (asked_ms, lent_ms): (u64, u64),
        now_ms: u64,
    ) {
        let ttl_ms = answer.ttl.map_or(u64::MAX, |ttl| ttl.as_millis() as u64);
        let until_ms = asked_ms + lent_ms.min(ttl_ms).min(LENT_FOR.as_millis() as u64);
        if until_ms > now_ms {
            // Copied, because a slice would keep the connection's whole buffer alive.
            let value = Bytes::copy_from_slice(answer.value.as_ref()).into();
            let copy = Copy { value: Some(value), until_ms, is_lent: true };
            self.insert(key, hash, copy, now_ms);
        }
    }

    /// Drops the copies that have ended.
    fn tidy(&self, now_ms: u64) {
        for shard in &self.shards {
            shard.lock().retain(|key, copy| {
                let stays = copy.until_ms > now_ms;
                if !stays {
                    self.bytes.fetch_sub(weight_of(key, copy), Ordering::Relaxed);
                }
                stays
            });
        }
    }

    /// The copy of `key`, if there is one that has not ended.
    pub(crate) fn get(&self, key: &str, hash: u64, now_ms: impl FnOnce() -> u64) -> Option<Copy> {
        if self.bytes.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let mut shard = self.shard(hash).lock();
        let copy = shard.get(key)?;
        if copy.until_ms > now_ms() {
            return Some(copy.clone());
        }
        let weight = weight_of(key, copy);
        shard.remove(key);
        self.bytes.fetch_sub(weight, Ordering::Relaxed);
        None
    }

    pub(crate) fn remove(&self, key: &str, hash: u64) {
        if self.bytes.load(Ordering::Relaxed) == 0 {
            return;
        }
        let removed = self.shard(hash).lock().remove(key);
        if let Some(copy) = removed {
            self.bytes.fetch_sub(weight_of(key, &copy), Ordering::Relaxed);
        }
    }

    pub(crate) fn clear(&self) {
        for shard in &self.shards {
            let gone = std::mem::take(&mut *shard.lock());
            let weights = gone.iter().map(|(key, copy)| weight_of(key, copy));
            self.bytes.fetch_sub(weights.sum(), Ordering::Relaxed);
        }
    }

    fn shard(&self, hash: u64) -> &Mutex<HashMap<Box<str>, Copy>> {
        &self.shards[(hash >> 48) as usize % SHARDS]
    }
}

fn weight_of(key: &str, copy: &Copy) -> u64 {
    (key.len() + copy.value.as_ref().map_or(0, |value| value.len())) as u64 + OVERHEAD
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copy(len: usize, until_ms: u64) -> Copy {
        let value = bytes::Bytes::from(vec![0; len]).into();
        Copy { value: Some(value), until_ms, is_lent: true }
    }

    #[test]
    fn a_copy_ends_and_its_room_is_free() {
        let copies = Copies::new(200);
        copies.insert("Tom", 1, copy(3, 10), 1);
        assert_eq!(copies.get("Tom", 1, || 9), Some(copy(3, 10)));
        copies.insert("Jack", 1, copy(150, 20), 1);
        assert!(copies.get("Jack", 1, || 9).is_none(), "there is no room");
        assert!(copies.get("Tom", 1, || 10).is_none());
        copies.insert("Jack", 1, copy(120, 20), 10);
        assert!(copies.get("Jack", 1, || 11).is_some());
        copies.insert("Jack", 1, copy(12, 30), 11);
        copies.remove("Jack", 1);
        copies.insert("Sam", 1, copy(0, 30), 11);
        copies.clear();
        assert_eq!(copies.bytes.load(Ordering::Relaxed), 0);
    }
}
