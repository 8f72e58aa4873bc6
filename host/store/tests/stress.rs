//! Many threads at once; the invariants while they run and at the end.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

use bytes::Bytes;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use crate::clock::Clock;
use crate::policy::{Batch, Keys, Residents};
use crate::store::{ENTRY_OVERHEAD, NewEntry, Reservation, Store, StoreConfig};

const CAPACITY: u64 = 300 * (ENTRY_OVERHEAD + 100);
const MAX_ENTRIES: u32 = 500;
const WRITERS: u64 = 3;

/// A value that tells its key, so that a mix-up is seen.
fn value(key: &str, len: usize) -> Bytes {
    key.bytes().cycle().take(len).collect()
}

fn wait_for_room(store: &Arc<Store>, key_len: usize, value_len: usize) -> Reservation {
    for _ in 0..10_000_000 {
        match store.reserve(key_len, value_len) {
            Ok(room) => return room,
            Err(_) => std::thread::yield_now(),
        }
    }
    panic!("the worker never made room: {:?}", store.stats());
}

fn write(store: &Arc<Store>, clock: &Clock, seed: u64) {
    let mut random = SmallRng::seed_from_u64(seed);
    for _ in 0..60_000 {
        let key = random.random_range(0..2000_u32).to_string();
        let hash = store.hash(&key);
        match random.random_range(0..100) {
            0 => clock.advance(1),
            1 => drop(store.expire(20)),
            2..8 => drop(store.remove(&key, hash)),
            8..60 => {
                if let Some(value_found) = store.get(&key, hash).and_then(|found| found.value) {
                    assert_eq!(value_found, value(&key, value_found.len()));
                }
            }
            _ => {
                let len = random.random_range(0..400);
                let room = wait_for_room(store, key.len(), len);
                let deadline_ms = random.random_bool(0.3).then(|| clock.now_ms() + 2);
                let value = Some(value(&key, len));
                store.commit(room, &key, hash, NewEntry { value, deadline_ms, cost_us: 0 });
            }
        }
        let stats = store.stats();
        assert!(stats.bytes <= CAPACITY && stats.entries <= u64::from(MAX_ENTRIES));
    }
}

/// First in, first out, with a fault now and then.
#[derive(Default)]
struct Fifo {
    queue: VecDeque<u32>,
    known: Vec<bool>,
}

impl Fifo {
    /// One turn of the worker. Answers whether it had anything to do.
    fn turn(&mut self, store: &Store) -> bool {
        let mut batch = Batch::default();
        let more = store.drain(&mut batch, 64);
        for slot in &batch.removed {
            assert!(std::mem::take(&mut self.known[*slot as usize]));
            self.queue.retain(|queued| queued != slot);
        }
        for slot in &batch.admitted {
            if !std::mem::replace(&mut self.known[*slot as usize], true) {
                self.queue.push_back(*slot);
            }
        }
        let need = store.need();
        if need > 0 {
            let count = self.queue.len().min(16);
            let victims: Vec<u32> = self.queue.drain(..count).collect();
            for slot in &victims {
                self.known[*slot as usize] = false;
            }
            assert_eq!(store.evict(&victims).bogus, 0);
            store.evict_by_recency(4);
        }
        more || need > 0
    }
}

#[test]
fn what_is_held_is_within_bounds_and_what_the_policy_knows_whatever_races() {
    let clock = Clock::manual();
    let config = StoreConfig { capacity_bytes: CAPACITY, max_entries: Some(MAX_ENTRIES) };
    let calls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&calls);
    let wake = Box::new(move || {
        count.fetch_add(1, Relaxed);
    });
    let store = Store::with_shards(&config, clock.clone(), wake, 2, MAX_ENTRIES / 3, 1000);
    let mut fifo = Fifo { known: vec![false; store.slot_bound() as usize], ..Fifo::default() };
    let done = AtomicBool::new(false);

    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|seed| {
                scope.spawn({
                    let (store, clock) = (&store, &clock);
                    move || write(store, clock, seed)
                })
            })
            .collect();
        let worker = scope.spawn(|| {
            while !done.load(Relaxed) {
                if calls.swap(0, Relaxed) > 0 {
                    while fifo.turn(&store) {}
                }
                std::thread::yield_now();
            }
            while fifo.turn(&store) {}
        });
        for writer in writers {
            writer.join().unwrap();
        }
        done.store(true, Relaxed);
        worker.join().unwrap();
    });

    let stats = store.stats();
    assert!(stats.evictions.policy > 1000 && stats.evictions.expired > 100, "{stats:?}");
    let mut held = (0, 0);
    for slot in 0..store.slot_bound() {
        let key = store.key(slot);
        assert_eq!(fifo.known[slot as usize], key.is_some());
        if let Some(key) = key {
            held.0 += 1;
            held.1 += ENTRY_OVERHEAD + key.len() as u64;
        }
    }
    assert_eq!(stats.entries, held.0);
    assert!(stats.bytes >= held.1);
    assert_eq!(store.clear(), held.0);
    assert_eq!((store.stats().bytes, store.stats().entries), (0, 0));
}
