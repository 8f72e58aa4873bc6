//! A new policy takes the place of one at work, and its knowledge of who is cold.

use std::mem;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::admitting::{Admitting, Before};
use super::instance::{Instance, LARGEST_NEED};
use super::machine::{Machine, State};
use super::mailbox::Letters;
use super::statistics::credible;
use super::{Batch, Failure, PolicyConfig, PolicySource};

/// What a swap did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Swapped {
    /// How the new policy learned of the entries.
    pub handover: Handover,
    /// From the request until the new policy knew them.
    pub took: Duration,
}

/// How a new policy learned of the entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handover {
    /// It took over the old one's state.
    Snapshot {
        /// Length of that state.
        bytes: u64,
    },
    /// It was told in the order in which the old one would have evicted them.
    Ordered {
        /// How many the old one named; the others followed by recency.
        entries: u64,
    },
    /// By recency: no policy was running.
    Recency,
}

/// A new policy, made and tried, ready to take over.
pub(super) struct Swap {
    pub(super) source: Arc<dyn PolicySource>,
    pub(super) config: PolicyConfig,
    pub(super) instance: Instance,
    pub(super) begun: Instant,
    pub(super) reply: oneshot::Sender<Result<Swapped, Failure>>,
}

impl Swap {
    /// Answers that it came to nothing.
    pub(super) fn failed(self, failure: Failure) {
        // Who asked may have stopped waiting.
        let _ = self.reply.send(Err(failure));
    }
}

/// An old policy that is being asked for its order.
pub(super) struct HandOver {
    old: Instance,
    swap: Box<Swap>,
    /// What the old one named so far, coldest first, none twice.
    order: Vec<u32>,
    /// For each slot, whether it is in `order`: one bit.
    named: Vec<u64>,
    victims: Vec<u32>,
    until_ms: u64,
}

impl HandOver {
    /// Asks for the next part of the order. Answers whether there may be more:
    /// each step must name somebody new, so there is an end to it.
    fn step(&mut self, now_ms: u64) -> Result<bool, Failure> {
        self.old.step(&Batch::default(), LARGEST_NEED, now_ms, &mut self.victims)?;
        let before = self.order.len();
        for &slot in &self.victims {
            let Some(word) = self.named.get_mut(slot as usize / 64) else {
                continue;
            };
            let bit = 1 << (slot % 64);
            if *word & bit == 0 {
                *word |= bit;
                self.order.push(slot);
            }
        }
        Ok(self.order.len() > before && now_ms < self.until_ms)
    }
}

impl Machine {
    /// Does what the handle asked for.
    pub(super) fn answer(&mut self, letters: Letters) {
        if let Some(swap) = letters.swap {
            self.swap(swap);
        }
        if letters.statistics.is_empty() {
            return;
        }
        let answer = match &mut self.state {
            State::Running(instance) => instance.statistics().map(credible),
            _ => Ok(Vec::new()),
        };
        self.shared.board.tells(answer.clone().unwrap_or_default());
        for reply in letters.statistics {
            let _ = reply.send(answer.clone());
        }
        if let Err(failure) = answer {
            self.fail(&failure);
        }
    }

    /// Takes the new policy in, by the shortest way there is.
    fn swap(&mut self, mut swap: Box<Swap>) {
        if matches!(self.state, State::HandingOver(_)) {
            self.finish_handover();
        }
        if let Some(before) = self.admitting.take() {
            before.done();
        }
        let State::Running(old) = &mut self.state else {
            return self.adopt(*swap, &[], Handover::Recency);
        };
        let snapshot = match old.save() {
            Ok(snapshot) => snapshot,
            Err(failure) => {
                // No loss: the new one is here already.
                self.shared.board.failed(&failure);
                return self.adopt(*swap, &[], Handover::Recency);
            }
        };
        if let Some(snapshot) = snapshot {
            match swap.instance.restore(&snapshot) {
                Ok(true) => {
                    let bytes = snapshot.bytes.len() as u64;
                    return self.install(*swap, Handover::Snapshot { bytes }, 0);
                }
                Ok(false) => {}
                // The old one has lost nothing by telling, and goes on.
                Err(failure) => return swap.failed(failure),
            }
        }
        self.begin_handover(swap);
    }

    fn begin_handover(&mut self, swap: Box<Swap>) {
        let before = mem::replace(&mut self.state, State::Fallback);
        let State::Running(old) = before else { return };
        let limit_ms = self.config.handover_limit.as_millis() as u64;
        self.state = State::HandingOver(Box::new(HandOver {
            old,
            swap,
            order: Vec::new(),
            named: vec![0; (self.config.policy.max_entries as usize).div_ceil(64)],
            victims: Vec::new(),
            until_ms: self.config.clock.now_ms() + limit_ms,
        }));
    }

    /// One step towards the old policy's order.
    pub(super) fn ask_for_order(&mut self) {
        let now_ms = self.config.clock.now_ms();
        let State::HandingOver(handover) = &mut self.state else {
            return;
        };
        match handover.step(now_ms) {
            Ok(true) => {}
            Ok(false) => self.finish_handover(),
            Err(failure) => {
                // What it said before is as good as ever.
                self.shared.board.failed(&failure);
                self.finish_handover();
            }
        }
    }

    fn finish_handover(&mut self) {
        let before = mem::replace(&mut self.state, State::Fallback);
        let State::HandingOver(handover) = before else {
            return;
        };
        let HandOver { old, swap, order, .. } = *handover;
        drop(old);
        let entries = order.len() as u64;
        self.adopt(*swap, &order, Handover::Ordered { entries });
    }

    /// Installs a policy that knows nothing and has it told of every entry.
    fn adopt(&mut self, swap: Swap, order: &[u32], handover: Handover) {
        self.shared.residents.readmit_all(order);
        self.install(swap, handover, order.len());
    }

    fn install(&mut self, swap: Swap, handover: Handover, left: usize) {
        let Swap { source, config, instance, begun, reply } = swap;
        tracing::info!(
            group = %self.group, from = self.source.name(), to = source.name(), ?handover,
            "policy swapped"
        );
        self.state = State::Running(instance);
        let status = self.shared.board.read();
        let before = Before {
            source: mem::replace(&mut self.source, source),
            config: mem::replace(&mut self.config.policy, config),
            state: status.state,
            problem: status.problem,
        };
        self.strikes.forget();
        self.shared.board.runs(self.source.as_ref());
        self.admitting = Some(Admitting { reply, begun, handover, left, before });
    }
}
