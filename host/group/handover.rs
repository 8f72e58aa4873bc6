//! A node that leaves sends its entries to the new owners of its keys, which keep those
//! that are still valid (rule 9).

use std::collections::BTreeMap;
use std::ops::AddAssign;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;

use super::Group;
use super::remote::own;
use crate::key;
use crate::membership::view::Name;
use crate::ownership::Owner;
use crate::store::Held;
use crate::transport::remote::{self, PeerCall, Remote, Response};

/// Bytes of keys and values in one message. Only its last entry may exceed this.
const MESSAGE_BYTES: usize = 256 << 10;

/// The most entries in one message, so that the receiver handles it quickly.
const MESSAGE_ENTRIES: usize = 1_024;

/// How long the receiver waits until it has seen the sender's removal, and until it is
/// certain to hold its keys again.
const HEAR_WITHIN: Duration = Duration::from_secs(1);

/// The receiver rejects an entry if it has noted a change of the key within this time:
/// the change may be newer.
const UNCHANGED_FOR_MS: u64 = 60_000;

/// The outcome of a handover.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HandedOver {
    /// Entries sent, the most recently used first.
    pub sent: u64,
    /// Bytes of keys and values of the entries sent.
    pub bytes: u64,
    /// Entries that the receivers kept. They may have had the others already.
    pub kept: u64,
}

impl AddAssign for HandedOver {
    fn add_assign(&mut self, more: Self) {
        self.sent += more.sent;
        self.bytes += more.bytes;
        self.kept += more.kept;
    }
}

/// The entries for one receiver.
struct Heir<'a> {
    node: Arc<dyn Remote>,
    /// The registration of the node that leaves; or the receiver's own, for keys that it
    /// took over earlier.
    name: Name,
    entries: Box<dyn Iterator<Item = Held> + Send + 'a>,
}

impl Group {
    /// Sends the entries of this node, which has left as the registration `name`, to
    /// their new owners. The most recently used go first, until all are sent or `within`
    /// has passed. It also sends the values that a recently joined node has taken over
    /// but not asked for, because it can't ask later. A receiver that does not answer
    /// gets no further message.
    pub async fn hand_over(&self, name: Name, within: Duration) -> HandedOver {
        let end_ms = self.parts.clock.now_ms() + within.as_millis() as u64;
        let heirs = self.next_owners(name).into_iter().chain(self.newcomers());
        // Collected first, because a stream that borrows from its closure is not `Send`.
        let sent: Vec<_> = heirs.map(|heir| self.hand_to(heir, end_ms)).collect();
        let mut all = HandedOver::default();
        join_all(sent).await.into_iter().for_each(|handed| all += handed);
        self.counters.handed_over(all.kept, all.bytes);
        self.counters.not_handed_over(all.sent - all.kept.min(all.sent));
        all
    }

    /// The new owners of this node's entries.
    fn next_owners(&self, name: Name) -> Vec<Heir<'_>> {
        let store = &self.parts.store;
        let mut heirs = BTreeMap::new();
        for slot in store.hottest() {
            let Some(held) = store.held(slot) else { continue };
            if let Owner::There(node) = self.parts.ownership.owner(key::ring_hash(&held.key)) {
                let heir = heirs.entry(node.address().to_owned());
                heir.or_insert_with(|| (node, Vec::new())).1.push(slot);
            }
        }
        let heir = |(node, slots): (Arc<dyn Remote>, Vec<u32>)| {
            // By then the slot may contain another entry, or none.
            let entries = slots.into_iter().filter_map(|slot| store.held(slot));
            Heir { node, name, entries: Box::new(entries) }
        };
        heirs.into_values().map(heir).collect()
    }

    /// Nodes that took keys over from this node earlier, with the values that they have
    /// not asked for.
    fn newcomers(&self) -> Vec<Heir<'_>> {
        let mut by_name: BTreeMap<Name, Vec<Held>> = BTreeMap::new();
        for (heir, held) in self.inheritance.give_all(self.parts.clock.now_ms()) {
            by_name.entry(heir).or_default().push(held);
        }
        let heir = |(name, entries): (Name, Vec<Held>)| {
            let node = self.parts.ownership.member(name)?;
            Some(Heir { node, name, entries: Box::new(entries.into_iter()) })
        };
        by_name.into_iter().filter_map(heir).collect()
    }

    async fn hand_to(&self, mut heir: Heir<'_>, end_ms: u64) -> HandedOver {
        let mut handed = HandedOver::default();
        loop {
            let (entries, bytes) = self.next_message(&mut *heir.entries);
            let rest_ms = end_ms.saturating_sub(self.parts.clock.now_ms());
            if entries.is_empty() || rest_ms == 0 {
                return handed;
            }
            let sent = entries.len() as u64;
            let from = self.parts.ownership.address().to_owned();
            let call = PeerCall::Handover { from, name: heir.name, entries };
            let within = Duration::from_millis(rest_ms);
            let taken = heir.node.ask(self.request("", call), within).await;
            let Ok(Response::Done { count, .. }) = taken else {
                return handed;
            };
            handed += HandedOver { sent, bytes, kept: count };
        }
    }

    fn next_message(
        &self,
        all: &mut (dyn Iterator<Item = Held> + Send),
    ) -> (Vec<remote::HandedOver>, u64) {
        let (mut entries, mut bytes) = (Vec::new(), 0);
        while bytes < MESSAGE_BYTES && entries.len() < MESSAGE_ENTRIES {
            let Some(held) = all.next() else { break };
            bytes += held.key.len() + held.value.len();
            entries.push(self.entry_of(held));
        }
        (entries, bytes as u64)
    }

    fn entry_of(&self, held: Held) -> remote::HandedOver {
        let now_ms = self.parts.clock.now_ms();
        let ttl = held.deadline_ms.map(|at_ms| Duration::from_millis(at_ms.saturating_sub(now_ms)));
        remote::HandedOver { key: Bytes::from(held.key), value: held.value.into(), ttl }
    }

    /// Keeps those of `entries` that this node may take over. The node at `from` sends
    /// them as it leaves. `name` is its registration; or this node's own, if the entries
    /// are of keys that this node took over earlier. Returns how many it kept.
    pub(super) async fn take_over(
        &self,
        from: &str,
        name: Name,
        entries: Vec<remote::HandedOver>,
        within: Duration,
    ) -> u64 {
        // With a static list no node leaves, and nothing would end the wait below early.
        if self.parts.ownership.name() == 0 {
            return 0;
        }
        let (store, ownership) = (&self.parts.store, &self.parts.ownership);
        let within = within.min(HEAR_WITHIN);
        if name != ownership.name() {
            self.wait_until(within, || ownership.has_gone(from, name)).await;
        }
        // The time since which the key must not have changed: a later change may be newer
        // than the entry. `None`: this node may not take the key over.
        let unchanged_since_ms = |ring_hash| {
            if name == ownership.name() {
                return ownership.inherits(name, ring_hash);
            }
            let since_ms = self.parts.clock.now_ms().saturating_sub(UNCHANGED_FOR_MS);
            ownership.is_heir_of(from, name, ring_hash).then_some(since_ms)
        };
        let mut kept = 0;
        let clock = &self.parts.clock;
        let end_ms = clock.now_ms() + within.as_millis() as u64;
        for entry in entries {
            let Ok(key) = key::parse(&entry.key) else { continue };
            let (hash, ring_hash) = (store.hash(key), key::ring_hash(key));
            // A node holds nothing while its ring changes, as it does when another node
            // leaves.
            let rest = Duration::from_millis(end_ms.saturating_sub(clock.now_ms()));
            self.wait_until(rest, || ownership.is_certain()).await;
            if !ownership.is_certain() {
                return kept;
            }
            if store.peek(key, hash).is_some() {
                continue;
            }
            let may_keep = || {
                let since_ms = unchanged_since_ms(ring_hash);
                since_ms.is_some_and(|since_ms| !self.changes.since(hash, since_ms))
            };
            if may_keep() {
                let adopted = self.adopt(key, own(&entry.value), entry.ttl, may_keep).await;
                kept += u64::from(adopted);
            }
        }
        kept
    }

    /// Waits until `is_so` returns true, which a change of the view brings about.
    async fn wait_until(&self, within: Duration, is_so: impl Fn() -> bool) {
        if is_so() {
            return;
        }
        let mut changes = self.parts.ownership.changes();
        let becomes_so = async {
            while !is_so() {
                changes.changed().await;
            }
        };
        let _ = self.parts.clock.timeout(within, becomes_so).await;
    }
}
