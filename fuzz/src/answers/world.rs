//! The store and the worker, and what they should hold.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::future::Future;
use std::sync::Arc;
use std::task;
use std::time::Duration;

use bytes::Bytes;
use psycache::clock::Clock;
use psycache::policy::{
    Keys, PolicyConfig, PolicySource, Residents, Turns, Waker, Worker, WorkerConfig, WorkerState,
};
use psycache::store::{ENTRY_OVERHEAD, Found, NewEntry, NoRoom, Store, StoreConfig};
use tokio::runtime::Runtime;

use super::policy::{Life, Script};

const CAPACITY: u64 = 24 * (ENTRY_OVERHEAD + 100);
const MAX_ENTRIES: u32 = 30;
const MAX_VICTIMS: u32 = 16;
/// Different keys: more than fit.
const KEYS: u8 = 48;
/// Turns after which a worker that still wants more goes round in a circle.
const TURNS: usize = 20_000;

pub(super) struct World {
    store: Arc<Store>,
    pub(super) clock: Clock,
    worker: Worker,
    turns: Turns,
    waker: Waker,
    script: Arc<Script>,
    runtime: Runtime,
    /// All that was set and not lost, what expired and was not collected included.
    held: HashMap<String, NewEntry>,
    swaps: u32,
}

impl World {
    pub(super) fn new(lives: Vec<Life>) -> Self {
        let script = Script::new("first", lives);
        let clock = Clock::manual();
        let waker = Waker::new();
        let config = StoreConfig::new(CAPACITY, Some(MAX_ENTRIES));
        let wake = waker.clone();
        let store = Store::new(config, clock.clone(), Box::new(move || wake.wake()));
        let mut policy = PolicyConfig::new(CAPACITY, store.slot_bound());
        policy.max_victims = MAX_VICTIMS;
        let config = WorkerConfig { drain_limit: 8, ..WorkerConfig::new(policy, clock.clone()) };
        let start = |script: &Arc<Script>| {
            let (script, store) = (Arc::clone(script), Arc::clone(&store));
            Worker::by_hand("fuzz", script, config.clone(), store, waker.clone())
        };
        // A node does not start with a policy that fails at once.
        let (script, (worker, turns)) = match start(&script) {
            Ok(started) => (script, started),
            Err(_) => {
                let honest = Script::new("honest", Vec::new());
                let started = start(&honest).expect("an honest policy can be tried");
                (honest, started)
            }
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let runtime = runtime.expect("a runtime can be made");
        Self { store, clock, worker, turns, waker, script, runtime, held: HashMap::new(), swaps: 0 }
    }

    pub(super) fn set(&mut self, key: u8, length: u16, ttl_ms: Option<u16>) {
        let key = name(key);
        let length = usize::from(length % 4096);
        let value = (length > 0).then(|| Bytes::from(vec![key.len() as u8; length]));
        let fits = ENTRY_OVERHEAD + (key.len() + length) as u64 <= CAPACITY;
        let before = self.store.stats();
        let room = match self.store.reserve(key.len(), length) {
            Err(NoRoom::Full) => {
                assert!(fits && self.store.need() > 0);
                assert_eq!(self.store.stats(), before, "a refusal evicts nothing");
                self.rest();
                let again = self.store.reserve(key.len(), length);
                Some(again.expect("a worker at rest has made the room that was asked for"))
            }
            Err(NoRoom::TooLarge(_)) => {
                assert!(!fits);
                assert_eq!(self.store.stats(), before, "a refusal evicts nothing");
                None
            }
            Ok(room) => Some(room),
        };
        let Some(room) = room else { return };
        let deadline_ms = ttl_ms.map(|ttl_ms| self.clock.now_ms() + u64::from(ttl_ms) + 1);
        let entry = NewEntry { value, deadline_ms, cost_us: 7 };
        self.store.commit(room, &key, self.store.hash(&key), entry.clone());
        self.lost();
        self.held.insert(key, entry);
    }

    pub(super) fn get(&mut self, key: u8) {
        let key = name(key);
        let found = self.store.get(&key, self.store.hash(&key));
        assert_eq!(found, self.live(&key));
    }

    pub(super) fn remove(&mut self, key: u8) {
        let key = name(key);
        let had_value = self.live(&key).is_some_and(|found| found.value.is_some());
        assert_eq!(self.store.remove(&key, self.store.hash(&key)), had_value);
        self.held.remove(&key);
    }

    pub(super) fn clear(&mut self) {
        assert_eq!(self.store.clear(), self.held.len() as u64);
        self.held.clear();
    }

    pub(super) fn expire(&mut self, limit: usize) {
        let now_ms = self.clock.now_ms();
        let expired = self.store.expire(limit);
        let lost = self.lost();
        assert_eq!(lost.len() as u64, expired.entries);
        assert!(lost.iter().all(|held| held.deadline_ms.is_some_and(|at_ms| at_ms <= now_ms)));
    }

    /// One turn of the worker. Answers whether it wants another.
    pub(super) fn turn(&mut self) -> bool {
        let more = self.turns.take();
        self.lost();
        more
    }

    /// Turns until the worker would wait for the waker.
    pub(super) fn rest(&mut self) {
        let rested = (0..TURNS).any(|_| !self.turn());
        assert!(rested, "the worker does not come to rest");
        assert_eq!(self.store.need(), 0, "at rest, and there is no room");
        if self.worker.status().state == WorkerState::Running {
            let known: Vec<u32> = self.script.known().into_keys().collect();
            let there: Vec<u32> = self.slots().into_keys().collect();
            assert_eq!(known, there, "the policy and the store hold different slots");
        }
    }

    /// Asks for another policy, and takes turns until there is an answer.
    pub(super) fn swap(&mut self, lives: Vec<Life>) {
        self.swaps += 1;
        let script = Script::new(format!("swap {}", self.swaps), lives);
        let _ = self.waker.wait(Some(Duration::ZERO));
        let source = Arc::clone(&script);
        let mut cx = task::Context::from_waker(task::Waker::noop());
        let entered = self.runtime.enter();
        let mut swap = Box::pin(self.worker.swap(source, Vec::new()));
        while swap.as_mut().poll(&mut cx).is_pending() {
            // Rung once the new instance has been tried and handed to the worker.
            if self.waker.wait(Some(Duration::from_micros(50))) {
                while self.turns.take() {}
            }
        }
        drop(swap);
        drop(entered);
        // A swap can fail with the old policy in its place, or after the new one's
        // came.
        if self.worker.status().policy == script.name() {
            self.script = script;
        }
        self.lost();
    }

    pub(super) fn ask_statistics(&mut self) {
        let mut cx = task::Context::from_waker(task::Waker::noop());
        let mut asked = Box::pin(self.worker.statistics());
        assert!(asked.as_mut().poll(&mut cx).is_pending());
        self.turns.take();
        assert!(asked.as_mut().poll(&mut cx).is_ready(), "asked, and not answered in a turn");
        drop(asked);
        self.lost();
    }

    pub(super) fn check(&self) {
        let slots = self.slots();
        assert_eq!(slots.len(), self.held.len());
        assert!(slots.values().all(|key| self.held.contains_key(key)));
        for key in self.held.keys() {
            assert_eq!(self.store.peek(key, self.store.hash(key)), self.live(key));
        }
        let stats = self.store.stats();
        let weight = |(key, held): (&String, &NewEntry)| {
            ENTRY_OVERHEAD + (key.len() + held.value.as_deref().map_or(0, <[u8]>::len)) as u64
        };
        assert_eq!(stats.bytes, self.held.iter().map(weight).sum::<u64>());
        assert_eq!(stats.entries as usize, self.held.len());
        assert!(stats.bytes <= CAPACITY && stats.entries <= u64::from(MAX_ENTRIES));
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
}

fn name(key: u8) -> String {
    let key = key % KEYS;
    format!("{key}{}", "k".repeat(usize::from(key)))
}
