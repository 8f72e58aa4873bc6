//! The registry as each node reaches it: late, not at all, or with answers that are lost.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};

use super::world::World;
use psycache::clock::Clock;
use psycache::membership::registry::{
    Change, InMemory, Lease, Listing, Registered, Registry, RegistryAnswer, RegistryFailure, Watch,
};
use psycache::membership::view::{Entry, Name};

/// The one registry.
pub(super) struct Register {
    /// Its own time: stands still while the registry is down and its leases do not end.
    clock: Clock,
    kept: InMemory,
    state: Mutex<RegistryState>,
}

#[derive(Default)]
struct RegistryState {
    is_down: bool,
    stands_still: bool,
    out_of_reach: BTreeSet<usize>,
    slow: BTreeSet<usize>,
}

impl Register {
    pub(super) fn new() -> Self {
        let clock = Clock::manual();
        Self { kept: InMemory::with_clock(clock.clone()), clock, state: Mutex::default() }
    }

    pub(super) fn advance(&self, ms: u64) {
        if !self.state.lock().stands_still {
            self.clock.advance(ms);
        }
    }

    /// Nobody reaches it; `stands_still`: nor do leases end.
    pub(super) fn set_down(&self, is_down: bool, stands_still: bool) {
        let state = &mut *self.state.lock();
        state.is_down = is_down;
        state.stands_still = is_down && stands_still;
    }

    pub(super) fn set_out_of_reach(&self, place: usize, out: bool) {
        set(&mut self.state.lock().out_of_reach, place, out);
    }

    pub(super) fn set_slow(&self, place: usize, slow: bool) {
        set(&mut self.state.lock().slow, place, slow);
    }

    pub(super) fn mend(&self) {
        *self.state.lock() = RegistryState::default();
    }

    pub(super) fn delete(&self, place: usize) {
        self.kept.delete(&World::address(place));
    }

    pub(super) fn lose_everything(&self) {
        self.kept.lose_everything();
    }

    pub(super) fn is_in_reach_of_all(&self) -> bool {
        let state = self.state.lock();
        !state.is_down && state.out_of_reach.is_empty() && state.slow.is_empty()
    }

    fn reaches(&self, place: usize) -> bool {
        let state = self.state.lock();
        !state.is_down && !state.out_of_reach.contains(&place)
    }

    fn delay(&self, world: &World, place: usize) -> Duration {
        match world.goes_astray() || self.state.lock().slow.contains(&place) {
            true => world.ms(1, 1_000),
            false => world.ms(0, world.profile.quick_ms),
        }
    }
}

fn set(places: &mut BTreeSet<usize>, place: usize, present: bool) {
    match present {
        true => places.insert(place),
        false => places.remove(&place),
    };
}

/// Ends leases whose time is over, a little late, for ever.
pub(super) async fn expire(world: &World) {
    loop {
        world.clock.sleep(world.ms(50, 500)).await;
        if !world.register.state.lock().is_down {
            world.register.kept.expire();
        }
    }
}

/// One node's way to the registry.
pub(super) struct Line {
    pub(super) world: Arc<World>,
    pub(super) place: usize,
}

type Work<T> = Box<dyn FnOnce(InMemory) -> BoxFuture<'static, Result<T, RegistryFailure>> + Send>;

impl Line {
    /// Asks for `work`, which is done when it arrives, whatever becomes of the answer.
    fn ask<'a, T: Send + 'static>(
        &'a self,
        what: &'static str,
        work: Work<T>,
    ) -> RegistryAnswer<'a, T> {
        async move {
            let (world, place) = (Arc::clone(&self.world), self.place);
            let (answer, answered) = oneshot::channel();
            self.world.outside.run(async move {
                let register = &world.register;
                world.clock.sleep(register.delay(&world, place)).await;
                if !register.reaches(place) {
                    return is_lost(&world).await;
                }
                let done = work(register.kept.clone()).await;
                world.clock.sleep(register.delay(&world, place)).await;
                if world.goes_astray() || !register.reaches(place) {
                    world.say(|| format!("the answer of {what} is lost to {place}"));
                    return is_lost(&world).await;
                }
                // Nobody may wait any more.
                let _ = answer.send(done);
            });
            let within = self.within();
            match self.world.clock.timeout(within, answered).await {
                Ok(Ok(answer)) => answer,
                Ok(Err(_)) => Err(RegistryFailure::Broken("the connection broke".into())),
                Err(_) => Err(RegistryFailure::Broken(format!("no answer within {within:?}"))),
            }
        }
        .boxed()
    }

    /// As etcd's: half of a lease, within limits.
    fn within(&self) -> Duration {
        let half = self.world.profile.timing.lease / 2;
        half.clamp(Duration::from_millis(500), Duration::from_secs(3))
    }
}

/// Who waits finds out by its own time, or at once.
async fn is_lost(world: &World) {
    if world.chance(50) {
        world.clock.sleep(Duration::from_secs(5)).await;
    }
}

impl Registry for Line {
    fn grant(&self, ttl: Duration) -> RegistryAnswer<'_, Lease> {
        self.ask("grant", Box::new(move |kept| async move { kept.grant(ttl).await }.boxed()))
    }

    fn keep_alive(&self, lease: Lease) -> RegistryAnswer<'_, bool> {
        let (world, place) = (Arc::clone(&self.world), self.place);
        let work: Work<bool> = Box::new(move |kept| {
            async move {
                let lives = kept.keep_alive(lease).await?;
                if !lives {
                    world.say(|| format!("{place} renews a lease that has ended"));
                }
                Ok(lives)
            }
            .boxed()
        });
        self.ask("keep-alive", work)
    }

    fn time_to_live(&self, cluster: u64, id: i64) -> RegistryAnswer<'_, Option<Duration>> {
        let work: Work<Option<Duration>> =
            Box::new(move |kept| async move { kept.time_to_live(cluster, id).await }.boxed());
        self.ask("time-to-live", work)
    }

    fn revoke(&self, lease: i64) -> RegistryAnswer<'_, ()> {
        self.ask("revoke", Box::new(move |kept| async move { kept.revoke(lease).await }.boxed()))
    }

    fn register<'a>(
        &'a self,
        entry: &'a Entry,
        short: i64,
        long: i64,
    ) -> RegistryAnswer<'a, Registered> {
        let entry = entry.clone();
        let (world, place) = (Arc::clone(&self.world), self.place);
        let work: Work<Registered> = Box::new(move |kept| {
            async move {
                let registered = kept.register(&entry, short, long).await;
                world.say(|| format!("{place} registers: {registered:?}"));
                registered
            }
            .boxed()
        });
        self.ask("register", work)
    }

    fn list(&self) -> RegistryAnswer<'_, Listing> {
        let (world, place) = (Arc::clone(&self.world), self.place);
        let work: Work<Listing> = Box::new(move |kept| {
            async move {
                let listing = kept.list().await?;
                world.say(|| format!("{place} reads {}", in_words(&listing)));
                Ok(listing)
            }
            .boxed()
        });
        self.ask("list", work)
    }

    fn note_joined<'a>(
        &'a self,
        address: &'a str,
        name: Name,
        lease: Lease,
    ) -> RegistryAnswer<'a, ()> {
        let address = address.to_owned();
        let work: Work<()> = Box::new(move |kept| {
            async move { kept.note_joined(&address, name, lease).await }.boxed()
        });
        self.ask("note-joined", work)
    }

    fn watch(&self, cluster: u64, revision: i64) -> RegistryAnswer<'_, Box<dyn Watch>> {
        let (world, place) = (Arc::clone(&self.world), self.place);
        let work: Work<Box<dyn Watch>> = Box::new(move |kept| {
            async move {
                let watch = kept.watch(cluster, revision).await?;
                let (tell, changes) = mpsc::unbounded_channel();
                let carries = Arc::clone(&world);
                world.outside.run(async move { carry(&carries, place, watch, tell).await });
                Ok(Box::new(LateWatch(changes)) as Box<dyn Watch>)
            }
            .boxed()
        });
        self.ask("watch", work)
    }

    fn warning(&self) -> RegistryAnswer<'_, Option<String>> {
        async { Ok(None) }.boxed()
    }
}

fn in_words(listing: &Listing) -> String {
    let members = listing.view.members.iter();
    let members: Vec<_> =
        members.map(|(address, member)| (World::place(address), member.name)).collect();
    let records = listing.records.iter();
    let records: Vec<_> =
        records.map(|record| (World::place(&record.address), record.name)).collect();
    let joined = listing.joined_in == Some(listing.view.cluster);
    let revision = listing.view.revision;
    format!("members {members:?} at {revision}, records {records:?}, one has joined: {joined}")
}

type Told = mpsc::UnboundedSender<Result<Vec<Change>, RegistryFailure>>;

/// Brings what a watch tells to the node at `place`, in order, and late. It breaks, or is
/// silent for a time, where the registry is out of reach.
async fn carry(world: &World, place: usize, mut watch: Box<dyn Watch>, tell: Told) {
    let register = &world.register;
    loop {
        let mut changes = watch.next().await;
        world.clock.sleep(register.delay(world, place)).await;
        while !register.reaches(place) {
            if world.chance(20) {
                // Dropping the sender breaks the watch.
                return;
            }
            world.clock.sleep(Duration::from_millis(300)).await;
        }
        // What happened meanwhile comes together with it.
        while let Ok(known) = &mut changes
            && let Some(Ok(more)) = watch.next().now_or_never()
        {
            known.extend(more);
        }
        let has_ended = changes.is_err();
        if tell.send(changes).is_err() || has_ended {
            return;
        }
    }
}

struct LateWatch(mpsc::UnboundedReceiver<Result<Vec<Change>, RegistryFailure>>);

impl Watch for LateWatch {
    fn next(&mut self) -> RegistryAnswer<'_, Vec<Change>> {
        async move {
            let broken = || Err(RegistryFailure::Broken("the watch broke".into()));
            self.0.recv().await.unwrap_or_else(broken)
        }
        .boxed()
    }
}
