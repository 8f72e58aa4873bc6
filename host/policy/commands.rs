//! Commands from the worker's handle to its thread.

use std::mem;

use tokio::sync::oneshot;

use super::Failure;
use super::phase::{Resize, Swap};
use crate::sync::Mutex;

/// Where the policy's statistics are sent.
pub(super) type StatisticsReply = oneshot::Sender<Result<Vec<(String, f64)>, Failure>>;

/// Commands that the thread has not taken yet. This is a lock and not a channel because
/// a [`Waker`](super::Waker) requires work to be published under a lock, and because a
/// newer swap replaces a pending one.
#[derive(Default)]
pub(super) struct Inbox {
    commands: Mutex<Commands>,
}

/// Pending commands.
#[derive(Default)]
pub(super) struct Commands {
    /// End the thread and ignore the other commands.
    pub(super) stop: bool,
    /// The newest swap that was requested.
    pub(super) swap: Option<Box<Swap>>,
    /// The newest change of the limits that was requested.
    pub(super) resize: Option<Resize>,
    /// All of them get the same answer.
    pub(super) statistics: Vec<StatisticsReply>,
}

impl Inbox {
    /// Takes the commands that were added since the last call. A stop is permanent: every
    /// later call returns it too.
    pub(super) fn take(&self) -> Commands {
        let mut commands = self.commands.lock();
        let stop = commands.stop;
        mem::replace(&mut *commands, Commands { stop, ..Commands::default() })
    }

    pub(super) fn stop(&self) {
        self.commands.lock().stop = true;
    }

    /// Drops all pending and all later commands. Dropping a command closes its reply
    /// channel, which ends the caller's wait.
    pub(super) fn close(&self) {
        self.stop();
        drop(self.take());
    }

    /// Requests a swap. A pending older one fails.
    pub(super) fn swap(&self, swap: Box<Swap>) {
        let (before, too_late) = {
            let mut commands = self.commands.lock();
            if commands.stop { (None, Some(swap)) } else { (commands.swap.replace(swap), None) }
        };
        if let Some(swap) = before {
            swap.failed(Failure::Refused("a newer swap of this group took its place".into()));
        }
        // Dropped without an answer, like all commands after the worker has ended.
        drop(too_late);
    }

    /// Requests new limits. A pending older request is dropped, which ends its wait.
    pub(super) fn resize(&self, resize: Resize) {
        let mut commands = self.commands.lock();
        if !commands.stop {
            commands.resize = Some(resize);
        }
    }

    pub(super) fn statistics(&self, reply: StatisticsReply) {
        let mut commands = self.commands.lock();
        if !commands.stop {
            commands.statistics.retain(|reply| !reply.is_closed());
            commands.statistics.push(reply);
        }
    }
}
