//! What happens to the entries of a group when the right to hold keys changes (rules 2
//! and 9).

use std::sync::Arc;
use std::time::Duration;

use super::Group;
use crate::flaw::{self, Flaw};
use crate::key;
use crate::ownership::{Giver, Holdings};

impl Holdings for Group {
    fn rights_change(&self) {
        self.changes.note_gain();
        if !flaw::is(Flaw::FlightsSurviveLoss) {
            self.flights.interrupt_all(|| ());
        }
    }

    fn drop_lost(&self, owned: &dyn Fn(u64) -> bool, giver: &Giver) {
        if flaw::is(Flaw::LostEntriesStay) {
            return;
        }
        self.inheritance.tidy(owned, self.parts.clock.now_ms());
        let mut refused = 0_u64;
        self.parts.store.retain(
            |name| owned(key::ring_hash(name)),
            |held| {
                if let Some((_, heir)) = giver.newcomer
                    && let Some(held) = held()
                {
                    refused += u64::from(!self.inheritance.keep(held, heir, giver.until_ms));
                }
            },
        );
        self.counters.not_handed_over(refused);
        // Without a runtime there are no other nodes, and so nothing to expire.
        if giver.newcomer.is_some()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let (left, clock) = (Arc::clone(&self.inheritance), self.parts.clock.clone());
            let rest_ms = giver.until_ms.saturating_sub(clock.now_ms());
            runtime.spawn(async move {
                clock.sleep(Duration::from_millis(rest_ms)).await;
                left.expire(clock.now_ms());
            });
        }
    }

    fn forget(&self) -> u64 {
        if flaw::is(Flaw::MemorySurvivesStop) {
            return 0;
        }
        self.changes.note_gain();
        let dropped = self.flights.interrupt_all(|| self.parts.store.clear());
        self.inheritance.clear();
        self.copies.clear();
        dropped
    }

    fn lent_until_ms(&self) -> u64 {
        self.lender.any_out_until_ms()
    }
}
