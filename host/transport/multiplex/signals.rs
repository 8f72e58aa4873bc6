//! What the askers of a node and the keeper of its connection tell each other, beside
//! the requests.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

/// Shared by a link and its keeper.
#[derive(Default)]
pub(super) struct Signals {
    /// Signs of life, counted: an asker that sees the same number twice has heard of
    /// nothing between.
    heard: AtomicU64,
    /// Somebody waits, and wants a sign of life.
    doubted: Notify,
    /// Somebody has asked since the keeper last looked, and found no connection.
    wanted: AtomicBool,
    /// Wakes a keeper that waits for that.
    woken: Notify,
}

impl Signals {
    pub(super) fn heard(&self) -> u64 {
        self.heard.load(Ordering::Relaxed)
    }

    /// The node has sent something.
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

    /// Whether somebody wanted a connection since this was last asked.
    pub(super) fn was_wanted(&self) -> bool {
        self.wanted.swap(false, Ordering::AcqRel)
    }

    /// Waits until somebody does.
    pub(super) async fn wanted(&self) {
        // A permit may be left of somebody who was served meanwhile.
        while !self.was_wanted() {
            self.woken.notified().await;
        }
    }
}
