//! Signals between the callers of a node and the keeper of its connection.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

/// Shared by a connection and its keeper.
#[derive(Default)]
pub(super) struct Signals {
    /// Counts signs of life. If a caller reads the same number twice, there was none in
    /// between.
    heard: AtomicU64,
    /// Wakes the keeper when a caller wants a sign of life.
    doubted: Notify,
    /// Whether a request found no connection since the keeper last checked.
    wanted: AtomicBool,
    /// Wakes the keeper when `wanted` is set.
    woken: Notify,
}

impl Signals {
    pub(super) fn heard(&self) -> u64 {
        self.heard.load(Ordering::Relaxed)
    }

    /// Records a sign of life.
    pub(super) fn hear(&self) {
        self.heard.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn doubt(&self) {
        self.doubted.notify_one();
    }

    pub(super) fn doubted(&self) -> Notified<'_> {
        self.doubted.notified()
    }

    pub(super) fn want(&self) {
        // A plain load first: many may ask while there is no connection.
        if !self.wanted.load(Ordering::Relaxed) && !self.wanted.swap(true, Ordering::AcqRel) {
            self.woken.notify_one();
        }
    }

    /// Whether a connection was wanted since the last call of this.
    pub(super) fn was_wanted(&self) -> bool {
        self.wanted.swap(false, Ordering::AcqRel)
    }

    /// Waits until a connection is wanted.
    pub(super) async fn wanted(&self) {
        // A permit may be left over from a request that was served meanwhile.
        while !self.was_wanted() {
            self.woken.notified().await;
        }
    }
}
