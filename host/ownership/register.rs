//! Registers a node: grants its leases, and puts its entry under them (rule 1).

use super::knowledge::ms;
use super::problems::Part;
use super::registrar::{LOOK_EVERY, Leases, Registrar};
use crate::membership::registry::{Registered, RegistryFailure};
use crate::membership::view::Entry;

/// Why a node is not registered.
pub(super) enum NotRegistered {
    Failed(RegistryFailure),
    Taken(Box<Entry>),
}

impl From<RegistryFailure> for NotRegistered {
    fn from(failure: RegistryFailure) -> Self {
        Self::Failed(failure)
    }
}

impl Registrar {
    pub(super) async fn register(&mut self) -> Result<(), NotRegistered> {
        let clock = self.ownership.clock.clone();
        self.let_copies_of_before_end().await?;
        let mut holder_ends = None;
        let mut renewals = 0;
        let (leases, name) = loop {
            let leases = self.leases().await?;
            match self.registry.register(&self.own, leases.short.id, leases.long.id).await? {
                Registered::Now(name) => break (leases, name),
                // An earlier attempt made the transaction, but its answer was lost.
                Registered::Before(member) if member.lease == leases.short.id => {
                    break (leases, member.name);
                }
                Registered::Before(holder) => {
                    let asked_ms = clock.now_ms();
                    if let Some(rest) =
                        self.registry.time_to_live(leases.short.cluster, holder.lease).await?
                    {
                        // The registry read the lease at some time between request and
                        // answer. A slow answer must not look like a renewed lease, so
                        // both bounds are used.
                        let (earliest_ms, latest_ms) =
                            (asked_ms + ms(rest), clock.now_ms() + ms(rest));
                        // etcd answers in whole seconds, so a smaller shift may be due to
                        // rounding.
                        if earliest_ms > *holder_ends.get_or_insert(latest_ms) + 1_200 {
                            (renewals, holder_ends) = (renewals + 1, Some(latest_ms));
                        }
                        // The last renewal of a process that was killed may have been on its way.
                        if renewals == 2 {
                            return Err(NotRegistered::Taken(Box::new(holder.entry)));
                        }
                    }
                    clock.sleep(LOOK_EVERY).await;
                }
            }
        };
        let listing = self.registry.list().await?;
        self.note(&listing);
        if listing.view.name_at(&self.own.address) != name {
            let problem = "the entry was removed right after it was made";
            return Err(RegistryFailure::Broken(problem.into()).into());
        }
        let ttl_ms = (ms(leases.short.ttl), ms(leases.long.ttl));
        self.ownership.step(|state| {
            state.view = listing.view.clone();
            state.register(name, leases.asked_ms, clock.now_ms(), ttl_ms);
            true
        });
        self.in_reach(Part::Watch);
        self.in_reach(Part::Lease);
        self.warn().await;
        Ok(())
    }

    /// Waits until all copies have ended that the previous process at this address lent
    /// (rule 10). If there is no record of the address, there was no recent process.
    async fn let_copies_of_before_end(&self) -> Result<(), RegistryFailure> {
        if self.ownership.lent_before_until_ms() > self.ownership.clock.now_ms() {
            let records = self.registry.list().await?.records;
            if records.iter().all(|record| record.address != self.own.address) {
                self.ownership.no_copies_of_before();
            }
        }
        self.ownership.copies_end().await;
        Ok(())
    }

    /// Returns the leases for a new registration. Those of the last attempt are used
    /// while they live, because its transaction may have been made.
    async fn leases(&mut self) -> Result<Leases, RegistryFailure> {
        let asked_ms = self.ownership.clock.now_ms();
        if let Some(known) = self.leases {
            let short = self.registry.keep_alive(known.short).await?;
            if short && self.registry.keep_alive(known.long).await? {
                let leases = Leases { asked_ms, ..known };
                self.leases = Some(leases);
                return Ok(leases);
            }
            self.end_leases().await;
        }
        let timing = self.ownership.timing();
        let short = self.registry.grant(timing.lease).await?;
        let long = self.registry.grant(timing.long_lease).await?;
        let leases = Leases { short, long, asked_ms };
        self.leases = Some(leases);
        // Each node computes with its own T, so all nodes must have the same T.
        if short.ttl != timing.lease {
            self.end_leases().await;
            let (granted, wanted) = (short.ttl, timing.lease);
            return Err(RegistryFailure::Refused(format!(
                "it grants a lease of {granted:?} where {wanted:?} was asked for; give all nodes \
                 the same --lease-ttl, {granted:?} say"
            )));
        }
        Ok(leases)
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "#[tokio::test] blocks on its runtime")]
mod tests {
    use std::sync::Arc;

    use rand::SeedableRng;
    use rand::rngs::StdRng;
    use tokio::task::yield_now;

    use super::super::{Ownership, Timing};
    use super::*;
    use crate::clock::Clock;
    use crate::membership::registry::{InMemory, Lease, Registry};

    /// Registers at an address that another process holds, whose lease is renewed where `is_renewed`
    /// says so of the second that has begun.
    async fn registered(is_renewed: impl Fn(u64) -> bool) -> Result<(), NotRegistered> {
        let (clock, timing) = (Clock::manual(), Timing::default());
        let registry = InMemory::with_clock(clock.clone());
        let own = Entry::own("127.0.0.1:1", 1);
        let grant = async |ttl| -> Lease { registry.grant(ttl).await.expect("it answers") };
        let (short, long) = (grant(timing.lease).await, grant(timing.long_lease).await);
        registry.register(&own, short.id, long.id).await.expect("it answers");
        let dial = |_: &str| unreachable!("no other node is known");
        let ownership = Ownership::new(own.clone(), timing, clock.clone(), dial);
        let mut registrar = Registrar {
            ownership: Arc::new(ownership),
            registry: Arc::new(registry.clone()),
            own,
            leases: None,
            random: StdRng::seed_from_u64(1),
        };
        let registering = tokio::spawn(async move { registrar.register().await });
        for step in 1_u64.. {
            // It is asleep until the clock is moved.
            for _ in 0..32 {
                yield_now().await;
            }
            if registering.is_finished() {
                break;
            }
            clock.advance(100);
            if step % 10 == 0 && is_renewed(step / 10) {
                registry.keep_alive(short).await.expect("it answers");
            }
        }
        registering.await.expect("it does not panic")
    }

    #[tokio::test]
    async fn the_last_renewal_of_a_process_that_was_killed_may_come_late() {
        assert!(registered(|second| second == 3).await.is_ok());
    }

    #[tokio::test]
    async fn a_process_that_goes_on_renewing_keeps_its_address() {
        let refused = registered(|_| true).await;
        assert!(
            matches!(refused, Err(NotRegistered::Taken(holder)) if holder.address == "127.0.0.1:1")
        );
    }
}
