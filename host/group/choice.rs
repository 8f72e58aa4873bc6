//! Why a group has its policy, where the node chooses it.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::sync::Mutex;

/// What the node found and did last, and how often it changed the policy.
#[derive(Debug, Default)]
pub struct Choice {
    /// For people; empty where the node does not choose. Locked to copy or replace it.
    reason: Mutex<String>,
    better: AtomicU64,
    undone: AtomicU64,
    failed: AtomicU64,
}

impl Choice {
    /// Notes what was found.
    pub fn note(&self, reason: String) {
        *self.reason.lock() = reason;
    }

    /// Counts a change to a better policy.
    pub fn count_better(&self) {
        self.better.fetch_add(1, Relaxed);
    }

    /// Counts a change back.
    pub fn count_undone(&self) {
        self.undone.fetch_add(1, Relaxed);
    }

    /// Counts a change from a policy that failed.
    pub fn count_failed(&self) {
        self.failed.fetch_add(1, Relaxed);
    }

    /// Why the group has its policy; empty where the node does not choose it.
    #[must_use]
    pub fn reason(&self) -> String {
        self.reason.lock().clone()
    }

    /// Changes by their reason; none where the node does not choose.
    #[must_use]
    pub fn changes(&self) -> Vec<(&'static str, u64)> {
        match self.reason.lock().is_empty() {
            true => Vec::new(),
            false => vec![
                ("better", self.better.load(Relaxed)),
                ("undone", self.undone.load(Relaxed)),
                ("failed", self.failed.load(Relaxed)),
            ],
        }
    }
}
