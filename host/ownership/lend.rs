//! Whether a holder may lend what it holds, and the end of what is lent. Rule 10.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::knowledge::ms;
use super::right::{FOR_EVER, Ownership};
use super::timing::{LENT_DRIFT, LENT_FOR};

impl Ownership {
    /// Whether a value may be lent now, and for how long at most: not beyond this node's
    /// own certainty, and not while somebody waits for the copies to end (rule 10).
    #[must_use]
    pub fn may_lend_ms(&self) -> u64 {
        if self.joiners.load(Ordering::Acquire) > 0 {
            return 0;
        }
        match self.certain_until_ms.load(Ordering::Acquire) {
            // By a list there is nobody to join.
            FOR_EVER => FOR_EVER,
            until_ms => until_ms.saturating_sub(self.clock.now_ms()),
        }
    }

    /// Takes into account that a process before this one may have lent copies at this
    /// address until now, of which this one knows nothing.
    pub(super) fn expect_copies_of_before(&self) {
        let until_ms = self.clock.now_ms() + ms(LENT_FOR + LENT_DRIFT);
        self.lent_before_until_ms.store(until_ms, Ordering::Release);
    }

    /// There was no such process, or its copies ended with its record.
    pub(super) fn no_copies_of_before(&self) {
        self.lent_before_until_ms.store(0, Ordering::Release);
    }

    /// Until when copies may be out that a process before this one lent at this address;
    /// 0: none is.
    #[must_use]
    pub fn lent_before_until_ms(&self) -> u64 {
        self.lent_before_until_ms.load(Ordering::Acquire)
    }

    /// Returns when no value is lent any more. Nothing may be lent meanwhile.
    pub(super) async fn copies_end(&self) {
        let lent = self.holdings().into_iter().map(|holdings| holdings.lent_until_ms());
        let until_ms = lent.max().unwrap_or(0).max(self.lent_before_until_ms());
        let rest_ms = until_ms.saturating_sub(self.clock.now_ms());
        if rest_ms > 0 {
            self.clock.sleep(Duration::from_millis(rest_ms)).await;
        }
    }
}
