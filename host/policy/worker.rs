//! The handle of a group's worker: one thread that owns the policy's instance.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::task;

use super::commands::Inbox;
use super::config::WorkerConfig;
use super::instance::Instance;
use super::live::Live;
use super::phase::{Resize, Swap, Swapped};
use super::room::Room;
use super::status::{Board, WorkerStatus};
use super::worker_thread::{Next, Shared, WorkerThread};
use super::{Failure, PolicyConfig, PolicySource, Residents, Waker};
use crate::sync::Mutex;

/// The handle of a worker thread. Dropping it ends the thread.
pub struct Worker {
    shared: Arc<Shared>,
    waker: Waker,
    drain_limit: usize,
    room_wait: Duration,
    /// Taken by the first call of `shutdown`; `None` without a thread.
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Worker {
    /// Makes the first instance of `source` and starts the thread. The store must wake
    /// the worker through the same `waker`.
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

    /// A worker without a thread, for a program that schedules the turns itself. Work is
    /// done only when a turn of the returned [`Turns`] is taken.
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
            live: Live::of(&source, &config.policy),
        });
        let (drain_limit, room_wait) = (config.drain_limit, config.room_wait);
        let ending = Ending(Arc::clone(&shared));
        let thread = WorkerThread::new(group, Arc::clone(&shared), config, source, instance);
        let worker = Self { shared, waker, drain_limit, room_wait, thread: Mutex::new(None) };
        Ok((worker, Turns { _ending: ending, thread }))
    }

    /// Waits for room on behalf of an insert that found the store full. Returns after the
    /// worker has evicted something, and then the insert can try again. If that takes
    /// longer than [`WorkerConfig::room_wait`], this call evicts by recency itself. The
    /// future can be dropped at any time.
    ///
    /// This relies on the store: after it has refused an entry for lack of room,
    /// [`Residents::need`] must be above 0 until that entry would fit.
    pub async fn room(&self) {
        if self.shared.room.wait(self.room_wait, || self.waker.wake()).await {
            return;
        }
        let went = self.shared.residents.evict_by_recency(self.drain_limit);
        self.shared.board.evicted_by_recency(went);
    }

    /// Replaces the policy while the cache keeps serving. A new instance is made and
    /// receives the entries in the old one's eviction order. If it fails before it has
    /// received all of them, the old instance resumes. After that, a failure is followed
    /// by a new instance of the new source. A swap also ends fallback and recovery. Dropping
    /// the future once the new instance is made ends the wait, not the swap.
    ///
    /// # Errors
    /// The configuration is refused, the new policy fails, a newer swap was requested
    /// before this one began, or the worker has ended.
    ///
    /// # Panics
    /// If called outside a tokio runtime.
    pub async fn swap(
        &self,
        source: Arc<dyn PolicySource>,
        options: Vec<(String, String)>,
    ) -> Result<Swapped, Failure> {
        let begun = Instant::now();
        let config = PolicyConfig { options, ..self.policy() };
        let residents = self.shared.residents.clone();
        // Configuring a component may take long, so it must not block the runtime.
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

    /// The policy that was swapped in last, with its options, to go back to it.
    #[must_use]
    pub fn current(&self) -> (Arc<dyn PolicySource>, Vec<(String, String)>) {
        let (source, config) = self.shared.live.read();
        (source, config.options)
    }

    /// The parameters of the policy that was swapped in last.
    #[must_use]
    pub fn policy(&self) -> PolicyConfig {
        self.shared.live.read().1
    }

    /// Sets the limits that the policy is configured for: a new instance takes the entries
    /// over as in a [`swap`](Self::swap). A policy that is not running gets the limits with its
    /// next instance.
    ///
    /// # Errors
    /// The policy refuses the limits or fails, or the worker has ended.
    pub async fn resize(&self, capacity: u64, max_entries: u32) -> Result<(), Failure> {
        let (reply, answer) = oneshot::channel();
        self.shared.inbox.resize(Resize { capacity, max_entries, begun: Instant::now(), reply });
        self.waker.wake();
        answer.await.unwrap_or(Err(Failure::Stopped)).map(drop)
    }

    /// The worker's status. Does not wait for the worker.
    #[must_use]
    pub fn status(&self) -> WorkerStatus {
        self.shared.board.read()
    }

    /// Asks the policy for its own counters and gauges. Invalid ones are left out; the
    /// list is empty while no policy is running. The answer also replaces the statistics
    /// in the [`status`](Self::status).
    ///
    /// # Errors
    /// The policy failed during the call, or the worker has ended.
    pub async fn statistics(&self) -> Result<Vec<(String, f64)>, Failure> {
        let (reply, answer) = oneshot::channel();
        self.shared.inbox.statistics(reply);
        self.waker.wake();
        answer.await.unwrap_or(Err(Failure::Stopped))
    }

    /// Ends the thread and waits for it, at most until its current turn is done. Inserts
    /// then make room by recency. Further calls do nothing.
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

/// Marks the worker as ended when dropped, also when the thread panics.
struct Ending(Arc<Shared>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.board.stops();
        self.0.room.close();
        self.0.inbox.close();
    }
}

/// The turns of a worker. Dropping it ends the worker.
#[doc(hidden)]
pub struct Turns {
    /// Dropped first, so that callers do not wait until the instance is dropped.
    _ending: Ending,
    thread: WorkerThread,
}

impl Turns {
    /// Does a bounded amount of work. Returns whether there is more to do now; otherwise
    /// the next turn is due after a wake.
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
