//! Expired values: for the time in which the source does not answer (`stale-if-error`), and while
//! a new one is loaded (`stale-while-revalidate`).

use std::sync::Arc;
use std::time::Duration;

use super::{Group, Reply};
use crate::error::Error;
use crate::key;
use crate::telemetry::SourceEvent;
use crate::value::{Answer, Origin};

/// An expired value that is kept still.
struct Stale {
    answer: Answer,
    /// How long ago it has expired.
    age: Duration,
}

impl Group {
    /// The reply, or the expired value of `key` if that is a failure that may pass, the value
    /// is kept still, and this node holds the key.
    pub(super) fn or_stale(&self, key: &str, hash: u64, reply: Reply) -> Reply {
        let passes = |error: &Error| {
            matches!(
                error,
                Error::Unavailable { .. }
                    | Error::DeadlineExceeded { .. }
                    | Error::Overloaded { .. }
            )
        };
        if !reply.as_ref().is_err_and(passes) {
            return reply;
        }
        let stale_if_error = self.config.load().stale_if_error;
        let stale = self.stale(key, hash).filter(|stale| stale.age < stale_if_error);
        stale.map_or(reply, |stale| Ok(stale.answer))
    }

    /// The expired value of `key`, if a get need not wait for the source: a load in the
    /// background replaces it, or the source is known not to answer.
    pub(super) fn stale_at_once(self: &Arc<Self>, key: &str, hash: u64) -> Option<Reply> {
        let Stale { answer, age } = self.stale(key, hash)?;
        let config = self.config.load();
        if age < config.stale_while_revalidate {
            return Some(self.refresh(key, hash, SourceEvent::Revalidated).unwrap_or(Ok(answer)));
        }
        let asks = self.source_health.may_be_asked(self.parts.clock.now_ms(), config.breaker);
        (!asks && age < config.stale_if_error).then_some(Ok(answer))
    }

    /// Drops the expired value of `key`, about which the source has said something newer that is
    /// not stored.
    pub(super) fn drop_stale(&self, key: &str, hash: u64) {
        if self.parts.store.expired(key, hash).is_some() {
            self.parts.store.remove(key, hash);
        }
    }

    /// Like a live value, an expired one is dropped by a change of its key and by the loss of
    /// the key, so that it is as old as the last load and not older.
    fn stale(&self, key: &str, hash: u64) -> Option<Stale> {
        let (value, expired_ms) = self.parts.store.expired(key, hash)?;
        let holds = self.parts.ownership.holds(key::ring_hash(key));
        let answer = Answer { value, origin: Origin::Stale, ttl: Some(Duration::ZERO) };
        holds.then_some(Stale { answer, age: Duration::from_millis(expired_ms) })
    }
}
