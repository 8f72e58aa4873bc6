//! A new policy takes the place of one at work, and learns from it who is cold.
//!
//! 1. The old policy's state is given to the new one, if both can do that.
//! 2. Otherwise the old one is *drained*: asked for victims until it has named all that it
//!    knows. Nothing is evicted by that. The order is the order of eviction.
//! 3. The new one *admits*: it is told of every entry, in that order, and chooses the
//!    victims from then on. Until it knows every entry the old instance is kept, and a
//!    failure of the new one leads back to it.

use std::mem;

use super::Batch;
use super::Failure;
use super::instance::{Instance, LARGEST_NEED};
use super::phase::{Admitting, Before, Draining, Handover, Phase, Swap, Swapped};
use super::status::WorkerState;
use super::worker_thread::WorkerThread;

impl WorkerThread {
    /// Begins a swap, by the shortest way there is. One that is under way ends first.
    pub(super) fn swap(&mut self, mut swap: Box<Swap>) {
        if matches!(self.phase, Phase::Draining(_)) {
            self.end_draining(false);
        }
        self.end_admitting();
        let mut old = match mem::replace(&mut self.phase, Phase::Fallback) {
            Phase::Running(old) => old,
            _ => return self.tell_all(*swap, None, Vec::new(), Handover::Recency),
        };
        match old.save() {
            Ok(Some(snapshot)) => match swap.instance.restore(&snapshot) {
                Ok(true) => {
                    let handover = Handover::Snapshot { bytes: snapshot.bytes.len() as u64 };
                    self.install(*swap, Some(old), Vec::new(), handover, 0);
                }
                Ok(false) => self.begin_draining(old, swap),
                Err(failure) => {
                    // The old one has lost nothing by telling, and goes on.
                    self.phase = Phase::Running(old);
                    swap.failed(failure);
                }
            },
            Ok(None) => self.begin_draining(old, swap),
            Err(failure) => {
                // No loss: the new one is here already.
                self.shared.board.failed(&failure);
                self.tell_all(*swap, None, Vec::new(), Handover::Recency);
            }
        }
    }

    // ---- Draining ----

    fn begin_draining(&mut self, old: Instance, swap: Box<Swap>) {
        let limit_ms = self.config.handover_limit.as_millis() as u64;
        self.phase = Phase::Draining(Box::new(Draining {
            old,
            swap,
            order: Vec::new(),
            named: vec![0; (self.config.policy.max_entries as usize).div_ceil(64)],
            victims: Vec::new(),
            until_ms: self.config.clock.now_ms() + limit_ms,
        }));
    }

    /// One step towards the old policy's order.
    pub(super) fn drain_old(&mut self) {
        let now_ms = self.config.clock.now_ms();
        let Phase::Draining(draining) = &mut self.phase else { return };
        match draining.step(now_ms) {
            Ok(true) if now_ms < draining.until_ms => {}
            Ok(more) => self.end_draining(!more),
            Err(failure) => {
                // What it said before is as good as ever.
                self.shared.board.failed(&failure);
                self.end_draining(false);
            }
        }
    }

    /// `is_empty`: the old one knows nothing any more, so it may come back as it is.
    fn end_draining(&mut self, is_empty: bool) {
        let Phase::Draining(draining) = mem::replace(&mut self.phase, Phase::Fallback) else {
            return;
        };
        let Draining { old, swap, order, .. } = *draining;
        let handover = Handover::Ordered { entries: order.len() as u64 };
        self.tell_all(*swap, is_empty.then_some(old), order, handover);
    }

    // ---- Admitting ----

    /// Has a policy that knows nothing told of every entry, those of `order` first.
    fn tell_all(&mut self, swap: Swap, old: Option<Instance>, order: Vec<u32>, handover: Handover) {
        let left = self.shared.residents.resync(&order);
        self.install(swap, old, order, handover, left);
    }

    fn install(
        &mut self,
        swap: Swap,
        old: Option<Instance>,
        order: Vec<u32>,
        handover: Handover,
        left: usize,
    ) {
        let Swap { source, config, instance, begun, reply } = swap;
        tracing::info!(
            group = %self.group, from = self.source.name(), to = source.name(), ?handover,
            "policy swapped"
        );
        let status = self.shared.board.read();
        let before = Before {
            instance: old,
            order,
            source: mem::replace(&mut self.source, source),
            config: mem::replace(&mut self.config.policy, config),
            state: status.state,
            problem: status.problem,
        };
        self.strikes.forget();
        self.shared.board.runs(self.source.as_ref());
        let admitting = Admitting { new: instance, reply, begun, handover, left, before };
        self.phase = Phase::Admitting(Box::new(admitting));
    }

    /// Counts what the new policy was told in this turn. `more`: changes wait still.
    pub(super) fn note_admitted(&mut self, more: bool) {
        let Phase::Admitting(admitting) = &mut self.phase else { return };
        admitting.left = admitting.left.saturating_sub(self.batch.admitted.len());
        if admitting.left == 0 || !more {
            self.end_admitting();
        }
    }

    fn end_admitting(&mut self) {
        match mem::replace(&mut self.phase, Phase::Fallback) {
            Phase::Admitting(admitting) => {
                let Admitting { new, reply, begun, handover, .. } = *admitting;
                self.phase = Phase::Running(new);
                // Who asked may have stopped waiting.
                let _ = reply.send(Ok(Swapped { handover, took: begun.elapsed() }));
            }
            other => self.phase = other,
        }
    }

    /// The new policy failed before it knew the entries: the old one goes on.
    pub(super) fn go_back(&mut self, admitting: Admitting, failure: &Failure) {
        let Admitting { reply, before, handover, .. } = admitting;
        let board = &self.shared.board;
        board.failed(failure);
        tracing::warn!(
            group = %self.group, policy = self.source.name(), problem = %failure,
            back_to = before.source.name(), "policy failed while it took over: swap undone"
        );
        self.source = before.source;
        self.config.policy = before.config;
        let source = self.source.as_ref();
        match before.instance {
            Some(old) => {
                // One that gave its state away knows all but the batch at hand, and one
                // that was drained knows nothing.
                if matches!(handover, Handover::Ordered { .. }) {
                    self.batch.clear();
                    self.shared.residents.resync(&before.order);
                }
                self.phase = Phase::Running(old);
                board.runs(source);
            }
            None if before.state == WorkerState::Fallback => {
                board.shows(source, before.state, before.problem);
            }
            None => {
                self.phase = Phase::Recovering { until_ms: 0 };
                let problem = Some("the policy that was to follow it failed".to_owned());
                board.shows(source, WorkerState::Recovering, problem);
            }
        }
        let _ = reply.send(Err(failure.clone()));
    }
}

impl Draining {
    /// Asks for the next part of the order. Answers whether there may be more: each step
    /// must name somebody new, so there is an end to it.
    fn step(&mut self, now_ms: u64) -> Result<bool, Failure> {
        self.old.step(&Batch::default(), LARGEST_NEED, now_ms, &mut self.victims)?;
        let before = self.order.len();
        for &slot in &self.victims {
            let Some(word) = self.named.get_mut(slot as usize / 64) else { continue };
            let bit = 1 << (slot % 64);
            if *word & bit == 0 {
                *word |= bit;
                self.order.push(slot);
            }
        }
        Ok(self.order.len() > before)
    }
}
