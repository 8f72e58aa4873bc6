//! Replaces a running policy by a new one, and hands over which entries are cold.
//!
//! 1. If both policies support it, the new one restores the old one's saved state.
//! 2. Otherwise the old one is *drained*: asked for victims until it has named every entry
//!    that it knows. These victims are not evicted. They give the eviction order.
//! 3. The new one *admits*: it receives every entry in that order, and already chooses the
//!    victims. The old instance is kept until the new one has received every entry. If the
//!    new one fails before that, the old one resumes.

use std::mem;
use std::sync::Arc;

use super::instance::{Instance, LARGEST_NEED};
use super::phase::{Admitting, Before, Draining, Handover, Phase, Resize, Swap, Swapped};
use super::status::WorkerState;
use super::worker_thread::WorkerThread;
use super::{Batch, Failure, PolicyConfig};

impl WorkerThread {
    /// Begins a swap, with a snapshot if both policies support it. A swap that is still in
    /// progress is finished first.
    pub(super) fn swap(&mut self, mut swap: Box<Swap>) {
        self.finish();
        let limits = |config: &PolicyConfig| (config.capacity, config.max_entries);
        if limits(&swap.config) != limits(&self.config.policy) {
            let problem = "the capacity of the group was changed meanwhile; swap again";
            return swap.failed(Failure::Refused(problem.into()));
        }
        let mut old = match mem::replace(&mut self.phase, Phase::Fallback) {
            Phase::Running(old) => old,
            _ => return self.install(*swap, None, Vec::new(), Handover::Recency),
        };
        match old.save() {
            Ok(Some(snapshot)) => match swap.instance.restore(&snapshot) {
                Ok(true) => {
                    let handover = Handover::Snapshot { bytes: snapshot.bytes.len() as u64 };
                    self.install(*swap, Some(old), Vec::new(), handover);
                }
                Ok(false) => self.begin_draining(old, swap),
                Err(failure) => {
                    // Saving did not change the old policy, so it keeps running.
                    self.phase = Phase::Running(old);
                    swap.failed(failure);
                }
            },
            Ok(None) => self.begin_draining(old, swap),
            Err(failure) => {
                // The old policy failed, but the new one is ready to replace it.
                self.shared.board.failed(&failure);
                self.install(*swap, None, Vec::new(), Handover::Recency);
            }
        }
    }

    /// Configures the policy for new limits. A snapshot is not used, because a policy may keep
    /// in it what it has computed from the limits.
    pub(super) fn resize(&mut self, resize: Resize) {
        let Resize { capacity, max_entries, begun, reply } = resize;
        self.finish();
        let config = PolicyConfig { capacity, max_entries, ..self.config.policy.clone() };
        let old = match mem::replace(&mut self.phase, Phase::Fallback) {
            Phase::Running(old) => old,
            other => {
                self.phase = other;
                self.config.policy = config;
                self.shared.live.set(&self.source, &self.config.policy);
                let swapped = Swapped { handover: Handover::Recency, took: begun.elapsed() };
                let _ = reply.send(Ok(swapped));
                return;
            }
        };
        let source = Arc::clone(&self.source);
        match Instance::new(source.as_ref(), &config, self.shared.residents.clone()) {
            Ok(instance) => {
                self.begin_draining(old, Box::new(Swap { source, config, instance, begun, reply }));
            }
            Err(failure) => {
                self.phase = Phase::Running(old);
                let _ = reply.send(Err(failure));
            }
        }
    }

    /// Finishes a swap that is still in progress.
    fn finish(&mut self) {
        if matches!(self.phase, Phase::Draining(_)) {
            self.end_draining(false);
        }
        self.end_admitting();
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

    /// Asks the old policy for the next part of its eviction order.
    pub(super) fn drain_old(&mut self) {
        let now_ms = self.config.clock.now_ms();
        let Phase::Draining(draining) = &mut self.phase else { return };
        match draining.step(now_ms) {
            Ok(true) if now_ms < draining.until_ms => {}
            Ok(more) => self.end_draining(!more),
            Err(failure) => {
                // The part of the order that it gave before is still used.
                self.shared.board.failed(&failure);
                self.end_draining(false);
            }
        }
    }

    /// `is_empty`: the old policy has named every entry and knows none any more. Only then
    /// is it kept, to resume if the swap fails.
    fn end_draining(&mut self, is_empty: bool) {
        let Phase::Draining(draining) = mem::replace(&mut self.phase, Phase::Fallback) else {
            return;
        };
        let Draining { old, swap, order, .. } = *draining;
        let handover = Handover::Ordered { entries: order.len() as u64 };
        self.install(*swap, is_empty.then_some(old), order, handover);
    }

    // ---- Admitting ----

    /// Makes the new policy the group's. Unless it has restored a snapshot it knows no entry,
    /// and every entry is queued for it, the slots of `order` first.
    fn install(&mut self, swap: Swap, old: Option<Instance>, order: Vec<u32>, handover: Handover) {
        let left = match handover {
            Handover::Snapshot { .. } => 0,
            _ => self.shared.residents.resync(&order),
        };
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

    /// Counts the entries that the new policy received in this turn. `more`: further
    /// events are waiting.
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
                self.shared.live.set(&self.source, &self.config.policy);
                // The caller may have stopped waiting.
                let _ = reply.send(Ok(Swapped { handover, took: begun.elapsed() }));
            }
            other => self.phase = other,
        }
    }

    /// Undoes a swap whose new policy failed before it had received every entry.
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
                // After a snapshot the old policy knows everything except the current
                // batch. After it was drained it knows nothing.
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
    /// Asks for the next part of the order. Returns whether there may be more. A step that
    /// names no new slot ends it, so the number of steps is bounded.
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
