//! The tasks of a node that try policies.

use tokio::task::JoinSet;

use crate::sync::Mutex;

/// Tasks that end when the node stops. Dropping it aborts them.
#[derive(Debug)]
pub(super) struct Trials(Mutex<Option<JoinSet<()>>>);

impl Default for Trials {
    fn default() -> Self {
        Self(Mutex::new(Some(JoinSet::new())))
    }
}

impl Trials {
    /// Runs `work` in a task, unless the node stops.
    pub(super) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        if let Some(tasks) = &mut *self.0.lock() {
            // What has ended is let go.
            while tasks.try_join_next().is_some() {}
            tasks.spawn(work);
        }
    }

    /// Aborts all, and lets none begin. A policy that was swapped in is not swapped back: that
    /// the node ends says nothing of it.
    pub(super) fn stop_all(&self) {
        drop(self.0.lock().take());
    }
}
