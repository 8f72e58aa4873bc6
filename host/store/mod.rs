//! Local storage: entries in shards under one byte budget, each with its own
//! time to live.

use std::sync::Arc;

use bytes::Bytes;

use crate::clock::Clock;
use crate::error::Error;

/// How much a store may hold.
#[derive(Clone, Debug)]
pub struct Config {
    /// Bytes of keys, values and the fixed overhead of each entry.
    pub capacity_bytes: u64,
    /// Most entries at a time; `None`: as many as the capacity can hold.
    pub max_entries: Option<u32>,
}

/// Entries of one group.
pub struct Store {}

/// A live entry, as a reader gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// `None`: the source is known to have no such key.
    pub value: Option<Bytes>,
    /// When it expires on the store's clock; `None`: never.
    pub deadline_ms: Option<u64>,
}

/// What is kept.
#[derive(Clone, Debug)]
pub struct NewEntry {
    /// `None`: the source is known to have no such key.
    pub value: Option<Bytes>,
    /// When it expires on the store's clock; `None`: never.
    pub deadline_ms: Option<u64>,
    /// Microseconds that it took to load; 0 if it was set.
    pub cost_us: u32,
}

/// Room set aside for an entry; given back when dropped without a commit.
#[must_use]
pub struct Reservation {
    _store: Arc<Store>,
}

/// Why no room was set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoRoom {
    /// Never: it is larger than the whole capacity.
    TooLarge(Error),
    /// Not now: something must be evicted first.
    Full,
}

impl Store {
    /// An empty store. `wake` is called, from any thread and without a lock held,
    /// when the policy's lane has something to do.
    pub fn new(_config: Config, _clock: Clock, _wake: Box<dyn Fn() + Send + Sync>) -> Arc<Self> {
        Arc::new(Self {})
    }
}
