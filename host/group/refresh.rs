//! Loads that no get waits for: of values that will expire soon and are in use
//! (`refresh-ahead`), and of values that have expired a short time ago
//! (`stale-while-revalidate`).
//!
//! Such a load is a flight like any other: gets that miss join it, and a change of its key
//! interrupts it, so that it never overwrites what was set or removed after it began.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use tracing::{Instrument, Span};

use super::singleflight::{Joined, Load};
use super::{Group, Reply, held_answer};
use crate::key;
use crate::retriever::SharedRetriever;
use crate::store::Found;
use crate::telemetry::{SourceEvent, spans};

/// The pause before values are loaded again ahead of their deadlines, after such a load has failed.
/// Without it each hit of a key that the source refuses would begin another load.
const PAUSE_MS: u64 = 1_000;

impl Group {
    /// Loads the value of `key` again if that is its time. Called for each hit of a value that may
    /// be.
    #[inline]
    pub(super) fn refresh_ahead(self: &Arc<Self>, key: &str, hash: u64, left_ms: u64) {
        if left_ms < self.refresh_below_ms.load(Relaxed) {
            self.refresh_held(key, hash);
        }
    }

    #[cold]
    fn refresh_held(self: &Arc<Self>, key: &str, hash: u64) {
        let is_paused = self.parts.clock.now_ms() < self.no_refresh_before_ms.load(Relaxed);
        if !is_paused && self.parts.ownership.holds(key::ring_hash(key)) {
            drop(self.refresh(key, hash, SourceEvent::RefreshedAhead));
        }
    }

    /// Begins a load of `key`, which this node holds, unless one is under way, no place is free
    /// at the source, or the source does not answer. Returns the value that a load has brought
    /// meanwhile, if one has.
    pub(super) fn refresh(
        self: &Arc<Self>,
        key: &str,
        hash: u64,
        reason: SourceEvent,
    ) -> Option<Reply> {
        let retriever = self.parts.source.retriever()?;
        let now_ms = self.parts.clock.now_ms();
        let breaker = self.config.load().breaker;
        if retriever.is_busy() || !self.source_health.may_be_asked(now_ms, breaker) {
            self.counters.count_source_event(SourceEvent::RefreshDropped);
            return None;
        }
        let below_ms = self.refresh_below_ms.load(Relaxed);
        let renewed = |found: &Found| found.left_ms.is_none_or(|left_ms| left_ms >= below_ms);
        let recheck = || self.parts.store.peek(key, hash).filter(renewed).map(held_answer::answer);
        match self.flights.join(key, hash, recheck, || spans::flight(&self.name)) {
            Joined::Ready(reply) => Some(reply),
            Joined::Follower(_) => None,
            Joined::Leader(flight, waiter) => {
                self.counters.count_source_event(reason);
                // Without this the load would end when the waiter is dropped.
                flight.go_on();
                let label = waiter.label().clone();
                let (group, key) = (Arc::clone(self), key.into());
                let load = group.load_again(retriever, key, hash, flight);
                tokio::spawn(load.instrument(label));
                None
            }
        }
    }

    /// Like [`load_and_keep`](Self::load_and_keep), but never asks the previous owner, which has
    /// nothing newer.
    async fn load_again(
        self: Arc<Self>,
        retriever: SharedRetriever,
        key: Box<str>,
        hash: u64,
        flight: Load<Reply, Span>,
    ) {
        if let Some((reply, entry)) = self.load(&retriever, &key, &flight).await {
            if reply.is_err() {
                let until_ms = self.parts.clock.now_ms() + PAUSE_MS;
                self.no_refresh_before_ms.store(until_ms, Relaxed);
            }
            self.land(flight, &key, hash, reply, entry, || true).await;
        }
    }
}
