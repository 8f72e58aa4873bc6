//! Whether the source of a group answers at present.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use crate::retriever::{FetchError, Fetched};

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
        let fails = match fetched {
            // A plugin that traps says nothing of the source.
            Err(FetchError::Broken(_)) => return,
            fetched => matches!(fetched, Err(FetchError::Unavailable(_) | FetchError::Timeout(_))),
        };
        self.probe_at_ms.store(if fails { now_ms + PROBE_EACH_MS } else { 0 }, Relaxed);
    }

    /// Whether a get that could be answered with an expired value is to ask the source.
    pub(super) fn is_to_be_asked(&self, now_ms: u64) -> bool {
        let at_ms = self.probe_at_ms.load(Relaxed);
        let next_ms = now_ms + PROBE_EACH_MS;
        let is_first =
            || self.probe_at_ms.compare_exchange(at_ms, next_ms, Relaxed, Relaxed).is_ok();
        at_ms == 0 || at_ms <= now_ms && is_first()
    }
}
