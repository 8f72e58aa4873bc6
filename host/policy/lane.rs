//! The lane of a group: one thread that owns the policy's instance, and the
//! handle by which the rest of the node speaks to it.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::task;

use crate::clock::Clock;
use crate::sync::Mutex;

use super::handover::{Swap, Swapped};
use super::instance::Instance;
use super::machine::{Machine, Next, Shared};
use super::mailbox::Mailbox;
use super::room::Room;
use super::status::{Board, LaneStatus};
use super::{Bell, Failure, Patience, PolicyConfig, PolicySource, Residents};

/// How a lane works.
#[derive(Clone, Debug)]
pub struct LaneConfig {
    /// What each instance is told.
    pub policy: PolicyConfig,
    /// The store's clock.
    pub clock: Clock,
    /// Most changes and most touches of one step, and most entries evicted by
    /// recency at a time.
    pub drain_limit: usize,
    /// How long an insert waits for the policy before room is made without it.
    pub room_wait: Duration,
    /// How long an old policy may take to tell its order at a swap.
    pub handover_limit: Duration,
    /// What happens when the policy fails.
    pub patience: Patience,
}

impl LaneConfig {
    /// The defaults: 256 events a step, 20 ms for room, 10 s for a hand-over.
    #[must_use]
    pub fn new(policy: PolicyConfig, clock: Clock) -> Self {
        Self {
            policy,
            clock,
            drain_limit: 256,
            room_wait: Duration::from_millis(20),
            handover_limit: Duration::from_secs(10),
            patience: Patience::default(),
        }
    }
}

/// The handle. Dropping it ends the thread.
pub struct Lane {
    shared: Arc<Shared>,
    bell: Bell,
    policy: PolicyConfig,
    drain_limit: usize,
    room_wait: Duration,
    /// Taken by whoever ends the thread first.
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Lane {
    /// Makes the first instance of `source`, tries it, and starts the thread.
    /// `bell` is the one that the store rings.
    ///
    /// # Errors
    /// The configuration is refused, the plugin fails at once, or the system has
    /// no thread left.
    pub fn start(
        group: &str,
        source: Arc<dyn PolicySource>,
        config: LaneConfig,
        residents: Arc<dyn Residents>,
        bell: Bell,
    ) -> Result<Self, Failure> {
        let (mut lane, mut turns) = Self::by_hand(group, source, config, residents, bell)?;
        let bell = lane.bell.clone();
        let thread = thread::Builder::new()
            .name(format!("policy {group}"))
            .spawn(move || turns.run(&bell))
            .map_err(|error| Failure::Refused(format!("no thread for its lane: {error}")))?;
        *lane.thread.get_mut() = Some(thread);
        Ok(lane)
    }

    /// A lane without a thread, for a program that decides by itself who runs
    /// when: it does nothing but in the [`Turns`] that are taken.
    ///
    /// # Errors
    /// Those of [`start`](Self::start).
    #[doc(hidden)]
    pub fn by_hand(
        group: &str,
        source: Arc<dyn PolicySource>,
        config: LaneConfig,
        residents: Arc<dyn Residents>,
        bell: Bell,
    ) -> Result<(Self, Turns), Failure> {
        let instance = Instance::tried(source.as_ref(), &config.policy, residents.clone())?;
        let shared = Arc::new(Shared {
            residents,
            mailbox: Mailbox::default(),
            room: Room::default(),
            board: Board::new(source.as_ref()),
        });
        let policy = config.policy.clone();
        let (drain_limit, room_wait) = (config.drain_limit, config.room_wait);
        let ending = Ending(Arc::clone(&shared));
        let machine = Machine::new(group, Arc::clone(&shared), config, source, instance);
        let thread = Mutex::new(None);
        let lane = Self { shared, bell, policy, drain_limit, room_wait, thread };
        Ok((lane, Turns { _ending: ending, machine }))
    }

    /// For an insert that found the store full: returns when it is worth trying
    /// again, after the lane has evicted something or, when that takes longer
    /// than [`LaneConfig::room_wait`], after room was made by recency. Giving up
    /// the wait costs nothing.
    ///
    /// The store's part: after it refused an entry as not fitting now,
    /// [`Residents::need`] is above 0 until that entry would fit.
    pub async fn room(&self) {
        if self.shared.room.wait(self.room_wait, || self.bell.ring()).await {
            return;
        }
        let went = self.shared.residents.evict_by_recency(self.drain_limit);
        self.shared.board.evicted_by_recency(went);
    }

    /// Replaces the policy while everything goes on: a new instance is made and
    /// tried aside, then learns of the entries in the old one's order. Until it
    /// knows them, a failure leads back to the old one; after that, one is
    /// recovered from with the new source. Leaves fallback and recovery too.
    ///
    /// # Errors
    /// The configuration is refused, the new policy fails, a newer swap came
    /// before this one began, or the lane has ended.
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
        let tried = task::spawn_blocking(move || {
            let instance = Instance::tried(source.as_ref(), &config, residents)?;
            Ok((source, config, instance))
        });
        let (source, config, instance) = tried.await.map_err(|_| Failure::Stopped)??;
        let (reply, answer) = oneshot::channel();
        let swap = Swap { source, config, instance, begun, reply };
        self.shared.mailbox.swap(Box::new(swap));
        self.bell.ring();
        answer.await.unwrap_or(Err(Failure::Stopped))
    }

    /// How the lane is doing. Does not wait for it.
    #[must_use]
    pub fn status(&self) -> LaneStatus {
        self.shared.board.read()
    }

    /// The policy's own counters and gauges, as far as they are credible; empty
    /// while none is running. They stand in the [`status`](Self::status) from then on.
    ///
    /// # Errors
    /// The policy failed over the question, or the lane has ended.
    pub async fn statistics(&self) -> Result<Vec<(String, f64)>, Failure> {
        let (reply, answer) = oneshot::channel();
        self.shared.mailbox.statistics(reply);
        self.bell.ring();
        answer.await.unwrap_or(Err(Failure::Stopped))
    }

    /// Ends the thread and waits for it: at most for the step at hand. Inserts
    /// then make room by recency. Again: nothing.
    pub fn shutdown(&self) {
        self.shared.mailbox.stop();
        self.bell.ring();
        if let Some(thread) = self.thread.lock().take() {
            // A panic of the thread was reported when it happened.
            let _ = thread.join();
        }
    }
}

impl Drop for Lane {
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
        self.0.mailbox.close();
    }
}

/// What a lane does. Dropping it ends the lane.
#[doc(hidden)]
pub struct Turns {
    /// Dropped first: nobody waits for the last instance to be taken down.
    _ending: Ending,
    machine: Machine,
}

impl Turns {
    /// Does a bounded piece of what is to do. Answers whether there is more to do
    /// before the bell rings.
    pub fn take(&mut self) -> bool {
        self.machine.turn() == Next::Again
    }

    fn run(&mut self, bell: &Bell) {
        loop {
            match self.machine.turn() {
                Next::Again => {}
                Next::Wait(limit) => {
                    bell.wait(limit);
                }
                Next::Stop => return,
            }
        }
    }
}
