//! Random operations against a plain map, every invariant after each.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::clock::Clock;
use crate::policy::{Batch, Keys, Residents};
use crate::store::{ENTRY_OVERHEAD, Found, NewEntry, NoRoom, Reservation, Store, StoreConfig};

const CAPACITY: u64 = 16 * (ENTRY_OVERHEAD + 100);
/// Room for a few records of a shard that wait to be freed.
const LEFTOVER_BYTES: u64 = 400;
const MAX_ENTRIES: u32 = 20;

#[derive(Clone, Debug)]
enum Step {
    Set {
        key: u8,
        len: Option<usize>,
        ttl_bits: Option<u32>,
    },
    Get(u8),
    GetMany(Vec<u8>),
    Remove(u8),
    Clear,
    Expire(usize),
    Advance(u32),
    Drain(usize),
    /// Indices into what the policy holds, or slots out of the air.
    Evict(Vec<(bool, u32)>),
    EvictByRecency(usize),
    ReadmitAll(Vec<u32>),
    Reserve(usize),
    GiveBack,
    /// Sixteenths of the capacity, and entries.
    Resize(u64, u32),
}

fn step() -> impl Strategy<Value = Step> {
    let len =
        prop_oneof![3 => (0..300_usize).prop_map(Some), 1 => Just(None), 1 => Just(Some(5000))];
    let ttl_bits = prop_oneof![2 => Just(None), 1 => (0..42_u32).prop_map(Some)];
    prop_oneof![
        12 => (0..40_u8, len, ttl_bits).prop_map(|(key, len, ttl_bits)| Step::Set { key, len, ttl_bits }),
        8 => (0..40_u8).prop_map(Step::Get),
        3 => vec(0..40_u8, 0..9).prop_map(Step::GetMany),
        3 => (0..40_u8).prop_map(Step::Remove),
        1 => Just(Step::Clear),
        3 => (0..6_usize).prop_map(Step::Expire),
        2 => (0..40_u32).prop_map(Step::Advance),
        4 => (0..8_usize).prop_map(Step::Drain),
        4 => vec((prop::bool::weighted(0.8), 0..200_u32), 0..6).prop_map(Step::Evict),
        2 => (0..6_usize).prop_map(Step::EvictByRecency),
        1 => vec(0..30_u32, 0..30).prop_map(Step::ReadmitAll),
        1 => (0..300_usize).prop_map(Step::Reserve),
        2 => Just(Step::GiveBack),
        1 => (4..40_u64, 3..60_u32).prop_map(|(sixteenths, entries)| Step::Resize(sixteenths, entries)),
    ]
}

fn name(key: u8) -> String {
    format!("{key}{}", "k".repeat(usize::from(key)))
}

fn weight(key: &str, held: &NewEntry) -> u64 {
    ENTRY_OVERHEAD + (key.len() + held.value.as_deref().map_or(0, <[u8]>::len)) as u64
}

/// The store, and what it should be.
struct World {
    store: Arc<Store>,
    clock: Clock,
    /// Everything held, what expired and was not collected yet included.
    held: HashMap<String, NewEntry>,
    /// What a policy holds that follows the contract: slots with the hash that
    /// each was admitted with.
    policy: BTreeMap<u32, u64>,
    reservations: Vec<(Reservation, u64)>,
    limits: StoreConfig,
    /// What the store may hold: the limits, or what it held when they were lowered.
    most: (u64, u64),
}

impl World {
    fn new(shard_bits: u32) -> Self {
        let clock = Clock::manual();
        let config = StoreConfig { capacity_bytes: CAPACITY, max_entries: Some(MAX_ENTRIES) };
        // Several shards have few enough slots to run out of them.
        let shard_limit = [MAX_ENTRIES, 12, 6][shard_bits as usize];
        let wake = Box::new(|| {});
        let store = Store::with_shards(
            &config,
            clock.clone(),
            wake,
            shard_bits,
            shard_limit,
            LEFTOVER_BYTES,
        );
        let (held, policy, reservations) = Default::default();
        let most = (CAPACITY, MAX_ENTRIES.into());
        Self { store, clock, held, policy, reservations, limits: config, most }
    }

    fn apply(&mut self, step: Step) {
        match step {
            Step::Set { key, len, ttl_bits } => self.set(&name(key), len, ttl_bits),
            Step::Get(key) => {
                let key = name(key);
                let found = self.store.get(&key, self.store.hash(&key));
                assert_eq!(found, self.live(&key));
            }
            Step::GetMany(keys) => {
                let keys: Vec<String> = keys.into_iter().map(name).collect();
                let hashed = |key: &'_ String| self.store.hash(key);
                let with_hashes: Vec<_> = keys.iter().map(|key| (&**key, hashed(key))).collect();
                let live: Vec<_> = keys.iter().map(|key| self.live(key)).collect();
                assert_eq!(self.store.get_many(&with_hashes), live);
            }
            Step::Remove(key) => {
                let key = name(key);
                let had_value = self.live(&key).is_some_and(|found| found.value.is_some());
                assert_eq!(self.store.remove(&key, self.store.hash(&key)), had_value);
                self.held.remove(&key);
            }
            Step::Clear => {
                assert_eq!(self.store.clear(), self.held.len() as u64);
                self.held.clear();
            }
            Step::Expire(limit) => self.expire(limit),
            Step::Advance(bits) => self.clock.advance(1 << bits),
            Step::Drain(limit) => drop(self.drain(limit)),
            Step::Evict(picks) => self.evict(&picks),
            Step::EvictByRecency(limit) => {
                let needed = self.store.need() > 0;
                let count = self.store.evict_by_recency(limit);
                assert!(count <= limit);
                assert!(count > 0 || !needed || limit == 0 || self.held.is_empty());
                assert_eq!(self.lost().len(), count);
            }
            Step::ReadmitAll(order) => self.resync(&order),
            Step::Reserve(len) => {
                if let Ok(room) = self.store.reserve(1, len) {
                    self.reservations.push((room, ENTRY_OVERHEAD + 1 + len as u64));
                }
            }
            Step::GiveBack => drop(self.reservations.pop()),
            Step::Resize(sixteenths, entries) => self.resize(CAPACITY * sixteenths / 16, entries),
        }
    }

    fn resize(&mut self, capacity_bytes: u64, max_entries: u32) {
        self.limits = StoreConfig { capacity_bytes, max_entries: Some(max_entries) };
        let slot_bound = self.store.resize(&self.limits);
        self.store.open_slots(&self.limits);
        assert_eq!(self.store.slot_bound(), slot_bound);
    }

    fn live(&self, key: &str) -> Option<Found> {
        let now_ms = self.clock.now_ms();
        let held = self.held.get(key)?;
        let is_live = held.deadline_ms.is_none_or(|at_ms| at_ms > now_ms);
        is_live.then(|| Found {
            value: held.value.clone().map(Into::into),
            left_ms: held.deadline_ms.map(|at_ms| at_ms - now_ms),
            is_refreshed_ahead: false,
        })
    }

    fn set(&mut self, key: &str, len: Option<usize>, ttl_bits: Option<u32>) {
        let value = len.map(|len| Bytes::from(vec![key.len() as u8; len]));
        let deadline_ms =
            ttl_bits.map(|bits| (self.clock.now_ms() + (1 << bits) - 1).min((1 << 39) - 1));
        let entry = NewEntry { value, deadline_ms, cost_us: 7 };
        let fits = weight(key, &entry) <= self.limits.capacity_bytes;
        let before = self.store.stats();
        match self.store.reserve(key.len(), len.unwrap_or(0)) {
            Ok(room) => {
                self.store.commit(room, key, self.store.hash(key), entry.clone());
                self.held.insert(key.to_owned(), entry);
                // A shard that ran out of slots chose one of its own.
                let evicted = self.store.stats().evictions.fallback - before.evictions.fallback;
                assert_eq!(self.lost().len() as u64, evicted);
                assert!(self.held.contains_key(key));
            }
            Err(NoRoom::TooLarge(_)) => assert!(!fits),
            Err(NoRoom::Full) => {
                assert!(fits && self.store.need() > 0);
                assert_eq!(self.store.stats(), before, "a refusal evicts nothing");
            }
        }
    }

    fn expire(&mut self, limit: usize) {
        let now_ms = self.clock.now_ms();
        let expired = self.store.expire(limit);
        let lost = self.lost();
        assert_eq!(lost.len() as u64, expired.entries);
        assert!(lost.iter().all(|held| held.deadline_ms.is_some_and(|at_ms| at_ms <= now_ms)));
        let earliest = self.held.values().filter_map(|held| held.deadline_ms).min();
        assert_eq!(expired.next_ms.is_some(), earliest.is_some());
        assert!(expired.next_ms <= earliest);
    }

    /// One drain, told to the policy. Answers whether more is waiting.
    fn drain(&mut self, limit: usize) -> bool {
        let mut batch = Batch::default();
        let more = self.store.drain(&mut batch, limit);
        assert!(batch.touched.len() <= limit && batch.admitted.len() <= limit);
        assert!(batch.touched.iter().all(|slot| self.policy.contains_key(slot)));
        for slot in &batch.removed {
            assert!(self.policy.remove(slot).is_some(), "{slot} was not known");
        }
        let mut seen = BTreeSet::new();
        for (slot, hash) in batch.admitted.iter().zip(&batch.hashes) {
            assert!(*slot < self.store.slot_bound() && seen.insert(*slot));
            let known_as = self.policy.insert(*slot, *hash);
            assert!(known_as.is_none_or(|known_as| known_as == *hash), "reused, not removed");
        }
        more
    }

    fn evict(&mut self, picks: &[(bool, u32)]) {
        let known: Vec<u32> = self.policy.keys().copied().collect();
        let victims: Vec<u32> = picks
            .iter()
            .map(|(of_known, pick)| match known.get(*pick as usize % known.len().max(1)) {
                Some(slot) if *of_known => *slot,
                _ => *pick,
            })
            .collect();
        let evicted = self.store.evict(&victims);
        let bogus = victims.iter().filter(|slot| self.policy.remove(slot).is_none()).count();
        let lost = self.lost();
        assert_eq!((evicted.bogus as usize, evicted.entries as usize), (bogus, lost.len()));
        assert_eq!(evicted.stale as usize, victims.len() - bogus - lost.len());
    }

    /// A new policy is told of everything in the order given.
    fn resync(&mut self, order: &[u32]) {
        self.policy.clear();
        self.store.resync(order);
        let mut batch = Batch::default();
        while self.store.drain(&mut batch, 3) {}
        assert!(batch.removed.is_empty() && batch.touched.is_empty());
        assert_eq!(batch.admitted.len(), self.held.len());
        let mut expected = Vec::new();
        for slot in order {
            if self.store.key(*slot).is_some() && !expected.contains(slot) {
                expected.push(*slot);
            }
        }
        assert_eq!(batch.admitted[..expected.len()], expected);
        self.policy.extend(batch.admitted.iter().copied().zip(batch.hashes));
    }

    /// Forgets what the store chose to drop, and tells what that was.
    fn lost(&mut self) -> Vec<NewEntry> {
        let there: BTreeSet<String> = self.slots().into_values().collect();
        self.held.extract_if(|key, _| !there.contains(key)).map(|(_, held)| held).collect()
    }

    /// What is in each slot, expired or not.
    fn slots(&self) -> BTreeMap<u32, String> {
        let slots = 0..self.store.slot_bound();
        slots.filter_map(|slot| Some((slot, self.store.key(slot)?))).collect()
    }

    fn check(&mut self) {
        let slots = self.slots();
        assert_eq!(slots.len(), self.held.len());
        assert!(slots.values().all(|key| self.held.contains_key(key)));
        for key in (0..40).map(name) {
            assert_eq!(self.store.peek(&key, self.store.hash(&key)), self.live(&key));
        }
        for shard in &self.store.shards {
            assert!(shard.0.read().deferred_frees.weight() <= LEFTOVER_BYTES);
        }
        let stats = self.store.stats();
        let entries = self.held.iter().map(|(key, found)| weight(key, found)).sum::<u64>();
        let reserved = self.reservations.iter().map(|(_, weight)| weight).sum::<u64>();
        assert_eq!(stats.bytes, entries + reserved);
        assert_eq!(stats.entries as usize, self.held.len() + self.reservations.len());
        let limits = (self.limits.capacity_bytes, u64::from(self.limits.entry_limit()));
        let most = (limits.0.max(self.most.0), limits.1.max(self.most.1));
        assert!(stats.bytes <= most.0 && stats.entries <= most.1);
        assert_eq!(
            self.store.is_within_limits(),
            stats.bytes <= limits.0 && stats.entries <= limits.1
        );
        self.most = (stats.bytes, stats.entries);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_store_is_a_map_that_forgets_only_what_it_may(
        shard_bits in 0..3_u32,
        steps in vec(step(), 1..120),
    ) {
        let mut world = World::new(shard_bits);
        for step in steps {
            world.apply(step);
            world.check();
        }
        while world.drain(5) {}
        let there: Vec<u32> = world.slots().into_keys().collect();
        prop_assert_eq!(world.policy.into_keys().collect::<Vec<_>>(), there);
    }
}
