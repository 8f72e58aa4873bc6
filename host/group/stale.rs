//! Expired values, for the time in which the source does not answer (`stale-if-error`).

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use super::{Group, Reply};
use crate::error::Error;
use crate::key;
use crate::retriever::{FetchError, Fetched};
use crate::value::{Answer, Origin};

/// While the source does not answer, one get of an expired value asks it in so much time.
/// The others are answered at once.
const PROBE_EACH_MS: u64 = 1_000;

/// Whether the source answers.
#[derive(Debug, Default)]
pub(super) struct SourceHealth {
    /// When a get of an expired value asks the source next; 0: the last load was answered.
    /// Gets and loads of all keys share it. One that reads an older state loads once more
    /// or answers once more with an expired value, so nothing is ordered by it.
    probe_at_ms: AtomicU64,
}

impl SourceHealth {
    /// Notes how a load ended.
    pub(super) fn note(&self, fetched: &Result<Option<Fetched>, FetchError>, now_ms: u64) {
        let fails = matches!(
            fetched,
            Err(FetchError::Unavailable(_) | FetchError::Timeout(_) | FetchError::Broken(_))
        );
        self.probe_at_ms.store(if fails { now_ms + PROBE_EACH_MS } else { 0 }, Relaxed);
    }

    /// Whether a get that could be answered with an expired value is to ask the source.
    fn is_to_be_asked(&self, now_ms: u64) -> bool {
        let at_ms = self.probe_at_ms.load(Relaxed);
        let next_ms = now_ms + PROBE_EACH_MS;
        let is_first =
            || self.probe_at_ms.compare_exchange(at_ms, next_ms, Relaxed, Relaxed).is_ok();
        at_ms == 0 || at_ms <= now_ms && is_first()
    }
}

impl Group {
    /// The reply, or the expired value of `key` if that is a failure that may pass, the value
    /// is kept still, and this node holds the key.
    pub(super) fn or_stale(&self, key: &str, hash: u64, reply: Reply) -> Reply {
        let passes = |error: &Error| {
            matches!(error, Error::Unavailable { .. } | Error::DeadlineExceeded { .. })
        };
        if !reply.as_ref().is_err_and(passes) {
            return reply;
        }
        self.stale(key, hash).map_or(reply, Ok)
    }

    /// The expired value of `key`, if the source is known not to answer and need not be asked
    /// again yet.
    pub(super) fn stale_at_once(&self, key: &str, hash: u64) -> Option<Reply> {
        let stale = self.stale(key, hash)?;
        let asks = self.source_health.is_to_be_asked(self.parts.clock.now_ms());
        (!asks).then_some(Ok(stale))
    }

    /// Like a live value, an expired one is dropped by a change of its key and by the loss of
    /// the key, so that it is as old as the last load and not older.
    fn stale(&self, key: &str, hash: u64) -> Option<Answer> {
        let value = self.parts.store.expired(key, hash)?;
        let holds = self.parts.ownership.holds(key::ring_hash(key));
        holds.then_some(Answer { value, origin: Origin::Stale, ttl: Some(Duration::ZERO) })
    }
}
