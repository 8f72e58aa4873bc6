//! What the handle asks of the lane's thread.

use std::mem;

use tokio::sync::oneshot;

use crate::sync::Mutex;

use super::Failure;
use super::handover::Swap;

/// Who waits for the policy's statistics.
pub(super) type StatisticsReply = oneshot::Sender<Result<Vec<(String, f64)>, Failure>>;

/// Requests not yet seen by the lane. Behind a lock and no channel, because a
/// [`Bell`](super::Bell) needs its work published under one.
#[derive(Default)]
pub(super) struct Mailbox {
    letters: Mutex<Letters>,
}

/// What had come in.
#[derive(Default)]
pub(super) struct Letters {
    /// End the thread, whatever else there is.
    pub(super) stop: bool,
    /// The newest, should there be several.
    pub(super) swap: Option<Box<Swap>>,
    /// All get the same answer.
    pub(super) statistics: Vec<StatisticsReply>,
}

impl Mailbox {
    /// All that came in since the last call. A stop stays.
    pub(super) fn take(&self) -> Letters {
        let mut letters = self.letters.lock();
        let stop = letters.stop;
        mem::replace(&mut *letters, Letters { stop, ..Letters::default() })
    }

    pub(super) fn stop(&self) {
        self.letters.lock().stop = true;
    }

    /// Drops all that came in and will come, which tells those who wait.
    pub(super) fn close(&self) {
        self.stop();
        drop(self.take());
    }

    /// Leaves a swap; an older one that was not begun yet fails.
    pub(super) fn swap(&self, swap: Box<Swap>) {
        let (before, too_late) = {
            let mut letters = self.letters.lock();
            if letters.stop { (None, Some(swap)) } else { (letters.swap.replace(swap), None) }
        };
        if let Some(swap) = before {
            swap.failed(Failure::Refused("a newer swap of this group took its place".into()));
        }
        // Dropped without an answer, as all are when the lane ends.
        drop(too_late);
    }

    pub(super) fn statistics(&self, reply: StatisticsReply) {
        let mut letters = self.letters.lock();
        if !letters.stop {
            letters.statistics.retain(|reply| !reply.is_closed());
            letters.statistics.push(reply);
        }
    }
}
