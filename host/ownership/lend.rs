//! Whether a holder may lend a value, and when lent copies have ended (rule 10).

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::knowledge::ms;
use super::right::{FOR_EVER, Ownership};
use super::timing::LENT_DRIFT;
use crate::copies::LENT_FOR;

impl Ownership {
    /// For how many milliseconds a value may be lent now: not beyond this node's own
    /// certainty, and not at all while a joiner waits for copies to end (rule 10).
    #[must_use]
    pub fn may_lend_ms(&self) -> u64 {
        if self.joiners.load(Ordering::Acquire) > 0 {
            return 0;
        }
        match self.certain_until_ms.load(Ordering::Acquire) {
            // With a static list no node joins.
            FOR_EVER => FOR_EVER,
            until_ms => until_ms.saturating_sub(self.clock.now_ms()),
        }
    }

    /// Assumes that the previous process at this address may have lent copies until now.
    pub(super) fn expect_copies_of_before(&self) {
        let until_ms = self.clock.now_ms() + ms(LENT_FOR + LENT_DRIFT);
        self.lent_before_until_ms.store(until_ms, Ordering::Release);
    }

    /// Withdraws that assumption: there was no such process, or its copies have ended.
    pub(super) fn no_copies_of_before(&self) {
        self.lent_before_until_ms.store(0, Ordering::Release);
    }

    /// Until when copies may live that the previous process at this address lent; 0:
    /// there are none.
    #[must_use]
    pub fn lent_before_until_ms(&self) -> u64 {
        self.lent_before_until_ms.load(Ordering::Acquire)
    }

    /// Returns when all lent copies have ended. The caller ensures that nothing is lent
    /// meanwhile.
    pub(super) async fn copies_end(&self) {
        let lent = self.holdings().into_iter().map(|holdings| holdings.lent_until_ms());
        let until_ms = lent.max().unwrap_or(0).max(self.lent_before_until_ms());
        let rest_ms = until_ms.saturating_sub(self.clock.now_ms());
        if rest_ms > 0 {
            self.clock.sleep(Duration::from_millis(rest_ms)).await;
        }
    }
}
