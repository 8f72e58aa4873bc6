//! Keeping a node registered: leases, the entry, the view, from the start to the leave.
//! Rules 1, 4 and 11.
//!
//! A broken connection is no reason to start over: the leases go on, and so does the
//! registration under its name. What must outlive an attempt stands in [`Registrar`], so
//! that a transaction whose answer was lost is found by the next attempt.

use std::sync::Arc;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::join::Attempt;
use super::knowledge::ms;
use super::problems::Part;
use super::right::Ownership;
use crate::clock::Clock;
use crate::flaw::{self, Flaw};
use crate::membership::registry::{
    Change, Failure, Lease, Listing, Registered, Registry, RegistryError,
};
use crate::membership::view::{Entry, Member};

/// Between looks at a lease that has to end.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The longest that a leave waits for the registry.
const LEAVE_WITHIN: Duration = Duration::from_secs(2);

/// The task that keeps a node registered. Dropping it ends the task, and leaves the
/// leases to run out.
#[derive(Debug)]
pub struct Registration {
    leave: oneshot::Sender<()>,
    task: JoinHandle<()>,
    clock: Clock,
}

/// Why the registration has to be made anew.
enum Ended {
    /// As this text says.
    Stopped(String),
    /// Its acks were missing for too long.
    NotJoined(String),
    /// The registry is out of reach: the registration may go on.
    OutOfReach(Failure),
}

impl From<Failure> for Ended {
    fn from(failure: Failure) -> Self {
        Self::OutOfReach(failure)
    }
}

struct Registrar {
    ownership: Arc<Ownership>,
    registry: Arc<dyn Registry>,
    own: Entry,
    /// The short one and the long one, with when the grant was asked for.
    leases: Option<Leases>,
    /// Spreads attempts. Follows from the process, and from nothing else.
    random: StdRng,
}

#[derive(Clone, Copy, Debug)]
struct Leases {
    short: Lease,
    long: Lease,
    asked_ms: u64,
}

impl Registration {
    /// Registers the node that `own` describes, and keeps it so. Answers when the
    /// registration stands, or when the registry turns out to be out of reach: it is
    /// tried again and again then.
    ///
    /// # Errors
    /// [`RegistryError`]: the node must not serve.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn start(
        ownership: Arc<Ownership>,
        registry: Arc<dyn Registry>,
        own: Entry,
    ) -> Result<Self, RegistryError> {
        let random = StdRng::seed_from_u64(ownership.process());
        ownership.expect_copies_of_before();
        let mut registrar = Registrar { ownership, registry, own, leases: None, random };
        match registrar.register().await {
            Ok(()) => {}
            Err(NotRegistered::Taken(holder)) => {
                let address = registrar.own.address.clone();
                return Err(RegistryError::AddressTaken { address, holder });
            }
            Err(NotRegistered::Failed(Failure::Refused(reason))) => {
                return Err(RegistryError::Refused(reason));
            }
            Err(NotRegistered::Failed(Failure::Broken(reason))) => {
                registrar.out_of_reach(Part::Watch, &reason);
            }
        }
        let (leave, left) = oneshot::channel();
        let clock = registrar.ownership.clock.clone();
        Ok(Self { leave, task: tokio::spawn(registrar.run(left)), clock })
    }

    /// Ends the registration: the others stop asking this node. The node must hold
    /// nothing any more. Waits at most two seconds for the registry.
    pub async fn leave(mut self) {
        // The task may have ended with its runtime: then the leases run out.
        if self.leave.send(()).is_ok()
            && self.clock.timeout(LEAVE_WITHIN, &mut self.task).await.is_err()
        {
            self.task.abort();
            tracing::warn!("the registry does not answer; the leases of this node run out");
        }
    }
}

/// Why a node is not registered.
enum NotRegistered {
    Failed(Failure),
    Taken(Box<Entry>),
}

impl From<Failure> for NotRegistered {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl Registrar {
    /// Runs until the node leaves.
    async fn run(mut self, mut left: oneshot::Receiver<()>) {
        let mut attempts = 0;
        loop {
            let ended = tokio::select! {
                biased;
                left = &mut left => {
                    if left.is_ok() {
                        self.leave().await;
                    }
                    return;
                }
                ended = self.live(&mut attempts) => ended,
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
            let pause = self.pause(attempts);
            attempts += 1;
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

    /// Registers where there is no registration, and follows the registry until
    /// something ends that.
    async fn live(&mut self, attempts: &mut u32) -> Ended {
        if self.ownership.name() == 0 {
            match self.register().await {
                Ok(()) => {}
                Err(NotRegistered::Failed(failure)) => return Ended::OutOfReach(failure),
                Err(NotRegistered::Taken(holder)) => {
                    let problem = format!(
                        "the address is taken by a node that started at {}",
                        holder.started
                    );
                    return Ended::OutOfReach(Failure::Refused(problem));
                }
            }
        }
        let Some(leases) = self.leases else {
            return Ended::Stopped("it has no lease".into());
        };
        let this = &*self;
        // The leases are renewed whatever becomes of the watch.
        let ended = tokio::select! {
            biased;
            ended = this.forgotten() => ended,
            ended = this.renew(leases.short, false) => ended,
            ended = this.renew(leases.long, true) => ended,
            ended = this.follow() => ended,
            ended = this.see_ghosts_go() => ended,
            ended = this.join(leases.short) => ended,
        };
        // One that never joins must not move the ring of all others again and again.
        if self.ownership.has_joined() {
            *attempts = 0;
        }
        ended
    }

    /// Returns when a message of another node has ended the registration.
    async fn forgotten(&self) -> Ended {
        let mut changes = self.ownership.changes();
        while self.ownership.name() != 0 {
            changes.changed().await;
        }
        Ended::Stopped("its entry is gone from the registry".into())
    }

    // ---- Registering ----

    async fn register(&mut self) -> Result<(), NotRegistered> {
        let clock = self.ownership.clock.clone();
        self.let_copies_of_before_end().await?;
        let mut holder_ends = None;
        let (leases, name) = loop {
            let leases = self.leases().await?;
            match self.registry.register(&self.own, leases.short.id, leases.long.id).await? {
                Registered::Now(name) => break (leases, name),
                // The transaction was made, and its answer was lost.
                Registered::Before(member) if member.lease == leases.short.id => {
                    break (leases, member.name);
                }
                Registered::Before(holder) => {
                    let asked_ms = clock.now_ms();
                    if let Some(rest) =
                        self.registry.time_to_live(leases.short.cluster, holder.lease).await?
                    {
                        // The answer is of some moment since it was asked for, so a slow
                        // one must not look as if the lease had been renewed.
                        let (earliest_ms, latest_ms) =
                            (asked_ms + ms(rest), clock.now_ms() + ms(rest));
                        // Whole seconds: an end that moves by less may not have moved.
                        if earliest_ms > *holder_ends.get_or_insert(latest_ms) + 1_200 {
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
            let problem = "the entry went as soon as it was made";
            return Err(Failure::Broken(problem.into()).into());
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

    /// Waits until what a process before this one lent at this address has ended (rule 10).
    /// None has been registered here lately where there is no record of the address.
    async fn let_copies_of_before_end(&self) -> Result<(), Failure> {
        if self.ownership.lent_before_until_ms() > 0 {
            let records = self.registry.list().await?.records;
            if records.iter().all(|record| record.address != self.own.address) {
                self.ownership.no_copies_of_before();
            }
        }
        self.ownership.copies_end().await;
        Ok(())
    }

    /// The leases of a registration that is to be made: those of the last attempt while
    /// they live, as its transaction may have been made.
    async fn leases(&mut self) -> Result<Leases, Failure> {
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
        // What nodes wait for and count on is their own T, so it must be everybody's.
        if short.ttl != timing.lease {
            self.end_leases().await;
            let (granted, wanted) = (short.ttl.as_secs(), timing.lease.as_secs());
            return Err(Failure::Refused(format!(
                "it grants a lease of {granted} s where {wanted} s were asked for; give all nodes \
                 --lease-ttl {granted}s or more"
            )));
        }
        Ok(leases)
    }

    // ---- Being registered ----

    /// Renews a lease until it is lost.
    async fn renew(&self, lease: Lease, long: bool) -> Ended {
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
                    // The long one too: its rest is how long an outage may last.
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
    async fn follow(&self) -> Ended {
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
        // 1. The list is read. 2. Another node tells of a later view. 3. The list arrives.
        // It is older than the view then, and nothing was lost.
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

    /// The changes of one revision, as one view: how a step came about decides what may be
    /// handed over in it (rule 9).
    ///
    /// One transaction may delete several entries. After a view without the first of them,
    /// which has that revision, the others would be no news.
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

    /// Asks for the leases of members that went, until each has ended (rule 4).
    async fn see_ghosts_go(&self) -> Ended {
        loop {
            let mut changes = self.ownership.changes();
            let (cluster, ghosts) = {
                let state = self.ownership.state.lock();
                (state.view.cluster, state.ghosts())
            };
            let mut waits = false;
            for ghost in ghosts {
                match self.registry.time_to_live(cluster, ghost.lease).await {
                    // An etcd that lost its data knows of no lease, this node's included.
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

    /// Joins, and notes so in the registry.
    async fn join(&self, short: Lease) -> Ended {
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
                Ok(_) => Err(Failure::Broken("the registry is another one".into())),
                Err(failure) => Err(failure),
            };
            match noted {
                Ok(()) => std::future::pending().await,
                Err(_) => self.ownership.clock.sleep(self.ownership.timing().lease).await,
            }
        }
    }

    // ---- Ending ----

    async fn stop(&mut self, reason: &str) {
        self.ownership.stop(reason);
        self.ownership.copies_end().await;
        self.end_leases().await;
    }

    async fn leave(&mut self) {
        if !flaw::is(Flaw::LeavesWithCopies) {
            self.ownership.copies_end().await;
        }
        self.end_leases().await;
    }

    async fn end_leases(&mut self) {
        let Some(leases) = self.leases.take() else { return };
        let short = self.registry.revoke(leases.short.id);
        let (short, long) = futures::join!(short, self.registry.revoke(leases.long.id));
        if let Err(failure) = short.and(long) {
            tracing::debug!(%failure, "leases of this node run out by themselves");
        }
    }

    // ---- What is told of it ----

    fn note(&self, listing: &Listing) {
        let ignored = listing.ignored;
        if self.ownership.problems.set_ignored_keys(ignored) && ignored > 0 {
            tracing::warn!(ignored, "keys below the prefix in etcd are no entries of nodes");
        }
    }

    async fn warn(&self) {
        // Who may not ask for the version is not told of it.
        let Ok(warning) = self.registry.warning().await else { return };
        let text = warning.clone().unwrap_or_default();
        if self.ownership.problems.set_warning(warning) && !text.is_empty() {
            tracing::warn!("{text}");
        }
    }

    fn in_reach(&self, part: Part) {
        if self.ownership.problems.set_registry(part, "") {
            tracing::info!("the registry answers");
            self.ownership.announce();
        }
    }

    fn out_of_reach(&self, part: Part, problem: &str) {
        if self.ownership.problems.set_registry(part, problem) {
            tracing::warn!(problem, "the registry does not answer; it is tried again and again");
            self.ownership.announce();
        }
    }

    /// Doubles from a fiftieth of the lease to the lease, and is spread, so that a
    /// hundred nodes do not come back at once.
    fn pause(&mut self, attempts: u32) -> Duration {
        let lease = self.ownership.timing().lease;
        let doubled = (lease / 50) * 2_u32.pow(attempts.min(10));
        doubled.min(lease).mul_f64(self.random.random_range(0.5..=1.0))
    }
}
