//! What the worker's handle asks of its thread.

use std::mem;

use tokio::sync::oneshot;

use super::Failure;
use super::phase::Swap;
use crate::sync::Mutex;

/// Who waits for the policy's statistics.
pub(super) type StatisticsReply = oneshot::Sender<Result<Vec<(String, f64)>, Failure>>;

/// Commands that the thread has not seen. Behind a lock and no channel: a
/// [`Waker`](super::Waker) needs work to be published under one, and a newer swap takes
/// the place of one that waits.
#[derive(Default)]
pub(super) struct Inbox {
    commands: Mutex<Commands>,
}

/// What had come in.
#[derive(Default)]
pub(super) struct Commands {
    /// End the thread, whatever else there is.
    pub(super) stop: bool,
    /// The newest, should there be several.
    pub(super) swap: Option<Box<Swap>>,
    /// All get the same answer.
    pub(super) statistics: Vec<StatisticsReply>,
}

impl Inbox {
    /// All that came in since the last call. A stop stays.
    pub(super) fn take(&self) -> Commands {
        let mut commands = self.commands.lock();
        let stop = commands.stop;
        mem::replace(&mut *commands, Commands { stop, ..Commands::default() })
    }

    pub(super) fn stop(&self) {
        self.commands.lock().stop = true;
    }

    /// Drops all that came in and will come, which tells those who wait.
    pub(super) fn close(&self) {
        self.stop();
        drop(self.take());
    }

    /// Asks for a swap; an older one that has not begun fails.
    pub(super) fn swap(&self, swap: Box<Swap>) {
        let (before, too_late) = {
            let mut commands = self.commands.lock();
            if commands.stop { (None, Some(swap)) } else { (commands.swap.replace(swap), None) }
        };
        if let Some(swap) = before {
            swap.failed(Failure::Refused("a newer swap of this group took its place".into()));
        }
        // Dropped without an answer, as all are when the worker ends.
        drop(too_late);
    }

    pub(super) fn statistics(&self, reply: StatisticsReply) {
        let mut commands = self.commands.lock();
        if !commands.stop {
            commands.statistics.retain(|reply| !reply.is_closed());
            commands.statistics.push(reply);
        }
    }
}
