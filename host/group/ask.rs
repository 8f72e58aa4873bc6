//! One load's questions to the source: retries while it is unavailable, and none while it has
//! been unavailable for long (`retries`, `breaker`).

use std::time::Duration;

use tracing::{Instrument, Span};

use super::{Group, GroupConfig};
use crate::backoff::Backoff;
use crate::error::Error;
use crate::retriever::{Answer, FetchError, SharedRetriever};
use crate::telemetry::{LoadOutcome, SourceEvent, propagation, spans};

/// The pause before the first retry, which doubles with each up to the longest. Half of it is
/// left to chance, so that loads that failed together do not come back together.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// What came of a load.
pub(super) enum Asked {
    /// The source was asked.
    Answered(Answer),
    /// It was not, because `failures` loads in a row found it unavailable. It is asked again in
    /// `next_ms`.
    NotBegun { failures: u32, next_ms: u64 },
}

impl Asked {
    pub(super) fn outcome(&self) -> LoadOutcome {
        match self {
            Self::Answered(answer) => outcome(answer),
            Self::NotBegun { .. } => LoadOutcome::Breaker,
        }
    }

    /// Records in the span of a load how it ended.
    pub(super) fn note(&self, span: &Span) {
        match self {
            Self::Answered(answer) => note(span, answer),
            Self::NotBegun { .. } => {
                spans::loaded(span, self.outcome(), &"the source was unavailable for long");
            }
        }
    }
}

impl Group {
    /// Asks the source within the group's time limit, again and again while that may help. The
    /// retriever gets the limit too, but may not enforce it.
    pub(super) async fn ask(
        &self,
        retriever: &SharedRetriever,
        key: &str,
        asked: &(dyn Fn() + Sync),
    ) -> Asked {
        let config = self.config.load_full();
        let (limit, began_ms) = (config.load_timeout, self.parts.clock.now_ms());
        let span = spans::retrieve(retriever.name());
        let asking = self.ask_again(&config, retriever, key, asked);
        let asking = self.parts.clock.timeout(limit, asking).instrument(span.clone()).await;
        let asked = asking.unwrap_or_else(|_| {
            let late = Err(FetchError::Timeout(limit));
            self.source_health.note(&late, began_ms, self.parts.clock.now_ms());
            Asked::Answered(late)
        });
        asked.note(&span);
        asked
    }

    async fn ask_again(
        &self,
        config: &GroupConfig,
        retriever: &SharedRetriever,
        key: &str,
        asked: &(dyn Fn() + Sync),
    ) -> Asked {
        let clock = &self.parts.clock;
        let began_ms = clock.now_ms();
        let end_ms = began_ms + config.load_timeout.as_millis() as u64;
        let left = || Duration::from_millis(end_ms.saturating_sub(clock.now_ms()));
        let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
        let mut retries = 0..config.retries;
        let mut within = config.load_timeout;
        loop {
            if let Some(not_begun) = self.broken(config, retriever, left()).await {
                return not_begun;
            }
            let answer = retriever.fetch_telling(key, within, asked).await;
            let may_pass = matches!(answer, Err(FetchError::Unavailable(_)));
            let again = may_pass
                && !self.source_health.is_broken(config.breaker)
                && retries.next().is_some();
            let pause = again.then(|| backoff.spread_pause(&mut rand::rng()));
            let Some(pause) = pause.filter(|pause| *pause < left()) else {
                self.source_health.note(&answer, began_ms, clock.now_ms());
                return Asked::Answered(answer);
            };
            self.counters.count_source_event(SourceEvent::Retry);
            clock.sleep(pause).await;
            within = left();
        }
    }

    /// Says that a load is not to ask the source, which was unavailable for too many loads in a
    /// row. One load in a while asks all the same: by the retriever's probe first, if it has
    /// one.
    async fn broken(
        &self,
        config: &GroupConfig,
        retriever: &SharedRetriever,
        left: Duration,
    ) -> Option<Asked> {
        let (health, clock) = (&self.source_health, &self.parts.clock);
        if !health.is_broken(config.breaker) {
            return None;
        }
        if health.is_to_be_asked(clock.now_ms()) {
            let began_ms = clock.now_ms();
            let probed = retriever.probe(left)?.await;
            health.note(&probed, began_ms, clock.now_ms());
            return probed.err().map(|error| Asked::Answered(Err(error)));
        }
        let (failures, next_ms) = health.outage(clock.now_ms());
        Some(Asked::NotBegun { failures, next_ms })
    }

    /// Asks the source by the retriever's probe, if it has one, so that the status shows whether
    /// it answers before the first load.
    pub(super) async fn probe_source(&self) {
        let Some(retriever) = self.parts.source.retriever() else { return };
        let Some(probe) = retriever.probe(self.config.load().load_timeout) else { return };
        let began_ms = self.parts.clock.now_ms();
        let probed = probe.await;
        if let Err(problem) = &probed {
            let (group, source) = (&self.name, retriever.name());
            tracing::warn!(group, source, %problem, "The data source does not answer");
        }
        self.source_health.note(&probed, began_ms, self.parts.clock.now_ms());
    }

    fn source_named(&self, source: &str) -> String {
        format!("the source {source:?} of group {:?}", self.name)
    }

    /// The error that callers get for a load that did not ask the source.
    pub(super) fn not_begun(&self, source: &str, failures: u32, next_ms: u64) -> Error {
        let reason = format!(
            "it was unavailable {failures} times in a row, and is asked again in {next_ms} ms"
        );
        Error::Unavailable { who: self.source_named(source), reason }
    }

    /// The error that callers get for a failure of the source.
    pub(super) fn failure(&self, source: &str, error: FetchError) -> Error {
        let who = || self.source_named(source);
        match error {
            FetchError::Unavailable(reason) => Error::Unavailable { who: who(), reason },
            FetchError::Rejected(reason) => Error::SourceRejected { reason },
            FetchError::Full(waiting) => Error::Overloaded { group: self.name.clone(), waiting },
            FetchError::BadKey(problem) => Error::InvalidKey { problem },
            FetchError::BadValue(reason) => Error::BadValue { reason },
            FetchError::Timeout(after) => Error::DeadlineExceeded { after },
            FetchError::Broken(reason) => {
                if let Some(unsaid) = self.broken.admit() {
                    tracing::warn!(
                        group = self.name,
                        source,
                        reason,
                        unsaid,
                        "the retriever failed"
                    );
                }
                let reason = match propagation::trace_id() {
                    Some(trace) => format!("{reason}; trace {trace}"),
                    None => reason,
                };
                Error::Unavailable { who: who(), reason }
            }
        }
    }
}

/// Records in a span how a load ended.
fn note(span: &Span, fetched: &Answer) {
    let words: &dyn std::fmt::Display = match fetched {
        Ok(_) => &"",
        Err(error) => error,
    };
    spans::loaded(span, outcome(fetched), words);
}

fn outcome(fetched: &Answer) -> LoadOutcome {
    match fetched {
        Ok(Some(_)) => LoadOutcome::Found,
        Ok(None) => LoadOutcome::NotFound,
        Err(FetchError::Unavailable(_)) => LoadOutcome::Unavailable,
        Err(FetchError::Rejected(_)) => LoadOutcome::Rejected,
        Err(FetchError::BadKey(_)) => LoadOutcome::BadKey,
        Err(FetchError::BadValue(_)) => LoadOutcome::BadValue,
        Err(FetchError::Timeout(_)) => LoadOutcome::Timeout,
        Err(FetchError::Broken(_)) => LoadOutcome::Broken,
        Err(FetchError::Full(_)) => LoadOutcome::Overloaded,
    }
}
