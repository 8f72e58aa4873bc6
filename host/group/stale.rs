//! Expired values, for the time in which the source does not answer (`stale-if-error`).

use std::time::Duration;

use super::{Group, Reply};
use crate::error::Error;
use crate::key;
use crate::value::{Answer, Origin};

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

    /// Drops the expired value of `key`, about which the source has said something newer that is
    /// not stored.
    pub(super) fn drop_stale(&self, key: &str, hash: u64) {
        if self.parts.store.expired(key, hash).is_some() {
            self.parts.store.remove(key, hash);
        }
    }

    /// Like a live value, an expired one is dropped by a change of its key and by the loss of
    /// the key, so that it is as old as the last load and not older.
    fn stale(&self, key: &str, hash: u64) -> Option<Answer> {
        let value = self.parts.store.expired(key, hash)?;
        let holds = self.parts.ownership.holds(key::ring_hash(key));
        holds.then_some(Answer { value, origin: Origin::Stale, ttl: Some(Duration::ZERO) })
    }
}
