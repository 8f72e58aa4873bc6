//! A store as simple as the contract of `Residents` allows, which checks itself.

use std::collections::{BTreeSet, HashMap, VecDeque};

use crate::policy::{Attributes, Batch, Evicted, Keys, Residents, Waker};
use crate::sync::Mutex;

/// Entries of a given weight under a hard capacity, kept under a soft one.
pub(super) struct Model {
    state: Mutex<ModelState>,
    waker: Waker,
}

#[derive(Clone)]
struct Entry {
    key: String,
    weight: u32,
    /// Counts accesses of the store: the larger, the later.
    used: u64,
}

struct ModelState {
    slots: Vec<Option<Entry>>,
    by_key: HashMap<String, u32>,
    /// For each slot, whether the policy knows it.
    known: Vec<bool>,
    /// Slots that changed since the last drain, none twice.
    changed: VecDeque<u32>,
    touched: Vec<u32>,
    held: u64,
    soft: u64,
    hard: u64,
    /// The largest entry refused since one was taken.
    refused: u64,
    accesses: u64,
}

impl ModelState {
    fn need(&self) -> u64 {
        let over_soft = self.held.saturating_sub(self.soft);
        over_soft.max((self.held + self.refused).saturating_sub(self.hard))
    }

    fn change(&mut self, slot: u32) {
        if !self.changed.contains(&slot) {
            self.changed.push_back(slot);
        }
    }

    fn drop_entry(&mut self, slot: u32) -> u64 {
        let entry = self.slots[slot as usize].take().expect("a resident slot");
        self.by_key.remove(&entry.key);
        self.held -= u64::from(entry.weight);
        u64::from(entry.weight)
    }

    fn coldest_first(&self) -> Vec<u32> {
        let mut slots: Vec<u32> = self.by_key.values().copied().collect();
        slots.sort_by_key(|slot| self.slots[*slot as usize].as_ref().expect("resident").used);
        slots
    }

    fn check(&self) {
        let live: u64 = self.slots.iter().flatten().map(|entry| u64::from(entry.weight)).sum();
        assert_eq!(live, self.held);
        assert!(self.held <= self.hard, "{} held of {}", self.held, self.hard);
    }
}

impl Model {
    /// Room for `max_entries` and a weight of `hard`, of which the worker is to
    /// keep what exceeds `soft` free. Rings `waker`.
    pub(super) fn new(max_entries: u32, soft: u64, hard: u64, waker: Waker) -> Self {
        let state = ModelState {
            slots: vec![None; max_entries as usize],
            by_key: HashMap::new(),
            known: vec![false; max_entries as usize],
            changed: VecDeque::new(),
            touched: Vec::new(),
            held: 0,
            soft,
            hard,
            refused: 0,
            accesses: 0,
        };
        Self { state: Mutex::new(state), waker }
    }

    /// Adds or overwrites; `false` if it does not fit now.
    pub(super) fn insert(&self, key: &str, weight: u32) -> bool {
        let took = {
            let mut state = self.state.lock();
            let free = state.slots.iter().position(Option::is_none);
            let old = state.by_key.get(key).copied();
            let old_weight = old.map_or(0, |slot| {
                u64::from(state.slots[slot as usize].as_ref().expect("resident").weight)
            });
            let slot = old.or(free.map(|at| at as u32));
            let fits = state.held - old_weight + u64::from(weight) <= state.hard;
            if let (Some(slot), true) = (slot, fits) {
                if old.is_some() {
                    state.drop_entry(slot);
                }
                state.accesses += 1;
                let used = state.accesses;
                state.slots[slot as usize] = Some(Entry { key: key.to_owned(), weight, used });
                state.by_key.insert(key.to_owned(), slot);
                state.held += u64::from(weight);
                state.refused = 0;
                state.change(slot);
            } else {
                state.refused = state.refused.max(u64::from(weight));
            }
            state.check();
            fits && slot.is_some()
        };
        self.waker.wake();
        took
    }

    /// A hit; `false` if there is no such entry.
    pub(super) fn touch(&self, key: &str) -> bool {
        let mut state = self.state.lock();
        let Some(slot) = state.by_key.get(key).copied() else {
            return false;
        };
        state.accesses += 1;
        let used = state.accesses;
        state.slots[slot as usize].as_mut().expect("resident").used = used;
        state.touched.push(slot);
        true
    }

    pub(super) fn remove(&self, key: &str) {
        let mut state = self.state.lock();
        if let Some(slot) = state.by_key.get(key).copied() {
            state.drop_entry(slot);
            state.change(slot);
        }
    }

    /// Keeps less from now on.
    pub(super) fn shrink_soft(&self, soft: u64) {
        self.state.lock().soft = soft;
        self.waker.wake();
    }

    pub(super) fn keys(&self) -> BTreeSet<String> {
        self.state.lock().by_key.keys().cloned().collect()
    }

    /// The slots in which entries are.
    pub(super) fn resident(&self) -> BTreeSet<u32> {
        self.state.lock().by_key.values().copied().collect()
    }

    pub(super) fn slot(&self, key: &str) -> u32 {
        self.state.lock().by_key[key]
    }

    pub(super) fn held(&self) -> u64 {
        self.state.lock().held
    }

    /// Changes and touches that wait for a drain.
    pub(super) fn pending(&self) -> usize {
        let state = self.state.lock();
        state.changed.len() + state.touched.len()
    }
}

impl Keys for Model {
    fn key(&self, slot: u32) -> Option<String> {
        let state = self.state.lock();
        state.slots.get(slot as usize)?.as_ref().map(|entry| entry.key.clone())
    }
}

impl Residents for Model {
    fn drain(&self, batch: &mut Batch, limit: usize) -> bool {
        let state = &mut *self.state.lock();
        let touches = state.touched.len().min(limit);
        batch.touched.extend(state.touched.drain(..touches));
        let changes = state.changed.len().min(limit);
        for slot in state.changed.drain(..changes) {
            let at = slot as usize;
            if state.known[at] {
                batch.removed.push(slot);
            }
            state.known[at] = state.slots[at].is_some();
            if let Some(entry) = &state.slots[at] {
                let attributes = Attributes { weight: entry.weight, cost_us: 0, ttl_ms: 0 };
                batch.admit(slot, u64::from(slot), attributes);
            }
        }
        !state.changed.is_empty() || !state.touched.is_empty()
    }

    fn need(&self) -> u64 {
        self.state.lock().need()
    }

    fn evict(&self, victims: &[u32]) -> Evicted {
        let mut state = self.state.lock();
        let mut evicted = Evicted::default();
        for &slot in victims {
            if !state.known.get(slot as usize).is_some_and(|known| *known) {
                evicted.bogus += 1;
                continue;
            }
            state.known[slot as usize] = false;
            if state.changed.contains(&slot) {
                evicted.stale += 1;
            } else {
                evicted.weight += state.drop_entry(slot);
                evicted.entries += 1;
            }
        }
        state.check();
        evicted
    }

    fn evict_by_recency(&self, limit: usize) -> usize {
        let mut state = self.state.lock();
        let coldest = state.coldest_first();
        let mut went = 0;
        for slot in coldest {
            if went == limit || state.need() == 0 {
                break;
            }
            state.drop_entry(slot);
            state.change(slot);
            went += 1;
        }
        state.check();
        went
    }

    fn resync(&self, order: &[u32]) -> usize {
        let mut state = self.state.lock();
        state.touched.clear();
        state.changed.clear();
        state.known.fill(false);
        let rest = state.coldest_first();
        for &slot in order.iter().chain(&rest) {
            if state.slots[slot as usize].is_some() {
                state.change(slot);
            }
        }
        state.changed.len()
    }
}
