//! Short-lived copies of values: of hot keys, lent by their owner (rule 10), and of
//! values that a node loaded while it was uncertain.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hashbrown::HashMap;

use crate::ownership::LENT_DRIFT;
use crate::sync::Mutex;
use crate::value::Value;

const SHARDS: usize = 16;

/// Bytes of a copy besides its key and value.
const OVERHEAD: u64 = 64;

/// Copies on the node that borrowed or made them.
pub(super) struct Copies {
    shards: [Mutex<HashMap<Box<str>, Copy>>; SHARDS],
    bytes: AtomicU64,
    most_bytes: AtomicU64,
}

/// A value that may be returned for a short time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Copy {
    /// `None`: the source has no such key.
    pub(super) value: Option<Value>,
    /// When the copy ends, by this node's clock.
    pub(super) until_ms: u64,
    /// Whether the owner lent it. If not, this node made it while it was uncertain, and
    /// returns it only while it still is.
    pub(super) is_lent: bool,
}

impl Copies {
    /// An empty cache for copies of at most `most_bytes` together.
    pub(super) fn new(most_bytes: u64) -> Self {
        let shards = std::array::from_fn(|_| Mutex::default());
        Self { shards, bytes: AtomicU64::new(0), most_bytes: most_bytes.into() }
    }

    /// Sets the limit for what is kept from now on.
    pub(super) fn limit(&self, most_bytes: u64) {
        self.most_bytes.store(most_bytes, Ordering::Relaxed);
    }

    /// Keeps a copy if there is room for it, if need be after dropping ended copies.
    pub(super) fn insert(&self, key: &str, hash: u64, copy: Copy, now_ms: u64) {
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
    pub(super) fn get(&self, key: &str, hash: u64, now_ms: impl FnOnce() -> u64) -> Option<Copy> {
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

    pub(super) fn remove(&self, key: &str, hash: u64) {
        if self.bytes.load(Ordering::Relaxed) == 0 {
            return;
        }
        let removed = self.shard(hash).lock().remove(key);
        if let Some(copy) = removed {
            self.bytes.fetch_sub(weight_of(key, &copy), Ordering::Relaxed);
        }
    }

    pub(super) fn clear(&self) {
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

/// Most keys whose gets are counted at a time.
const COUNTED: usize = 256;

/// After this many gets of other nodes the counts are halved, so that a hot key cools.
const WINDOW: u64 = 8_192;

/// A key is hot when more than one in this many of those gets is for it.
const HOT_SHARE: u64 = 64;

/// Finds the keys that other nodes get most, and tracks lent copies.
///
/// The counts are those of Misra and Gries, "Finding repeated elements" (1982): with k
/// counters every key that makes up more than 1/k of the gets has one.
#[derive(Default)]
pub(super) struct Lender(Mutex<Lent>);

#[derive(Default)]
struct Lent {
    counts: HashMap<u64, u64>,
    gets: u64,
    /// By the key's hash: when its last lent copy ends, by the lender's clock.
    until_ms: HashMap<u64, u64>,
    /// When the last lent copy ends. The map may have dropped that copy already.
    latest_ms: u64,
}

impl Lender {
    /// Counts a get of another node. Returns whether the key is hot.
    pub(super) fn is_hot(&self, hash: u64) -> bool {
        let lent = &mut *self.0.lock();
        lent.gets += 1;
        if lent.gets >= WINDOW {
            lent.gets /= 2;
            lent.counts.retain(|_, count| {
                *count /= 2;
                *count > 0
            });
        }
        if let Some(count) = lent.counts.get_mut(&hash) {
            *count += 1;
            // A small count is no evidence.
            return *count * HOT_SHARE > lent.gets && *count >= HOT_SHARE;
        }
        if lent.counts.len() < COUNTED {
            lent.counts.insert(hash, 1);
        } else {
            lent.counts.retain(|_, count| {
                *count -= 1;
                *count > 0
            });
        }
        false
    }

    /// Notes that a copy of the key is lent for `lent_for` from now on.
    pub(super) fn lend(&self, hash: u64, now_ms: u64, lent_for: Duration) {
        let until_ms = now_ms + (lent_for + LENT_DRIFT).as_millis() as u64;
        let lent = &mut *self.0.lock();
        if lent.until_ms.len() >= COUNTED {
            lent.until_ms.retain(|_, until_ms| *until_ms > now_ms);
        }
        lent.until_ms.insert(hash, until_ms);
        lent.latest_ms = lent.latest_ms.max(until_ms);
    }

    /// Until when lent copies of the key may live; 0: there are none.
    pub(super) fn out_until_ms(&self, hash: u64) -> u64 {
        self.0.lock().until_ms.get(&hash).copied().unwrap_or(0)
    }

    /// Until when lent copies of any key may live; 0: none was lent.
    pub(super) fn any_out_until_ms(&self) -> u64 {
        self.0.lock().latest_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ownership::LENT_FOR;

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

    #[test]
    fn a_key_is_hot_when_it_makes_up_more_than_its_share() {
        let lender = Lender::default();
        for get in 0..100_000_u64 {
            // One in ten is for key 1, the others are spread over a million.
            let hash = if get % 10 == 0 { 1 } else { 2 + get * 2_654_435_761 % 1_000_000 };
            let hot = lender.is_hot(hash);
            assert!(!hot || hash == 1, "key {hash} is not hot");
        }
        assert!(lender.is_hot(1));
        assert!(lender.0.lock().counts.len() <= COUNTED);
        for get in 0..40_000_u64 {
            lender.is_hot(1_000_000 + get);
        }
        assert!(!lender.is_hot(1), "it cooled");
    }

    #[test]
    fn what_is_lent_is_out_until_it_ends() {
        let lender = Lender::default();
        assert_eq!((lender.out_until_ms(1), lender.any_out_until_ms()), (0, 0));
        lender.lend(1, 100, LENT_FOR);
        assert_eq!(lender.out_until_ms(1), 375);
        assert_eq!((lender.out_until_ms(2), lender.any_out_until_ms()), (0, 375));
    }
}
