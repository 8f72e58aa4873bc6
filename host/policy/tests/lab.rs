//! A worker whose turns a test takes by hand, on a clock that it moves.

use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::sync::oneshot::error::TryRecvError;

use super::model::Model;
use crate::clock::Clock;
use crate::policy::commands::Inbox;
use crate::policy::instance::Instance;
use crate::policy::live::Live;
use crate::policy::phase::{Resize, Swap, Swapped};
use crate::policy::room::Room;
use crate::policy::status::{Board, WorkerStatus};
use crate::policy::worker_thread::{Next, Shared, WorkerThread};
use crate::policy::{Failure, Keys, PolicyConfig, PolicySource, Waker, WorkerConfig, WorkerState};

pub(super) const MAX_VICTIMS: u32 = 4;
pub(super) const MAX_ENTRIES: u32 = 64;

pub(super) type Answer = oneshot::Receiver<Result<Swapped, Failure>>;

pub(super) fn config(clock: &Clock) -> WorkerConfig {
    let policy = PolicyConfig {
        capacity: 100,
        max_entries: MAX_ENTRIES,
        max_victims: MAX_VICTIMS,
        seed: 1,
        options: Vec::new(),
    };
    WorkerConfig::new(policy, clock.clone())
}

/// For policies that ask for no key.
pub(super) struct NoKeys;

impl Keys for NoKeys {
    fn key(&self, _slot: u32) -> Option<String> {
        None
    }
}

pub(super) struct Lab {
    pub(super) model: Arc<Model>,
    pub(super) clock: Clock,
    pub(super) thread: WorkerThread,
    shared: Arc<Shared>,
}

impl Lab {
    /// A store that takes 12 entries of weight 1, kept at 10.
    pub(super) fn new(source: Arc<dyn PolicySource>) -> Self {
        Self::with_store(source, Model::new(MAX_ENTRIES, 10, 12, Waker::new()))
    }

    pub(super) fn with_store(source: Arc<dyn PolicySource>, model: Model) -> Self {
        let clock = Clock::manual();
        let model = Arc::new(model);
        let shared = Arc::new(Shared {
            residents: model.clone(),
            inbox: Inbox::default(),
            room: Room::default(),
            board: Board::new(source.as_ref()),
            live: Live::of(&source, &config(&clock).policy),
        });
        let config = config(&clock);
        let instance = Instance::new(source.as_ref(), &config.policy, model.clone())
            .expect("the first instance of a lab works");
        let thread = WorkerThread::new("lab", shared.clone(), config, source, instance);
        Self { model, clock, thread, shared }
    }

    /// Takes turns until there is nothing to do.
    pub(super) fn settle(&mut self) -> Next {
        for _ in 0..10_000 {
            let next = self.thread.turn();
            if next != Next::Again {
                return next;
            }
        }
        panic!("the worker does not come to rest");
    }

    /// Inserts with a weight of 1, as a group does: where there is no room, the
    /// worker takes a turn, and then there must be.
    pub(super) fn insert(&mut self, key: &str) {
        if !self.model.insert(key, 1) {
            self.settle();
            assert!(self.model.insert(key, 1), "no room for {key}");
        }
    }

    pub(super) fn insert_all(&mut self, keys: &str) {
        for key in keys.split_whitespace() {
            self.insert(key);
        }
        self.settle();
    }

    /// What is held, in alphabetical order.
    pub(super) fn held(&self) -> String {
        self.model.keys().into_iter().collect::<Vec<_>>().join(" ")
    }

    pub(super) fn status(&self) -> WorkerStatus {
        self.shared.board.read()
    }

    pub(super) fn state(&self) -> WorkerState {
        self.status().state
    }

    pub(super) fn ask_to_swap(&self, source: Arc<dyn PolicySource>) -> Answer {
        let config = config(&self.clock).policy;
        let (reply, answer) = oneshot::channel();
        let instance = Instance::new(source.as_ref(), &config, self.model.clone())
            .expect("the new policy works aside");
        let begun = std::time::Instant::now();
        self.shared.inbox.swap(Box::new(Swap { source, config, instance, begun, reply }));
        answer
    }

    pub(super) fn resize(&mut self, capacity: u64, max_entries: u32) -> Result<Swapped, Failure> {
        let (reply, mut answer) = oneshot::channel();
        let begun = std::time::Instant::now();
        self.shared.inbox.resize(Resize { capacity, max_entries, begun, reply });
        self.settle();
        answer.try_recv().expect("answered when the worker rests")
    }

    pub(super) fn swap(&mut self, source: Arc<dyn PolicySource>) -> Result<Swapped, Failure> {
        let mut answer = self.ask_to_swap(source);
        self.settle();
        answer.try_recv().expect("answered when the worker rests")
    }

    pub(super) fn ask_statistics(&mut self) -> Result<Vec<(String, f64)>, Failure> {
        let (reply, mut answer) = oneshot::channel();
        self.shared.inbox.statistics(reply);
        self.settle();
        answer.try_recv().expect("answered when the worker rests")
    }
}

pub(super) fn is_open(answer: &mut Answer) -> bool {
    matches!(answer.try_recv(), Err(TryRecvError::Empty))
}
