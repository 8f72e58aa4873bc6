//! Whether a holder may lend what it holds, and the end of what is lent. Rule 10.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::right::{FOR_EVER, Ownership};

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

    /// Until when copies may be out that the process before this one lent, at this address
    /// and by a list; 0: none is. With leases it held them no longer than those.
    #[must_use]
    pub fn lent_before_until_ms(&self) -> u64 {
        self.lent_before_until_ms.load(Ordering::Acquire)
    }

    /// Returns when no value is lent any more. Nothing may be lent meanwhile.
    pub(super) async fn copies_end(&self) {
        let lent = self.holdings().into_iter().map(|holdings| holdings.lent_until_ms());
        let rest_ms = lent.max().unwrap_or(0).saturating_sub(self.clock.now_ms());
        if rest_ms > 0 {
            self.clock.sleep(Duration::from_millis(rest_ms)).await;
        }
    }
}
