//! A registry in the memory of one program that runs several nodes, with leases,
//! revisions and watches like etcd's.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use tokio::sync::mpsc;

use super::super::view::{Entry, Member, Name, View};
use super::{
    Change, Lease, Listing, Record, Registered, Registry, RegistryAnswer, RegistryFailure, Watch,
};
use crate::clock::Clock;
use crate::sync::Mutex;

/// How many past changes are kept for new watches.
const REMEMBERED: usize = 4_096;

/// A registry for the nodes of one program, such as the test of an application or a
/// demonstration. Clones share one registry.
#[derive(Clone, Debug)]
pub struct InMemory {
    clock: Clock,
    /// Never held across an await.
    kept: Arc<Mutex<Kept>>,
}

#[derive(Debug)]
struct Kept {
    view: View,
    /// By address: the name, and the long lease.
    records: BTreeMap<String, (Name, i64)>,
    /// Until when each lease lives, and its TTL.
    leases: BTreeMap<i64, (u64, Duration)>,
    last_lease: i64,
    joined_in: Option<u64>,
    /// The newest last.
    changes: VecDeque<Change>,
    /// The revision before the first of `changes`.
    forgotten: i64,
    watches: Vec<mpsc::UnboundedSender<Change>>,
}

impl InMemory {
    /// A registry without nodes.
    #[must_use]
    pub fn new() -> Self {
        Self::with_clock(Clock::monotonic())
    }

    /// A registry without nodes, whose leases end by `clock`.
    #[must_use]
    pub fn with_clock(clock: Clock) -> Self {
        let cluster = rand::random();
        let kept = Kept {
            view: View { cluster, revision: 1, ..View::default() },
            records: BTreeMap::new(),
            leases: BTreeMap::new(),
            last_lease: 0,
            // No node has held a key under a new registry, so the first one need not
            // wait.
            joined_in: Some(cluster),
            changes: VecDeque::new(),
            forgotten: 1,
            watches: Vec::new(),
        };
        Self { clock, kept: Arc::new(Mutex::new(kept)) }
    }

    /// Deletes the entry at `address`, and keeps its lease.
    pub fn delete(&self, address: &str) {
        self.kept.lock().remove(address);
    }

    /// Loses all data, like a registry that was started empty.
    pub fn lose_everything(&self) {
        let mut kept = self.kept.lock();
        let view = View { cluster: rand::random(), revision: 1, ..View::default() };
        let last_lease = kept.last_lease;
        *kept = Kept {
            view,
            records: BTreeMap::new(),
            leases: BTreeMap::new(),
            last_lease,
            joined_in: None,
            changes: VecDeque::new(),
            forgotten: 1,
            // Dropping the senders ends the watches.
            watches: Vec::new(),
        };
    }

    /// Ends the leases that have expired.
    pub fn expire(&self) {
        let now_ms = self.clock.now_ms();
        let mut kept = self.kept.lock();
        let over = kept.leases.iter().filter(|(_, (until_ms, _))| *until_ms <= now_ms);
        let over: Vec<i64> = over.map(|(lease, _)| *lease).collect();
        over.into_iter().for_each(|lease| kept.end(lease));
    }

    fn until_ms(&self, ttl: Duration) -> u64 {
        self.clock.now_ms() + ttl.as_millis() as u64
    }
}

impl Kept {
    fn end(&mut self, lease: i64) {
        self.leases.remove(&lease);
        self.records.retain(|_, (_, long)| *long != lease);
        let under = self.view.members.values().filter(|member| member.lease == lease);
        let under: Vec<String> = under.map(|member| member.entry.address.clone()).collect();
        under.iter().for_each(|address| self.remove(address));
    }

    fn remove(&mut self, address: &str) {
        if self.view.members.contains_key(address) {
            let revision = self.view.revision + 1;
            self.view = self.view.without(revision, address);
            self.tell(Change::Went { revision, address: address.to_owned() });
        }
    }

    fn tell(&mut self, change: Change) {
        self.watches.retain(|watch| watch.send(change.clone()).is_ok());
        self.changes.push_back(change);
        if self.changes.len() > REMEMBERED
            && let Some(oldest) = self.changes.pop_front()
        {
            self.forgotten = oldest.revision();
        }
    }
}

impl Change {
    /// The revision of the change.
    #[must_use]
    pub fn revision(&self) -> i64 {
        match self {
            Self::Came { revision, .. } | Self::Went { revision, .. } => *revision,
        }
    }
}

impl Registry for InMemory {
    fn grant(&self, ttl: Duration) -> RegistryAnswer<'_, Lease> {
        async move {
            self.expire();
            let until_ms = self.until_ms(ttl);
            let mut kept = self.kept.lock();
            kept.last_lease += 1;
            let id = kept.last_lease;
            kept.leases.insert(id, (until_ms, ttl));
            Ok(Lease { cluster: kept.view.cluster, id, ttl })
        }
        .boxed()
    }

    fn keep_alive(&self, lease: Lease) -> RegistryAnswer<'_, bool> {
        async move {
            self.expire();
            let now_ms = self.clock.now_ms();
            let mut kept = self.kept.lock();
            if kept.view.cluster != lease.cluster {
                return Ok(false);
            }
            let Some((until_ms, ttl)) = kept.leases.get_mut(&lease.id) else { return Ok(false) };
            *until_ms = now_ms + ttl.as_millis() as u64;
            Ok(true)
        }
        .boxed()
    }

    fn time_to_live(&self, cluster: u64, id: i64) -> RegistryAnswer<'_, Option<Duration>> {
        async move {
            self.expire();
            let now_ms = self.clock.now_ms();
            let kept = self.kept.lock();
            if kept.view.cluster != cluster {
                return Err(RegistryFailure::Broken("the registry is another one".into()));
            }
            let until_ms = kept.leases.get(&id).map(|(until_ms, _)| *until_ms);
            Ok(until_ms.map(|until_ms| Duration::from_millis(until_ms.saturating_sub(now_ms))))
        }
        .boxed()
    }

    fn revoke(&self, lease: i64) -> RegistryAnswer<'_, ()> {
        async move {
            self.kept.lock().end(lease);
            Ok(())
        }
        .boxed()
    }

    fn register<'a>(
        &'a self,
        entry: &'a Entry,
        short: i64,
        long: i64,
    ) -> RegistryAnswer<'a, Registered> {
        async move {
            self.expire();
            let mut kept = self.kept.lock();
            if let Some(holder) = kept.view.members.get(entry.address.as_str()) {
                return Ok(Registered::Before(holder.clone()));
            }
            if !kept.leases.contains_key(&short) || !kept.leases.contains_key(&long) {
                return Err(RegistryFailure::Broken("the lease does not exist".into()));
            }
            let revision = kept.view.revision + 1;
            let member = Member { entry: entry.clone(), name: revision, lease: short };
            kept.view = kept.view.with(revision, member.clone());
            kept.records.insert(entry.address.clone(), (revision, long));
            kept.tell(Change::Came { revision, member });
            Ok(Registered::Now(revision))
        }
        .boxed()
    }

    fn list(&self) -> RegistryAnswer<'_, Listing> {
        async move {
            self.expire();
            let kept = self.kept.lock();
            let record = |(address, (name, _)): (&String, &(Name, i64))| Record {
                address: address.clone(),
                name: *name,
            };
            Ok(Listing {
                view: kept.view.clone(),
                records: kept.records.iter().map(record).collect(),
                joined_in: kept.joined_in,
                ignored: 0,
            })
        }
        .boxed()
    }

    fn note_joined<'a>(
        &'a self,
        address: &'a str,
        name: Name,
        lease: Lease,
    ) -> RegistryAnswer<'a, ()> {
        async move {
            let mut kept = self.kept.lock();
            let member = kept.view.members.get(address);
            let stands = member.is_some_and(|it| it.name == name && it.lease == lease.id);
            if kept.view.cluster == lease.cluster && stands {
                kept.joined_in = Some(lease.cluster);
            }
            Ok(())
        }
        .boxed()
    }

    fn watch(&self, cluster: u64, revision: i64) -> RegistryAnswer<'_, Box<dyn Watch>> {
        async move {
            let mut kept = self.kept.lock();
            if cluster != kept.view.cluster
                || revision < kept.forgotten
                || revision > kept.view.revision
            {
                return Err(RegistryFailure::Broken("the changes from then are forgotten".into()));
            }
            let (sender, changes) = mpsc::unbounded_channel();
            let missed = kept.changes.iter().filter(|change| change.revision() > revision);
            // The receiver exists, so this can't fail.
            missed.for_each(|change| drop(sender.send(change.clone())));
            kept.watches.push(sender);
            Ok(Box::new(Changes(changes)) as Box<dyn Watch>)
        }
        .boxed()
    }

    fn warning(&self) -> RegistryAnswer<'_, Option<String>> {
        async { Ok(None) }.boxed()
    }
}

struct Changes(mpsc::UnboundedReceiver<Change>);

impl Watch for Changes {
    fn next(&mut self) -> RegistryAnswer<'_, Vec<Change>> {
        async move {
            let first = self.0.recv().await;
            let ended = || RegistryFailure::Broken("the registry ended the watch".into());
            Ok(vec![first.ok_or_else(ended)?])
        }
        .boxed()
    }
}

impl Default for InMemory {
    fn default() -> Self {
        Self::new()
    }
}

impl PartialEq for InMemory {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.kept, &other.kept)
    }
}

#[cfg(test)]
#[allow(
    clippy::disallowed_methods,
    reason = "a test is a main: #[tokio::test] blocks on its runtime"
)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_entry_lives_as_long_as_its_lease() {
        let clock = Clock::manual();
        let register = InMemory::with_clock(clock.clone());
        let cluster = register.list().await.unwrap().view.cluster;
        let mut watch = register.watch(cluster, 1).await.unwrap();
        let short = register.grant(Duration::from_secs(5)).await.unwrap();
        let long = register.grant(Duration::from_secs(120)).await.unwrap();
        let entry = Entry::own("a:1", 1);
        let name = match register.register(&entry, short.id, long.id).await.unwrap() {
            Registered::Now(name) => name,
            before => panic!("{before:?}"),
        };
        let again = register.register(&entry, short.id, long.id).await.unwrap();
        assert!(matches!(again, Registered::Before(holder) if holder.name == name));
        clock.advance(4_000);
        assert!(register.keep_alive(short).await.unwrap());
        clock.advance(4_000);
        assert_eq!(register.list().await.unwrap().view.name_at("a:1"), name);
        clock.advance(1_000);
        let listing = register.list().await.unwrap();
        assert_eq!(listing.view.name_at("a:1"), 0);
        assert_eq!(listing.records, [Record { address: "a:1".into(), name }]);
        assert_eq!(register.time_to_live(short.cluster, short.id).await.unwrap(), None);
        assert!(!register.keep_alive(short).await.unwrap());
        assert!(matches!(&watch.next().await.unwrap()[..], [Change::Came { .. }]));
        assert!(matches!(&watch.next().await.unwrap()[..], [Change::Went { .. }]));
        clock.advance(120_000);
        assert!(register.list().await.unwrap().records.is_empty());
    }

    #[tokio::test]
    async fn a_register_that_lost_everything_says_nothing_of_leases_of_before() {
        let register = InMemory::new();
        let lease = register.grant(Duration::from_secs(5)).await.unwrap();
        register.lose_everything();
        assert!(!register.keep_alive(lease).await.unwrap());
        assert!(register.time_to_live(lease.cluster, lease.id).await.is_err());
    }
}
