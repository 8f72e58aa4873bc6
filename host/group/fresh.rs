//! Loads of a node that does not hold the key [rule 5]: shared only by gets that began
//! before the load did. One at a time a key; those that come meanwhile share the next.

use std::sync::Arc;

use hashbrown::HashMap;
use tokio::sync::Mutex as Turn;
use tracing::Span;

use super::reply::Reply;
use super::singleflight::{Flights, Joined, Load, Waiter};
use crate::sync::Mutex;

/// Loads that wait for their turn, and those that have it.
pub(super) struct FreshLoads {
    /// May be joined: none of them has begun.
    waiting: Arc<Flights<Reply, Span>>,
    /// By key, for as long as somebody loads it or waits to. Who has the turn loads.
    turns: Mutex<HashMap<Box<str>, Arc<Turn<()>>>>,
}

/// What a caller has to do.
pub(super) enum Asked {
    /// Start the load apart from itself, and wait for it.
    Leads(Load<Reply, Span>, Waiter<Reply, Span>),
    /// Wait.
    Follows(Waiter<Reply, Span>),
}

impl FreshLoads {
    pub(super) fn new() -> Self {
        Self { waiting: Flights::new(), turns: Mutex::default() }
    }

    /// Joins the load of `key` that has not begun, or makes one.
    pub(super) fn ask(&self, key: &str, hash: u64, label: impl FnOnce() -> Span) -> Asked {
        match self.waiting.join(key, hash, || None, label) {
            Joined::Leader(load, waiter) => Asked::Leads(load, waiter),
            Joined::Follower(waiter) => Asked::Follows(waiter),
            Joined::Ready(_) => unreachable!("there is nothing to be ready"),
        }
    }

    /// Runs `load` when the one before it of the same key has ended. From then on
    /// nobody joins it.
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

/// Takes a turn out of the table when nobody waits for it, however its load ended. Dropped
/// after the turn, whose handle it does not count.
struct Tidy<'a> {
    turns: &'a Mutex<HashMap<Box<str>, Arc<Turn<()>>>>,
    key: &'a str,
}

impl Drop for Tidy<'_> {
    fn drop(&mut self) {
        let mut turns = self.turns.lock();
        // This one's handle and the table's: nobody waits.
        if turns.get(self.key).is_some_and(|known| Arc::strong_count(known) <= 2) {
            turns.remove(self.key);
        }
    }
}
