//! The lane's turn: take what happened, tell the policy, apply its victims.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::admitting::Admitting;
use super::complaints::Complaints;
use super::handover::HandOver;
use super::instance::Instance;
use super::lane::LaneConfig;
use super::mailbox::Mailbox;
use super::recovery::{Strikes, Verdict};
use super::room::Room;
use super::status::{Board, LaneState};
use super::{Batch, Failure, PolicySource, Residents};

/// What the lane's thread does after a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Take another turn.
    Again,
    /// Wait for the bell, but no longer than this.
    Wait(Option<Duration>),
    /// End.
    Stop,
}

/// Who chooses.
pub(super) enum State {
    /// The policy.
    Running(Instance),
    /// The node, while the old policy tells its order for a new one.
    HandingOver(Box<HandOver>),
    /// The node, until it is time for a new instance.
    Recovering { until_ms: u64 },
    /// The node, until a swap.
    Fallback,
}

/// What the lane shares with its handle.
pub(super) struct Shared {
    pub(super) residents: Arc<dyn Residents>,
    pub(super) mailbox: Mailbox,
    pub(super) room: Room,
    pub(super) board: Board,
}

/// All that the lane's thread owns.
pub(super) struct Machine {
    pub(super) group: String,
    pub(super) shared: Arc<Shared>,
    pub(super) config: LaneConfig,
    /// Where the next instance comes from.
    pub(super) source: Arc<dyn PolicySource>,
    pub(super) state: State,
    pub(super) strikes: Strikes,
    /// A swap whose entries are on their way to the new policy.
    pub(super) admitting: Option<Admitting>,
    pub(super) complaints: Complaints,
    pub(super) batch: Batch,
    pub(super) victims: Vec<u32>,
}

impl Machine {
    /// A lane at work with `instance`, made by `source`.
    pub(super) fn new(
        group: &str,
        shared: Arc<Shared>,
        config: LaneConfig,
        source: Arc<dyn PolicySource>,
        instance: Instance,
    ) -> Self {
        Self {
            group: group.to_owned(),
            shared,
            source,
            state: State::Running(instance),
            strikes: Strikes::new(config.patience.clone()),
            admitting: None,
            complaints: Complaints::default(),
            batch: Batch::default(),
            victims: Vec::with_capacity(config.policy.max_victims as usize),
            config,
        }
    }

    /// Does a bounded piece of what is to do.
    pub(super) fn turn(&mut self) -> Next {
        let letters = self.shared.mailbox.take();
        if letters.stop {
            return Next::Stop;
        }
        self.answer(letters);
        self.batch.clear();
        let more = self.shared.residents.drain(&mut self.batch, self.config.drain_limit);
        let evicted = match self.state {
            State::Running(_) => self.step(),
            // The batch is dropped: a new policy is told of every entry anyway.
            _ => self.evict_by_recency(),
        };
        self.note_admitted(more);
        let now_ms = self.config.clock.now_ms();
        let waiting = match self.state {
            State::HandingOver(_) => {
                self.ask_for_order();
                None
            }
            State::Recovering { until_ms } if until_ms <= now_ms => {
                self.renew();
                None
            }
            State::Recovering { until_ms } => Some(Some(Duration::from_millis(until_ms - now_ms))),
            State::Running(_) | State::Fallback => Some(None),
        };
        let satisfied = self.shared.residents.need() == 0;
        self.shared.room.wake(if satisfied { usize::MAX } else { evicted });
        // After a turn that changed something, look again. One that changed
        // nothing although room is needed won't do better without news.
        match waiting {
            Some(limit) if !more && evicted == 0 && self.batch.is_empty() => Next::Wait(limit),
            _ => Next::Again,
        }
    }

    /// Tells the policy and applies its victims. Answers how many entries went.
    fn step(&mut self) -> usize {
        let State::Running(instance) = &mut self.state else {
            return 0;
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
            return self.evict_by_recency();
        }
        let took = begun.elapsed();
        let evicted = residents.evict(&self.victims);
        let full = self.victims.len() == self.config.policy.max_victims as usize;
        // A stale victim is no fault: its slot was reused while the policy ran.
        let short = evicted.weight < need && evicted.stale == 0 && !(full && evicted.bogus == 0);
        self.shared.board.stepped(took, &evicted, short);
        self.complaints.note(&self.group, self.source.name(), evicted.bogus, short, now_ms);
        let by_recency =
            if short || (need > 0 && evicted.entries == 0) { self.evict_by_recency() } else { 0 };
        evicted.entries as usize + by_recency
    }

    /// The node's own choice, where room is needed. Answers how many went.
    pub(super) fn evict_by_recency(&self) -> usize {
        let residents = &self.shared.residents;
        if residents.need() == 0 {
            return 0;
        }
        let went = residents.evict_by_recency(self.config.drain_limit);
        self.shared.board.evicted_by_recency(went);
        went
    }

    /// Drops the instance and decides what follows.
    pub(super) fn fail(&mut self, failure: &Failure) {
        // First of all: whatever it holds, it is to hold no longer.
        self.state = State::Fallback;
        if let Some(admitting) = self.admitting.take() {
            return self.go_back(admitting, failure);
        }
        let board = &self.shared.board;
        board.failed(failure);
        let now_ms = self.config.clock.now_ms();
        let (group, policy, problem) = (&self.group, self.source.name(), failure.to_string());
        let state = match self.strikes.strike(now_ms) {
            Verdict::RetryAt(until_ms) => {
                let retry_in_ms = until_ms - now_ms;
                tracing::warn!(%group, policy, problem, retry_in_ms, "policy failed");
                self.state = State::Recovering { until_ms };
                LaneState::Recovering
            }
            Verdict::GiveUp => {
                tracing::error!(
                    %group, policy, problem,
                    "policy failed too often: evicting by recency until `psycache policy swap`"
                );
                LaneState::Fallback
            }
        };
        board.shows(self.source.as_ref(), state, Some(problem));
    }

    /// Puts a new instance in the place of one that failed.
    fn renew(&mut self) {
        let residents = &self.shared.residents;
        match Instance::new(self.source.as_ref(), &self.config.policy, residents.clone()) {
            Ok(instance) => {
                residents.readmit_all(&[]);
                self.state = State::Running(instance);
                self.shared.board.runs(self.source.as_ref());
                tracing::info!(group = %self.group, policy = self.source.name(), "policy runs again");
            }
            Err(failure) => self.fail(&failure),
        }
    }
}
