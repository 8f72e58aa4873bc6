//! The worker of a group, as the rest of the node sees it: the handle of one thread that
//! owns the policy's instance.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::task;

use super::commands::Inbox;
use super::config::WorkerConfig;
use super::instance::Instance;
use super::phase::{Swap, Swapped};
use super::room::Room;
use super::status::{Board, WorkerStatus};
use super::worker_thread::{Next, Shared, WorkerThread};
use super::{Failure, PolicyConfig, PolicySource, Residents, Waker};
use crate::sync::Mutex;

/// The handle. Dropping it ends the thread.
pub struct Worker {
    shared: Arc<Shared>,
    waker: Waker,
    policy: PolicyConfig,
    drain_limit: usize,
    room_wait: Duration,
    /// Taken by whoever ends the thread first.
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Worker {
    /// Makes the first instance of `source`, tries it, and starts the thread.
    /// `waker` is the one that the store wakes it by.
    ///
    /// # Errors
    /// The configuration is refused, the plugin fails at once, or the system has
    /// no thread left.
    pub fn start(
        group: &str,
        source: Arc<dyn PolicySource>,
        config: WorkerConfig,
        residents: Arc<dyn Residents>,
        waker: Waker,
    ) -> Result<Self, Failure> {
        let (mut worker, mut turns) = Self::by_hand(group, source, config, residents, waker)?;
        let waker = worker.waker.clone();
        let thread = thread::Builder::new()
            .name(format!("policy {group}"))
            .spawn(move || turns.run(&waker))
            .map_err(|error| Failure::Refused(format!("no thread for its worker: {error}")))?;
        *worker.thread.get_mut() = Some(thread);
        Ok(worker)
    }

    /// A worker without a thread, for a program that decides by itself who runs
    /// when: it does nothing but in the [`Turns`] that are taken.
    ///
    /// # Errors
    /// Those of [`start`](Self::start).
    #[doc(hidden)]
    pub fn by_hand(
        group: &str,
        source: Arc<dyn PolicySource>,
        config: WorkerConfig,
        residents: Arc<dyn Residents>,
        waker: Waker,
    ) -> Result<(Self, Turns), Failure> {
        let instance = Instance::new(source.as_ref(), &config.policy, residents.clone())?;
        let shared = Arc::new(Shared {
            residents,
            inbox: Inbox::default(),
            room: Room::default(),
            board: Board::new(source.as_ref()),
        });
        let policy = config.policy.clone();
        let (drain_limit, room_wait) = (config.drain_limit, config.room_wait);
        let ending = Ending(Arc::clone(&shared));
        let thread = WorkerThread::new(group, Arc::clone(&shared), config, source, instance);
        let worker =
            Self { shared, waker, policy, drain_limit, room_wait, thread: Mutex::new(None) };
        Ok((worker, Turns { _ending: ending, thread }))
    }

    /// For an insert that found the store full: returns when it is worth trying
    /// again, after the worker has evicted something or, when that takes longer
    /// than [`WorkerConfig::room_wait`], after room was made by recency. Giving up
    /// the wait costs nothing.
    ///
    /// The store's part: after it refused an entry as not fitting now,
    /// [`Residents::need`] is above 0 until that entry would fit.
    pub async fn room(&self) {
        if self.shared.room.wait(self.room_wait, || self.waker.wake()).await {
            return;
        }
        let went = self.shared.residents.evict_by_recency(self.drain_limit);
        self.shared.board.evicted_by_recency(went);
    }

    /// Replaces the policy while everything goes on: a new instance is made, then
    /// learns of the entries in the old one's order. Until it knows them, a failure
    /// leads back to the old one; after that, one is recovered from with the new
    /// source. Leaves fallback and recovery too.
    ///
    /// # Errors
    /// The configuration is refused, the new policy fails, a newer swap came
    /// before this one began, or the worker has ended.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub async fn swap(
        &self,
        source: Arc<dyn PolicySource>,
        options: Vec<(String, String)>,
    ) -> Result<Swapped, Failure> {
        let begun = Instant::now();
        let config = PolicyConfig { options, ..self.policy.clone() };
        let residents = self.shared.residents.clone();
        // A component may take its time to configure: never on the runtime.
        let made = task::spawn_blocking(move || {
            let instance = Instance::new(source.as_ref(), &config, residents)?;
            Ok((source, config, instance))
        });
        let (source, config, instance) = made.await.map_err(|_| Failure::Stopped)??;
        let (reply, answer) = oneshot::channel();
        let swap = Swap { source, config, instance, begun, reply };
        self.shared.inbox.swap(Box::new(swap));
        self.waker.wake();
        answer.await.unwrap_or(Err(Failure::Stopped))
    }

    /// How the worker is doing. Does not wait for it.
    #[must_use]
    pub fn status(&self) -> WorkerStatus {
        self.shared.board.read()
    }

    /// The policy's own counters and gauges, as far as they are credible; empty
    /// while none is running. They stand in the [`status`](Self::status) from then on.
    ///
    /// # Errors
    /// The policy failed over the question, or the worker has ended.
    pub async fn statistics(&self) -> Result<Vec<(String, f64)>, Failure> {
        let (reply, answer) = oneshot::channel();
        self.shared.inbox.statistics(reply);
        self.waker.wake();
        answer.await.unwrap_or(Err(Failure::Stopped))
    }

    /// Ends the thread and waits for it: at most for the step at hand. Inserts
    /// then make room by recency. Again: nothing.
    pub fn shutdown(&self) {
        self.shared.inbox.stop();
        self.waker.wake();
        if let Some(thread) = self.thread.lock().take() {
            // A panic of the thread was reported when it happened.
            let _ = thread.join();
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.shutdown();
    }
}

/// Tells everybody that the thread has ended, in whatever way.
struct Ending(Arc<Shared>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.board.stops();
        self.0.room.close();
        self.0.inbox.close();
    }
}

/// What a worker does. Dropping it ends the worker.
#[doc(hidden)]
pub struct Turns {
    /// Dropped first: nobody waits for the last instance to be taken down.
    _ending: Ending,
    thread: WorkerThread,
}

impl Turns {
    /// Does a bounded piece of what is to do. Answers whether there is more to do
    /// before it is woken.
    pub fn take(&mut self) -> bool {
        self.thread.turn() == Next::Again
    }

    fn run(&mut self, waker: &Waker) {
        loop {
            match self.thread.turn() {
                Next::Again => {}
                Next::Wait(limit) => {
                    waker.wait(limit);
                }
                Next::Stop => return,
            }
        }
    }
}
