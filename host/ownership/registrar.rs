//! The state of the task that keeps a node registered, and what it reports to operators.

use std::sync::Arc;
use std::time::Duration;

use rand::rngs::StdRng;

use super::problems::Part;
use super::right::Ownership;
use crate::backoff::Backoff;
use crate::flaw::{self, Flaw};
use crate::membership::registry::{Lease, Listing, Registry};
use crate::membership::view::Entry;

/// The pause between checks of a lease that has to end.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(100);

/// State that outlives an attempt to register, so that the next attempt finds a
/// transaction whose answer was lost.
pub(super) struct Registrar {
    pub(super) ownership: Arc<Ownership>,
    pub(super) registry: Arc<dyn Registry>,
    pub(super) own: Entry,
    /// The short and the long lease, and when they were last asked for.
    pub(super) leases: Option<Leases>,
    /// Spreads attempts. Seeded with the number of the process only, so that a simulation
    /// can be repeated.
    pub(super) random: StdRng,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Leases {
    pub(super) short: Lease,
    pub(super) long: Lease,
    pub(super) asked_ms: u64,
}

impl Registrar {
    // ---- Ending ----

    pub(super) async fn stop(&mut self, reason: &str) {
        self.ownership.stop(reason);
        self.ownership.copies_end().await;
        self.end_leases().await;
    }

    pub(super) async fn leave(&mut self) {
        if !flaw::is(Flaw::LeavesWithCopies) {
            self.ownership.copies_end().await;
        }
        self.end_leases().await;
    }

    pub(super) async fn end_leases(&mut self) {
        let Some(leases) = self.leases.take() else { return };
        let short = self.registry.revoke(leases.short.id);
        let (short, long) = futures::join!(short, self.registry.revoke(leases.long.id));
        if let Err(failure) = short.and(long) {
            tracing::debug!(%failure, "leases of this node run out by themselves");
        }
    }

    // ---- Reporting ----

    pub(super) fn note(&self, listing: &Listing) {
        let ignored = listing.ignored;
        if self.ownership.problems.set_ignored_keys(ignored) && ignored > 0 {
            tracing::warn!(ignored, "keys below the prefix in etcd are not PsyCache's");
        }
    }

    pub(super) async fn warn(&self) {
        // A user that may not read the version gets no warning.
        let Ok(warning) = self.registry.warning().await else { return };
        let text = warning.clone().unwrap_or_default();
        if self.ownership.problems.set_warning(warning) && !text.is_empty() {
            tracing::warn!("{text}");
        }
    }

    pub(super) fn in_reach(&self, part: Part) {
        if self.ownership.problems.set_registry(part, "") {
            tracing::info!("the registry answers");
            self.ownership.announce();
        }
    }

    pub(super) fn out_of_reach(&self, part: Part, problem: &str) {
        if self.ownership.problems.set_registry(part, problem) {
            tracing::warn!(problem, "the registry does not answer; it is tried again and again");
            self.ownership.announce();
        }
    }

    /// The pauses between attempts: from a fiftieth of the lease to the lease.
    pub(super) fn backoff(&self) -> Backoff {
        let lease = self.ownership.timing().lease;
        Backoff::new(lease / 50, lease)
    }
}
