//! What the group's policy is, by the word of the worker thread.

use std::sync::Arc;

use super::{PolicyConfig, PolicySource};
use crate::sync::Mutex;

/// The policy that took over last, and its parameters. The thread writes it before it answers who
/// asked for the change: a caller that waits no more changes nothing about it.
pub(super) struct Live(Mutex<(Arc<dyn PolicySource>, PolicyConfig)>);

impl Live {
    pub(super) fn of(source: &Arc<dyn PolicySource>, config: &PolicyConfig) -> Self {
        Self(Mutex::new((Arc::clone(source), config.clone())))
    }

    pub(super) fn read(&self) -> (Arc<dyn PolicySource>, PolicyConfig) {
        self.0.lock().clone()
    }

    pub(super) fn set(&self, source: &Arc<dyn PolicySource>, config: &PolicyConfig) {
        *self.0.lock() = (Arc::clone(source), config.clone());
    }
}
