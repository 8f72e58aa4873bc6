//! Maintains a registration: renews its leases, follows the view, and waits for the
//! leases of removed members (rules 1 and 4).

use super::join::Attempt;
use super::problems::Part;
use super::registrar::{LOOK_EVERY, Registrar};
use crate::flaw::{self, Flaw};
use crate::membership::registry::{Change, Lease, RegistryFailure};
use crate::membership::view::Member;

/// Why following the registry has ended.
pub(super) enum Ended {
    /// The registration has ended, for this reason.
    Stopped(String),
    /// The node could not join, for this reason.
    NotJoined(String),
    /// The registry can't be reached. The registration may still stand.
    OutOfReach(RegistryFailure),
}

impl From<RegistryFailure> for Ended {
    fn from(failure: RegistryFailure) -> Self {
        Self::OutOfReach(failure)
    }
}

impl Registrar {
    /// Renews a lease until it is lost.
    pub(super) async fn renew(&self, lease: Lease, long: bool) -> Ended {
        let clock = &self.ownership.clock;
        loop {
            let mut sent_ms = clock.now_ms();
            match self.registry.keep_alive(lease).await {
                Ok(true) => {
                    if flaw::is(Flaw::CertaintyCountsFromTheAnswer) {
                        sent_ms = clock.now_ms();
                    }
                    self.ownership.make_certain(|state| state.renewed(long, sent_ms));
                    if !long {
                        self.in_reach(Part::Lease);
                    }
                    // The long lease too: its remaining time is how long an outage may
                    // last.
                    clock.sleep(self.ownership.timing().lease / 3).await;
                }
                Ok(false) => return Ended::Stopped("its lease has ended".into()),
                Err(failure) => {
                    if !long {
                        self.out_of_reach(Part::Lease, &failure.to_string());
                    }
                    clock.sleep(self.ownership.timing().lease / 10).await;
                }
            }
        }
    }

    /// Follows the registrations until the node's own is gone.
    pub(super) async fn follow(&self) -> Ended {
        loop {
            let failure = match self.follow_once().await {
                Err(Ended::OutOfReach(failure)) => failure,
                Err(ended) => return ended,
                Ok(never) => match never {},
            };
            self.out_of_reach(Part::Watch, &failure.to_string());
            self.ownership.clock.sleep(self.ownership.timing().lease / 10).await;
        }
    }

    /// Follows until the watch breaks.
    async fn follow_once(&self) -> Result<std::convert::Infallible, Ended> {
        // 1. The list is read. 2. Another node's message brings a later view. 3. The list
        // arrives. It is older than that view although nothing was lost, so the view is
        // read first.
        let (name, view) = (self.ownership.name(), self.ownership.view());
        let listing = self.registry.list().await?;
        self.note(&listing);
        let listed = &listing.view;
        if listed.cluster != view.cluster || listed.revision < view.revision {
            return Err(Ended::Stopped("the registry has lost what it knew".into()));
        }
        if name == 0 || listed.name_at(&self.own.address) != name {
            return Err(Ended::Stopped("its entry is gone from the registry".into()));
        }
        let (cluster, revision) = (listed.cluster, listed.revision);
        self.ownership.see(listing.view.clone());
        let mut watch = self.registry.watch(cluster, revision).await?;
        self.in_reach(Part::Watch);
        loop {
            let changes = watch.next().await?;
            for of_one_revision in changes.chunk_by(|a, b| a.revision() == b.revision()) {
                self.apply(of_one_revision)?;
            }
            self.in_reach(Part::Watch);
        }
    }

    /// Applies the changes of one revision as one step: the nodes that came or went in a
    /// step decide what may be handed over (rule 9).
    ///
    /// One transaction may delete several entries. Applied one by one, the first would
    /// already move the view to that revision, and the others would be ignored as not
    /// later.
    fn apply(&self, changes: &[Change]) -> Result<(), Ended> {
        let next =
            changes.iter().cloned().fold(self.ownership.view(), |view, change| match change {
                Change::Came { revision, member } => view.with(revision, member),
                Change::Went { revision, address } => view.without(revision, &address),
            });
        self.ownership.see(next);
        match self.ownership.name() {
            0 => Err(Ended::Stopped("its entry is gone from the registry".into())),
            _ => Ok(()),
        }
    }

    /// Asks for the leases of removed members until each has ended (rule 4).
    pub(super) async fn see_ghosts_go(&self) -> Ended {
        loop {
            let mut changes = self.ownership.changes();
            let (cluster, ghosts) = {
                let state = self.ownership.state.lock();
                (state.view.cluster, state.ghosts())
            };
            let mut waits = false;
            for ghost in ghosts {
                match self.registry.time_to_live(cluster, ghost.lease).await {
                    // An etcd that lost its data has no lease at all, so this node's own
                    // is checked too.
                    Ok(None) if self.has_own_lease().await => self.forget_ghost(&ghost),
                    Ok(_) | Err(_) => waits = true,
                }
            }
            if waits {
                self.ownership.clock.sleep(LOOK_EVERY).await;
            } else {
                changes.changed().await;
            }
        }
    }

    async fn has_own_lease(&self) -> bool {
        let Some(leases) = self.leases else { return false };
        let Lease { cluster, id, .. } = leases.short;
        matches!(self.registry.time_to_live(cluster, id).await, Ok(Some(_)))
    }

    fn forget_ghost(&self, ghost: &Member) {
        self.ownership.step(|state| {
            state.is_gone(ghost);
            true
        });
    }

    /// Joins, and notes that in the registry (rule 3).
    pub(super) async fn join(&self, short: Lease) -> Ended {
        let name = match self.ownership.join(&*self.registry).await {
            Attempt::Joined(name) => name,
            Attempt::GaveUp(reason) => return Ended::NotJoined(reason),
            Attempt::Ended => {
                return Ended::Stopped("its entry is gone from the registry".into());
            }
        };
        self.ownership.problems.set_joining(None);
        loop {
            let noted = match self.registry.list().await {
                Ok(listing) if listing.joined_in == Some(short.cluster) => Ok(()),
                Ok(listing) if listing.view.cluster == short.cluster => {
                    self.registry.note_joined(&self.own.address, name, short).await
                }
                Ok(_) => Err(RegistryFailure::Broken("the registry is another one".into())),
                Err(failure) => Err(failure),
            };
            match noted {
                Ok(()) => std::future::pending().await,
                Err(_) => self.ownership.clock.sleep(self.ownership.timing().lease).await,
            }
        }
    }
}
