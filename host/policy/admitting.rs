//! The last part of a swap: the new policy is told of every entry, and has to
//! live through that. Until it did, the way back is open.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::oneshot;

use super::handover::{Handover, Swapped};
use super::machine::{Machine, State};
use super::status::LaneState;
use super::{Failure, PolicyConfig, PolicySource};

/// A swap whose entries are on their way to the new policy.
pub(super) struct Admitting {
    pub(super) reply: oneshot::Sender<Result<Swapped, Failure>>,
    pub(super) begun: Instant,
    pub(super) handover: Handover,
    /// Admissions still to be told before those of the order are through.
    pub(super) left: usize,
    pub(super) before: Before,
}

/// What a swap that comes to nothing goes back to.
pub(super) struct Before {
    pub(super) source: Arc<dyn PolicySource>,
    pub(super) config: PolicyConfig,
    /// Whether it ran, and if not, why.
    pub(super) state: LaneState,
    pub(super) problem: Option<String>,
}

impl Admitting {
    pub(super) fn done(self) {
        let swapped = Swapped { handover: self.handover, took: self.begun.elapsed() };
        // Who asked may have stopped waiting.
        let _ = self.reply.send(Ok(swapped));
    }
}

impl Machine {
    /// Answers a swap once the new policy was told of those in the order.
    pub(super) fn note_admitted(&mut self, more: bool) {
        let Some(admitting) = &mut self.admitting else {
            return;
        };
        admitting.left = admitting.left.saturating_sub(self.batch.admitted.len());
        if (admitting.left == 0 || !more)
            && let Some(admitting) = self.admitting.take()
        {
            admitting.done();
        }
    }

    /// The new policy failed before it knew the entries: the old one comes back,
    /// as a new instance, and who swapped is told why.
    pub(super) fn go_back(&mut self, admitting: Admitting, failure: &Failure) {
        let Admitting { reply, before, .. } = admitting;
        self.shared.board.failed(failure);
        tracing::warn!(
            group = %self.group, policy = self.source.name(), problem = %failure,
            back_to = before.source.name(), "policy failed while it took over: swap undone"
        );
        self.source = before.source;
        self.config.policy = before.config;
        if before.state == LaneState::Fallback {
            self.shared.board.shows(self.source.as_ref(), before.state, before.problem);
        } else {
            self.state = State::Recovering { until_ms: 0 };
            let problem = Some("its successor failed".to_owned());
            self.shared.board.shows(self.source.as_ref(), LaneState::Recovering, problem);
        }
        let _ = reply.send(Err(failure.clone()));
    }
}
