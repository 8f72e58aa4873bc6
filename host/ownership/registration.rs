//! Keeps a node registered from its start until it leaves: leases, entry and view (rules
//! 1, 4 and 11).
//!
//! A broken connection is no reason to register anew: the leases live on, and so does the
//! registration. State that must outlive an attempt is in [`Registrar`], so that the next
//! attempt finds a transaction whose answer was lost.

use std::sync::Arc;
use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::follow::Ended;
use super::knowledge::ms;
use super::problems::Part;
use super::register::NotRegistered;
use super::registrar::Registrar;
use super::right::Ownership;
use crate::backoff::Backoff;
use crate::clock::Clock;
use crate::membership::registry::{Registry, RegistryError, RegistryFailure};
use crate::membership::view::Entry;

/// The longest that a leave waits for the registry.
const LEAVE_WITHIN: Duration = Duration::from_secs(2);

/// The task that keeps a node registered. Dropping it ends the task, and the leases
/// expire.
#[derive(Debug)]
pub struct Registration {
    leave: oneshot::Sender<()>,
    task: JoinHandle<()>,
    clock: Clock,
}

impl Registration {
    /// Registers the node that `own` describes, and keeps it registered. Returns when it
    /// is registered, or when the registry can't be reached. Then the task keeps trying.
    ///
    /// # Errors
    /// [`RegistryError`]: the node must not serve.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn start(
        ownership: Arc<Ownership>,
        registry: Arc<dyn Registry>,
        mut own: Entry,
    ) -> Result<Self, RegistryError> {
        let random = StdRng::seed_from_u64(ownership.process());
        own.lease_ttl_ms = ms(ownership.timing().lease);
        ownership.expect_copies_of_before();
        let mut registrar = Registrar { ownership, registry, own, leases: None, random };
        match registrar.register().await {
            Ok(()) => {}
            Err(NotRegistered::Taken(holder)) => {
                let address = registrar.own.address.clone();
                return Err(RegistryError::AddressTaken { address, holder });
            }
            Err(NotRegistered::Failed(RegistryFailure::Refused(reason))) => {
                return Err(RegistryError::Refused(reason));
            }
            Err(NotRegistered::Failed(RegistryFailure::Broken(reason))) => {
                registrar.out_of_reach(Part::Watch, &reason);
            }
        }
        let (leave, left) = oneshot::channel();
        let clock = registrar.ownership.clock.clone();
        Ok(Self { leave, task: tokio::spawn(registrar.run(left)), clock })
    }

    /// Ends the registration, so that other nodes stop asking this one. The node must
    /// already hold nothing, see [`Ownership::leave`]. Waits at most two seconds for the
    /// registry.
    pub async fn leave(mut self) {
        // The task may have ended with its runtime. Then the leases expire.
        if self.leave.send(()).is_ok()
            && self.clock.timeout(LEAVE_WITHIN, &mut self.task).await.is_err()
        {
            self.task.abort();
            tracing::warn!("the registry does not answer; the leases of this node run out");
        }
    }
}

impl Registrar {
    /// Runs until the node leaves.
    async fn run(mut self, mut left: oneshot::Receiver<()>) {
        let mut backoff = self.backoff();
        loop {
            let ended = tokio::select! {
                biased;
                left = &mut left => {
                    if left.is_ok() {
                        self.leave().await;
                    }
                    return;
                }
                ended = self.live(&mut backoff) => ended,
            };
            match ended {
                Ended::OutOfReach(failure) => self.out_of_reach(Part::Watch, &failure.to_string()),
                Ended::Stopped(reason) => self.stop(&reason).await,
                Ended::NotJoined(reason) => {
                    if self.ownership.problems.set_joining(Some(reason.clone())) {
                        tracing::warn!(reason, "this node can't join; it leaves and tries again");
                    }
                    self.stop("it could not join").await;
                }
            }
            let pause = backoff.spread_pause(&mut self.random);
            tokio::select! {
                biased;
                left = &mut left => {
                    if left.is_ok() {
                        self.leave().await;
                    }
                    return;
                }
                () = self.ownership.clock.sleep(pause) => {}
            }
        }
    }

    /// Registers if there is no registration, and follows the registry until something
    /// ends that.
    async fn live(&mut self, backoff: &mut Backoff) -> Ended {
        if self.ownership.name() == 0 {
            match self.register().await {
                Ok(()) => {}
                Err(NotRegistered::Failed(failure)) => return Ended::OutOfReach(failure),
                Err(NotRegistered::Taken(holder)) => {
                    let problem = format!(
                        "the address is taken by a node that started at {}",
                        holder.started
                    );
                    return Ended::OutOfReach(RegistryFailure::Refused(problem));
                }
            }
        }
        let Some(leases) = self.leases else {
            return Ended::Stopped("it has no lease".into());
        };
        let this = &*self;
        // The leases are renewed even while the watch fails.
        let ended = tokio::select! {
            biased;
            ended = this.forgotten() => ended,
            ended = this.renew(leases.short, false) => ended,
            ended = this.renew(leases.long, true) => ended,
            ended = this.follow() => ended,
            ended = this.see_ghosts_go() => ended,
            ended = this.join(leases.short) => ended,
        };
        // A node that never joins changes the ring of all others at each attempt, so its
        // pauses must grow.
        if self.ownership.has_joined() {
            backoff.reset();
        }
        ended
    }

    /// Returns when another node's message has shown that the registration has ended.
    async fn forgotten(&self) -> Ended {
        let mut changes = self.ownership.changes();
        while self.ownership.name() != 0 {
            changes.changed().await;
        }
        Ended::Stopped("its entry is gone from the registry".into())
    }
}
