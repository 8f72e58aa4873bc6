//! A group over the real store and worker, and a source whose answers each test
//! gives when it likes: nothing here waits for time to pass by luck.
#![allow(
    clippy::disallowed_methods,
    reason = "a test is a main: #[tokio::test] blocks on its runtime"
)]

mod change;
mod lending;
mod lifetime;
mod limits;
mod refresh;
mod sharing;
mod source;
mod stale;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};

use super::{Group, GroupConfig, Parts, RefreshAhead, Reply};
use crate::clock::Clock;
use crate::ownership::Ownership;
use crate::policy::{
    Batch, Failure, Keys, Policy, PolicyConfig, PolicySource, Waker, Worker, WorkerConfig,
};
use crate::retriever::{FetchError, Fetched, Retriever};
use crate::store::{Store, StoreConfig};
use crate::sync::Mutex;
use crate::value::{Answer, Origin};

/// Long enough never to pass in a test.
const PATIENCE: Duration = Duration::from_secs(60);

type Fetch = Result<Option<Fetched>, FetchError>;

/// A load that waits for the test.
struct LoadCall {
    key: String,
    answer: oneshot::Sender<Box<dyn FnOnce() -> Fetch + Send>>,
}

impl LoadCall {
    fn finds(self, value: &str) {
        self.finds_for(value, None);
    }

    fn finds_for(self, value: &str, ttl: Option<Duration>) {
        let value = Bytes::from(value.to_owned());
        self.ends(Ok(Some(Fetched { value, ttl })));
    }

    fn ends(self, fetch: Fetch) {
        self.runs(|| fetch);
    }

    fn runs(self, end: impl FnOnce() -> Fetch + Send + 'static) {
        assert!(self.answer.send(Box::new(end)).is_ok(), "the load was given up");
    }
}

struct Gated {
    calls: mpsc::UnboundedSender<LoadCall>,
    /// Whether it says of each load that it would go on with it.
    works_on: bool,
    state: Arc<GatedState>,
}

/// What a test says of the source besides its answers.
#[derive(Default)]
struct GatedState {
    is_busy: AtomicBool,
    /// What its probes find, in their order; `None`: it has no probe.
    probes: Mutex<Option<Vec<Result<(), FetchError>>>>,
}

impl Retriever for Gated {
    fn fetch<'a>(&'a self, key: &'a str, _timeout: Duration) -> BoxFuture<'a, Fetch> {
        Box::pin(async move {
            let (answer, answered) = oneshot::channel();
            let call = LoadCall { key: key.into(), answer };
            self.calls.send(call).expect("the test listens");
            match answered.await {
                Ok(end) => end(),
                // The test forgot about the load: it never ends.
                Err(_) => std::future::pending().await,
            }
        })
    }

    fn fetch_telling<'a>(
        &'a self,
        key: &'a str,
        timeout: Duration,
        asked: &'a (dyn Fn() + Sync),
    ) -> BoxFuture<'a, Fetch> {
        if self.works_on {
            asked();
        }
        self.fetch(key, timeout)
    }

    fn probe(&self, _timeout: Duration) -> Option<BoxFuture<'_, Result<(), FetchError>>> {
        let found = self.state.probes.lock().as_mut()?.remove(0);
        Some(Box::pin(async move { found }))
    }

    fn is_busy(&self) -> bool {
        self.state.is_busy.load(Ordering::Relaxed)
    }

    fn name(&self) -> &str {
        "gated"
    }
}

struct Rig {
    group: Arc<Group>,
    calls: mpsc::UnboundedReceiver<LoadCall>,
    clock: Clock,
    state: Arc<GatedState>,
}

const CAPACITY: u64 = 64 << 10;

fn rig() -> Rig {
    rig_with(|_| ())
}

fn rig_with(change: impl FnOnce(&mut GroupConfig)) -> Rig {
    rig_over(false, change)
}

/// A rig whose source goes on with what it was asked, whoever leaves.
fn rig_that_works_on() -> Rig {
    rig_over(true, |_| ())
}

fn rig_over(works_on: bool, change: impl FnOnce(&mut GroupConfig)) -> Rig {
    let (sender, calls) = mpsc::unbounded_channel();
    let state = Arc::new(GatedState::default());
    let gated = Gated { calls: sender, works_on, state: Arc::clone(&state) };
    let (group, clock) = group_over(Some(Arc::new(gated)), change);
    Rig { group, calls, clock, state }
}

/// A policy that never chooses: room is made by recency.
struct Undecided;

impl PolicySource for Undecided {
    fn name(&self) -> &str {
        "undecided"
    }

    fn instantiate(
        &self,
        _config: &PolicyConfig,
        _keys: Arc<dyn Keys>,
    ) -> Result<Box<dyn Policy>, Failure> {
        Ok(Box::new(Self))
    }
}

impl Policy for Undecided {
    fn step(&mut self, _: &Batch, _: u64, _: u64, _: &mut Vec<u32>) -> Result<(), Failure> {
        Ok(())
    }
}

fn group_over(
    retriever: Option<Arc<dyn Retriever>>,
    change: impl FnOnce(&mut GroupConfig),
) -> (Arc<Group>, Clock) {
    let clock = Clock::manual();
    let capacity = StoreConfig { capacity_bytes: CAPACITY, max_entries: None };
    let waker = Waker::new();
    let store = Store::new(
        capacity,
        clock.clone(),
        Box::new({
            let waker = waker.clone();
            move || waker.wake()
        }),
    );
    let policy = PolicyConfig {
        capacity: CAPACITY,
        max_entries: store.slot_bound(),
        max_victims: 64,
        seed: 0,
        options: Vec::new(),
    };
    let worker = WorkerConfig::new(policy, clock.clone());
    let worker = Worker::start("scores", Arc::new(Undecided), worker, store.clone(), waker);
    let worker = Arc::new(worker.expect("the policy is fine"));
    let mut config = GroupConfig::named("scores");
    change(&mut config);
    let ownership = Arc::new(Ownership::alone());
    let parts = Parts { store, clock: clock.clone(), worker, source: retriever.into(), ownership };
    (Group::new(config, parts).expect("the configuration is fine"), clock)
}

impl Rig {
    /// A get in a task of its own, as far as its load, which is answered later.
    async fn begin(&mut self, key: &'static str) -> (tokio::task::JoinHandle<Reply>, LoadCall) {
        self.begin_within(key, PATIENCE).await
    }

    async fn begin_within(
        &mut self,
        key: &'static str,
        within: Duration,
    ) -> (tokio::task::JoinHandle<Reply>, LoadCall) {
        let group = Arc::clone(&self.group);
        let get = tokio::spawn(async move { group.get(key, within).await });
        let call = self.calls.recv().await.expect("the group lives");
        assert_eq!(call.key, key);
        (get, call)
    }

    /// A whole get that has to load, and finds `value`.
    async fn load(&mut self, key: &'static str, value: &str) -> Answer {
        self.load_for(key, value, None).await
    }

    async fn load_for(&mut self, key: &'static str, value: &str, ttl: Option<Duration>) -> Answer {
        let (get, call) = self.begin(key).await;
        call.finds_for(value, ttl);
        get.await.unwrap().expect("the source found it")
    }

    /// A get that must be answered from memory.
    async fn held(&mut self, key: &str) -> Reply {
        let reply = self.group.get(key, PATIENCE).await;
        assert!(self.calls.try_recv().is_err(), "it was loaded, not held");
        if let Ok(answer) = &reply {
            assert_eq!(answer.origin, Origin::Hit);
        }
        reply
    }

    /// Whether memory holds a value or the absence of one. Loads nothing.
    fn holds(&self, key: &str) -> bool {
        let store = &self.group.parts().store;
        store.peek(key, store.hash(key)).is_some()
    }

    async fn set(&self, key: &str, value: &str) {
        self.group.set(key, Bytes::from(value.to_owned()), None, PATIENCE).await.expect("it fits");
    }
}
