//! Policies that do what a test wants.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::policy::{Batch, Failure, Keys, Policy, PolicyConfig, PolicySource, Snapshot};
use crate::sync::Mutex;

type Step = dyn FnMut(&Batch, u64, &mut Vec<u32>) -> Result<(), Failure> + Send;

/// A policy that is one closure.
pub(super) struct Script(Box<Step>);

impl Script {
    pub(super) fn boxed(
        step: impl FnMut(&Batch, u64, &mut Vec<u32>) -> Result<(), Failure> + Send + 'static,
    ) -> Box<dyn Policy> {
        Box::new(Self(Box::new(step)))
    }
}

impl Policy for Script {
    fn step(
        &mut self,
        batch: &Batch,
        need: u64,
        _now_ms: u64,
        victims: &mut Vec<u32>,
    ) -> Result<(), Failure> {
        (self.0)(batch, need, victims)
    }
}

type Make = dyn Fn(&PolicyConfig) -> Result<Box<dyn Policy>, Failure> + Send + Sync;

/// A source that is one closure.
pub(super) struct Source {
    name: &'static str,
    make: Box<Make>,
}

impl Source {
    pub(super) fn new(
        name: &'static str,
        make: impl Fn(&PolicyConfig) -> Result<Box<dyn Policy>, Failure> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self { name, make: Box::new(make) })
    }
}

impl PolicySource for Source {
    fn name(&self) -> &str {
        self.name
    }

    fn sha256(&self) -> &str {
        "5ba1"
    }

    fn instantiate(
        &self,
        config: &PolicyConfig,
        _keys: Arc<dyn Keys>,
    ) -> Result<Box<dyn Policy>, Failure> {
        (self.make)(config)
    }
}

/// What the newest queue of a source knows, for assertions.
pub(super) type Seen = Arc<Mutex<Vec<u32>>>;

/// Exact LRU, or FIFO if touches are ignored.
#[derive(Clone)]
pub(super) struct Queue {
    /// Coldest first, with weights.
    order: Vec<(u32, u32)>,
    max_victims: usize,
    by_recency: bool,
    snapshots: bool,
    seen: Seen,
}

impl Queue {
    fn forget(&mut self, slot: u32) -> bool {
        let before = self.order.len();
        self.order.retain(|(known, _)| *known != slot);
        self.order.len() < before
    }

    fn show(&self) {
        *self.seen.lock() = self.order.iter().map(|(slot, _)| *slot).collect();
    }
}

impl Policy for Queue {
    fn step(
        &mut self,
        batch: &Batch,
        need: u64,
        _now_ms: u64,
        victims: &mut Vec<u32>,
    ) -> Result<(), Failure> {
        for slot in &batch.touched {
            if let Some(at) = self.order.iter().position(|(known, _)| known == slot)
                && self.by_recency
            {
                let entry = self.order.remove(at);
                self.order.push(entry);
            }
        }
        for slot in &batch.removed {
            self.forget(*slot);
        }
        let mut twice = BTreeSet::new();
        for (at, slot) in batch.admitted.iter().enumerate() {
            assert!(twice.insert(slot), "slot {slot} admitted twice in a batch");
            assert!(!self.forget(*slot), "slot {slot} admitted, but never removed");
            self.order.push((*slot, batch.attributes[at * Batch::STRIDE]));
        }
        let mut freed = 0;
        while freed < need && victims.len() < self.max_victims && !self.order.is_empty() {
            let (slot, weight) = self.order.remove(0);
            victims.push(slot);
            freed += u64::from(weight);
        }
        self.show();
        Ok(())
    }

    fn statistics(&mut self) -> Result<Vec<(String, f64)>, Failure> {
        Ok(vec![("known".to_owned(), self.order.len() as f64)])
    }

    fn save(&mut self) -> Result<Option<Snapshot>, Failure> {
        let flat = self.order.iter().flat_map(|(slot, weight)| [*slot, *weight]);
        let bytes = flat.flat_map(u32::to_le_bytes).collect();
        Ok(self.snapshots.then(|| Snapshot { format: "queue".to_owned(), bytes }))
    }

    fn restore(&mut self, state: &Snapshot) -> Result<bool, Failure> {
        if !self.snapshots || state.format != "queue" {
            return Ok(false);
        }
        let (numbers, _) = state.bytes.as_chunks::<4>();
        let (pairs, _) = numbers.as_chunks::<2>();
        self.order =
            pairs.iter().map(|p| (u32::from_le_bytes(p[0]), u32::from_le_bytes(p[1]))).collect();
        self.show();
        Ok(true)
    }
}

fn queues(name: &'static str, by_recency: bool, snapshots: bool) -> (Arc<Source>, Seen) {
    let seen = Seen::default();
    let shown = seen.clone();
    let source = Source::new(name, move |config| {
        if let Some((option, _)) = config.options.first() {
            return Err(Failure::Refused(format!("no option {option}")));
        }
        let max_victims = config.max_victims as usize;
        let seen = shown.clone();
        Ok(Box::new(Queue { order: Vec::new(), max_victims, by_recency, snapshots, seen }))
    });
    (source, seen)
}

pub(super) fn lru() -> (Arc<Source>, Seen) {
    queues("lru", true, false)
}

pub(super) fn fifo() -> (Arc<Source>, Seen) {
    queues("fifo", false, false)
}

/// An LRU that hands its state over.
pub(super) fn lru_with_snapshots() -> (Arc<Source>, Seen) {
    queues("lru2", true, true)
}

/// An LRU whose instances trap at their `nth` step with anything to do.
pub(super) fn trapping_lru(nth: usize) -> (Arc<Source>, Seen) {
    let (healthy, seen) = lru();
    let source = Source::new("trapping", move |config| {
        let mut policy = (healthy.make)(config)?;
        let mut steps = 0;
        Ok(Script::boxed(move |batch, need, victims| {
            steps += usize::from(!batch.is_empty() || need > 0);
            if steps == nth {
                return Err(Failure::Trap("unreachable".to_owned()));
            }
            policy.step(batch, need, 0, victims)
        }))
    });
    (source, seen)
}

/// Takes any state over, and traps at its first step.
pub(super) fn restoring_then_trapping() -> Arc<Source> {
    struct Fragile;
    impl Policy for Fragile {
        fn step(&mut self, _: &Batch, _: u64, _: u64, _: &mut Vec<u32>) -> Result<(), Failure> {
            Err(Failure::Trap("unreachable".to_owned()))
        }

        fn restore(&mut self, _: &Snapshot) -> Result<bool, Failure> {
            Ok(true)
        }
    }
    Source::new("fragile", |_| Ok(Box::new(Fragile)))
}
