//! The loop of the worker thread: drain events, step the policy, evict its victims.

use std::mem;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::commands::{Commands, Inbox};
use super::complaints::Complaints;
use super::config::WorkerConfig;
use super::instance::Instance;
use super::live::Live;
use super::phase::Phase;
use super::recovery::{Retry, Strikes};
use super::room::Room;
use super::statistics::credible;
use super::status::{Board, WorkerState};
use super::{Batch, Failure, PolicySource, Residents};

/// What the worker thread does after a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Take another turn.
    Again,
    /// Wait for the waker, at most this long.
    Wait(Option<Duration>),
    /// End.
    Stop,
}

/// State shared between the worker thread and its handle.
pub(super) struct Shared {
    pub(super) residents: Arc<dyn Residents>,
    pub(super) inbox: Inbox,
    pub(super) room: Room,
    pub(super) board: Board,
    pub(super) live: Live,
}

/// State owned by the worker thread.
pub(super) struct WorkerThread {
    pub(super) group: String,
    pub(super) shared: Arc<Shared>,
    pub(super) config: WorkerConfig,
    /// Makes the next instance.
    pub(super) source: Arc<dyn PolicySource>,
    pub(super) phase: Phase,
    pub(super) strikes: Strikes,
    pub(super) complaints: Complaints,
    pub(super) batch: Batch,
    pub(super) victims: Vec<u32>,
}

impl WorkerThread {
    /// A worker that runs `instance`, which `source` made.
    pub(super) fn new(
        group: &str,
        shared: Arc<Shared>,
        config: WorkerConfig,
        source: Arc<dyn PolicySource>,
        instance: Instance,
    ) -> Self {
        Self {
            group: group.to_owned(),
            shared,
            source,
            phase: Phase::Running(instance),
            strikes: Strikes::new(config.patience.clone()),
            complaints: Complaints::new(),
            batch: Batch::default(),
            victims: Vec::with_capacity(config.policy.max_victims as usize),
            config,
        }
    }

    /// Does a bounded amount of work.
    pub(super) fn turn(&mut self) -> Next {
        let commands = self.shared.inbox.take();
        if commands.stop {
            return Next::Stop;
        }
        self.obey(commands);
        self.batch.clear();
        let more = self.shared.residents.drain(&mut self.batch, self.config.drain_limit);
        let evicted = match self.phase {
            Phase::Running(_) | Phase::Admitting(_) => self.step(),
            // The batch is dropped: a new policy receives every entry anyway.
            _ => self.evict_by_recency(),
        };
        self.note_admitted(more);
        let now_ms = self.config.clock.now_ms();
        let waiting = match self.phase {
            Phase::Draining(_) => {
                self.drain_old();
                None
            }
            Phase::Recovering { until_ms } if until_ms <= now_ms => {
                self.renew();
                None
            }
            Phase::Recovering { until_ms } => Some(Some(Duration::from_millis(until_ms - now_ms))),
            Phase::Running(_) | Phase::Admitting(_) | Phase::Fallback => Some(None),
        };
        let satisfied = self.shared.residents.need() == 0;
        self.shared.room.wake(if satisfied { usize::MAX } else { evicted });
        // A turn that changed something is followed by another. A turn that changed
        // nothing would do so again until there are new events, even if room is needed.
        match waiting {
            Some(limit) if !more && evicted == 0 && self.batch.is_empty() => Next::Wait(limit),
            _ => Next::Again,
        }
    }

    /// Executes commands of the handle.
    fn obey(&mut self, commands: Commands) {
        if let Some(resize) = commands.resize {
            self.resize(resize);
        }
        if let Some(swap) = commands.swap {
            self.swap(swap);
        }
        if commands.statistics.is_empty() {
            return;
        }
        let answer = match &mut self.phase {
            Phase::Running(instance) => instance.statistics().map(credible),
            Phase::Admitting(admitting) => admitting.new.statistics().map(credible),
            _ => Ok(Vec::new()),
        };
        self.shared.board.tells(answer.clone().unwrap_or_default());
        for reply in commands.statistics {
            // The caller may have stopped waiting.
            let _ = reply.send(answer.clone());
        }
        if let Err(failure) = answer {
            self.fail(&failure);
        }
    }

    /// Steps the policy and evicts its victims. Returns the number of evicted entries.
    fn step(&mut self) -> usize {
        let instance = match &mut self.phase {
            Phase::Running(instance) => instance,
            Phase::Admitting(admitting) => &mut admitting.new,
            _ => return 0,
        };
        let residents = &self.shared.residents;
        let need = residents.need();
        if need == 0 && self.batch.is_empty() {
            return 0;
        }
        let now_ms = self.config.clock.now_ms();
        let begun = Instant::now();
        if let Err(failure) = instance.step(&self.batch, need, now_ms, &mut self.victims) {
            self.fail(&failure);
            return match self.phase {
                // The swap was undone, and the old policy has not received this batch. If
                // the old policy was drained, `go_back` cleared the batch and queued every
                // entry anew.
                Phase::Running(_) => {
                    if self.batch.is_empty() {
                        self.shared.residents.drain(&mut self.batch, self.config.drain_limit);
                    }
                    self.step()
                }
                _ => self.evict_by_recency(),
            };
        }
        let took = begun.elapsed();
        let evicted = residents.evict(&self.victims);
        let full = self.victims.len() == self.config.policy.max_victims as usize;
        // A stale victim is not the policy's fault: its slot changed while the policy ran.
        let short = evicted.weight < need && evicted.stale == 0 && !(full && evicted.bogus == 0);
        self.shared.board.stepped(took, &evicted, short);
        self.complaints.note(&self.group, self.source.name(), evicted.bogus, short);
        let by_recency =
            if short || (need > 0 && evicted.entries == 0) { self.evict_by_recency() } else { 0 };
        evicted.entries as usize + by_recency
    }

    /// Evicts by recency if room is needed. Returns the number of evicted entries.
    pub(super) fn evict_by_recency(&self) -> usize {
        let residents = &self.shared.residents;
        if residents.need() == 0 {
            return 0;
        }
        let went = residents.evict_by_recency(self.config.drain_limit);
        self.shared.board.evicted_by_recency(went);
        went
    }

    /// Drops the failed instance and chooses the next phase.
    pub(super) fn fail(&mut self, failure: &Failure) {
        // A failed instance is dropped here, before a new one is made.
        if let Phase::Admitting(admitting) = mem::replace(&mut self.phase, Phase::Fallback) {
            return self.go_back(*admitting, failure);
        }
        let board = &self.shared.board;
        board.failed(failure);
        let now_ms = self.config.clock.now_ms();
        let (group, policy, problem) = (&self.group, self.source.name(), failure.to_string());
        let state = match self.strikes.strike(now_ms) {
            Retry::At(until_ms) => {
                let retry_in_ms = until_ms - now_ms;
                tracing::warn!(%group, policy, problem, retry_in_ms, "policy failed");
                self.phase = Phase::Recovering { until_ms };
                WorkerState::Recovering
            }
            Retry::Never => {
                tracing::error!(
                    %group, policy, problem,
                    "policy failed too often: evicting by recency until `psycache policy swap`"
                );
                WorkerState::Fallback
            }
        };
        board.shows(self.source.as_ref(), state, Some(problem));
    }

    /// Replaces a failed instance by a new one of the same source.
    fn renew(&mut self) {
        let residents = &self.shared.residents;
        match Instance::new(self.source.as_ref(), &self.config.policy, residents.clone()) {
            Ok(instance) => {
                residents.resync(&[]);
                self.phase = Phase::Running(instance);
                self.shared.board.runs(self.source.as_ref());
                tracing::info!(group = %self.group, policy = self.source.name(), "policy runs again");
            }
            Err(failure) => self.fail(&failure),
        }
    }
}
