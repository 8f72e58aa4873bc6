//! Loads of keys that this node does not hold, shared only by gets that began before the
//! load (rule 5).
//!
//! One load of a key runs at a time. Gets that arrive meanwhile share the next one.

use std::sync::Arc;

use hashbrown::HashMap;
use tokio::sync::Mutex as Turn;
use tracing::Span;

use super::reply::Reply;
use super::singleflight::{Flights, Joined};
use crate::sync::Mutex;

/// Loads that wait for the previous load of their key, and loads that run.
pub(super) struct FreshLoads {
    /// Loads that have not begun, so gets may still join them.
    waiting: Arc<Flights<Reply, Span>>,
    /// A lock for each key that is being loaded or waits to be. A load runs under it.
    turns: Mutex<HashMap<Box<str>, Arc<Turn<()>>>>,
}

impl FreshLoads {
    pub(super) fn new() -> Self {
        Self { waiting: Flights::new(), turns: Mutex::default() }
    }

    /// Joins the load of `key` that has not begun, or creates one.
    pub(super) fn join(
        &self,
        key: &str,
        hash: u64,
        label: impl FnOnce() -> Span,
    ) -> Joined<Reply, Span> {
        self.waiting.join(key, hash, || None, label)
    }

    /// Waits until the previous load of the key has ended, then runs `load`. From then on
    /// no get joins it.
    pub(super) async fn in_turn<T>(
        &self,
        key: &str,
        hash: u64,
        load: impl AsyncFnOnce() -> T,
    ) -> T {
        let turn = Arc::clone(self.turns.lock().entry(key.into()).or_default());
        let _tidy = Tidy { turns: &self.turns, key };
        let _mine = turn.lock().await;
        self.waiting.interrupt(key, hash, || ());
        load().await
    }
}

/// Removes the lock of a key from the table if no other load waits for it, however this
/// load ended. It is dropped after the lock's guard and before this load's handle.
struct Tidy<'a> {
    turns: &'a Mutex<HashMap<Box<str>, Arc<Turn<()>>>>,
    key: &'a str,
}

impl Drop for Tidy<'_> {
    fn drop(&mut self) {
        let mut turns = self.turns.lock();
        // Two handles are this load's and the table's: no other load waits.
        if turns.get(self.key).is_some_and(|known| Arc::strong_count(known) <= 2) {
            turns.remove(self.key);
        }
    }
}
