//! The right to hold a key, and which node owns it, as requests ask for it (rules 1, 2 and 4).
//!
//! Requests read one snapshot and one atomic, without a lock; `step` changes them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::Weak;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use bytes::Bytes;

use super::heirs::{Giver, Heirs};
use super::knowledge::Knowledge;
use super::lists::Lists;
use super::problems::Problems;
use super::signal::{Changes, Signal};
use super::snapshot::Snapshot;
use super::state::OwnershipState;
use super::timing::Timing;
use crate::clock::Clock;
use crate::flaw::{self, Flaw};
use crate::membership::rendezvous::{Ring, RingNode};
use crate::membership::view::{Entry, Name, View};
use crate::sync::Mutex;
use crate::transport::remote::{PeerCall, Remote, Request, Response};

/// A certainty without end.
pub(super) const FOR_EVER: u64 = u64::MAX;

/// Makes the connection to the node at an address, without waiting.
type Dial = Box<dyn Fn(&str) -> Arc<dyn Remote> + Send + Sync>;

/// Makes the ring of some nodes.
type MakeRing = Box<dyn Fn(Vec<RingNode>) -> Ring + Send + Sync>;

/// The entries of a node, which follow its right to hold keys.
pub trait Holdings: Send + Sync {
    /// The owners of some keys are changing, and the node holds nothing while this runs.
    /// Running loads must not store their results, and each key counts as changed.
    fn rights_change(&self);

    /// Drops the entries of lost keys: those for whose
    /// [`ring_hash`](crate::key::ring_hash) `owned` returns false. May keep their values
    /// for the newcomer of `giver`.
    fn drop_lost(&self, owned: &dyn Fn(u64) -> bool, giver: &Giver);

    /// Drops all entries, and all values that are kept for other nodes. Returns how many
    /// entries there were.
    fn forget(&self) -> u64;

    /// Until when other nodes may return values that this node lent; 0: none was lent.
    fn lent_until_ms(&self) -> u64;
}

/// The owner of a key.
#[derive(Clone)]
pub enum Owner {
    /// This node. [`Ownership::holds`] says whether it also holds the key.
    Here,
    /// Another node.
    There(Arc<dyn Remote>),
}

/// The keys that this node owns, and the right to hold them.
pub struct Ownership {
    pub(super) own: Arc<str>,
    /// A number that identifies this process.
    pub(super) process: u64,
    pub(super) dial: Dial,
    pub(super) make_ring: MakeRing,
    pub(super) clock: Clock,
    pub(super) now: ArcSwap<Snapshot>,
    /// Until when this node may answer from memory; 0: it may not.
    pub(super) certain_until_ms: AtomicU64,
    /// Serialises steps. Held while lost entries are dropped. Requests never take it.
    pub(super) stepping: Mutex<()>,
    /// The state that the rules are about. Held briefly, and never across a wait.
    pub(super) state: Mutex<Knowledge>,
    holdings: Mutex<Vec<Weak<dyn Holdings>>>,
    /// Wakes tasks that wait for a change of anything here.
    pub(super) changed: Signal,
    /// Number of nodes that wait for this node's ack.
    pub(super) joiners: AtomicU64,
    pub(super) heirs: Heirs,
    pub(super) lists: OnceLock<Lists>,
    /// Until when copies may live that the previous process at this address lent.
    pub(super) lent_before_until_ms: AtomicU64,
    pub(super) problems: Problems,
}

impl Ownership {
    /// A node alone, which holds every key for ever.
    #[must_use]
    pub fn alone() -> Self {
        let alone =
            Self::new(Entry::own("", 1), Timing::default(), Clock::monotonic(), |address| {
                unreachable!("a node alone has no {address} to connect to")
            });
        alone.own_for_ever([RingNode { address: "".into(), weight: 1 }]);
        alone
    }

    /// The node that `own` describes, which owns nothing yet. `dial` makes the connection
    /// to another node, without waiting.
    pub fn new(
        own: Entry,
        timing: Timing,
        clock: Clock,
        dial: impl Fn(&str) -> Arc<dyn Remote> + Send + Sync + 'static,
    ) -> Self {
        let address: Arc<str> = own.address.as_str().into();
        let node = RingNode { address: Arc::clone(&address), weight: own.weight };
        let (ring, remotes) = (Ring::new([]), Vec::new());
        let snapshot = Snapshot { ring, remotes, reigns: false, cluster: 0, name: 0, revision: 0 };
        Self {
            own: address,
            process: rand::random(),
            dial: Box::new(dial),
            make_ring: Box::new(Ring::new),
            clock,
            now: ArcSwap::from_pointee(snapshot),
            certain_until_ms: AtomicU64::new(0),
            stepping: Mutex::new(()),
            state: Mutex::new(Knowledge::new(node, timing)),
            holdings: Mutex::default(),
            changed: Signal::default(),
            joiners: AtomicU64::new(0),
            heirs: Heirs::default(),
            lists: OnceLock::new(),
            lent_before_until_ms: AtomicU64::new(0),
            problems: Problems::default(),
        }
    }

    /// Uses `make_ring` in place of [`Ring::new`]. It must make the same rings. A
    /// simulation, in which many nodes have the same ring, uses it to make each ring
    /// once.
    #[must_use]
    pub fn with_rings(
        mut self,
        make_ring: impl Fn(Vec<RingNode>) -> Ring + Send + Sync + 'static,
    ) -> Self {
        self.make_ring = Box::new(make_ring);
        self
    }

    /// Identifies this process by `process`, which must be unique. The default is a
    /// random number.
    #[must_use]
    pub fn with_process(mut self, process: u64) -> Self {
        self.process = process;
        self
    }

    /// Makes `holdings` follow the right to hold, until they are dropped.
    pub fn add_holdings(&self, holdings: Weak<dyn Holdings>) {
        let mut all = self.holdings.lock();
        all.retain(|known| known.strong_count() > 0);
        all.push(holdings);
    }

    // ---- What requests ask ----

    /// The owner of the key with this [`ring_hash`](crate::key::ring_hash). With an empty
    /// ring this node is the owner of every key.
    #[must_use]
    pub fn owner(&self, ring_hash: u64) -> Owner {
        let now = self.now.load();
        match now.ring.owner(ring_hash).and_then(|index| now.remotes[index].as_ref()) {
            Some(remote) => Owner::There(Arc::clone(remote)),
            None => Owner::Here,
        }
    }

    /// Whether this node may answer from memory. All entries in its store are its own
    /// then. Reads the clock.
    #[must_use]
    #[inline]
    pub fn is_certain(&self) -> bool {
        match self.certain_until_ms.load(Ordering::Acquire) {
            FOR_EVER => true,
            0 => false,
            until_ms => self.clock.now_ms() < until_ms || flaw::is(Flaw::CertaintyIsNotChecked),
        }
    }

    /// Whether this node holds the key with this hash at this moment (rule 2).
    #[must_use]
    pub fn holds(&self, ring_hash: u64) -> bool {
        let now = self.now.load();
        // 1. This reads a ring in which this node owns the key. 2. The node loses the
        // key, and becomes certain again. 3. This reads that it is certain. So the ring
        // must still be the same afterwards.
        now.owns(ring_hash) && self.is_certain() && Arc::ptr_eq(&now, &self.now.load())
    }

    /// Subscribes to changes of the view, of the right to hold, and of the members that
    /// have joined. Subscribe before you check a condition.
    #[must_use]
    pub fn changes(&self) -> Changes<'_> {
        self.changed.changes()
    }

    /// Every other node in the ring.
    #[must_use]
    pub fn others(&self) -> Vec<Arc<dyn Remote>> {
        self.now.load().remotes.iter().flatten().cloned().collect()
    }

    /// The connection to the node at `address`, a new one if it is not in the ring.
    pub(super) fn remote_at(&self, address: &str) -> Arc<dyn Remote> {
        self.now.load().remote(address).unwrap_or_else(|| (self.dial)(address))
    }

    /// A number that is the same on all nodes that use the same ring.
    #[must_use]
    pub fn ring_version(&self) -> u64 {
        self.now.load().ring.version()
    }

    /// A number that identifies this process.
    #[must_use]
    pub fn process(&self) -> u64 {
        self.process
    }

    /// This node's registration, as requests see it; 0: it has none. Takes no lock, since
    /// each change of a key asks for it.
    #[must_use]
    pub fn name(&self) -> Name {
        self.now.load().name
    }

    /// The address that this node is known by.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.own
    }

    /// A copy of the view.
    #[must_use]
    pub fn view(&self) -> View {
        self.state.lock().view.clone()
    }

    /// The revision of the view; 0: there is none.
    #[must_use]
    pub fn revision(&self) -> i64 {
        self.now.load().revision
    }

    /// A request of this node to another one. `group` is empty for a call about membership, and
    /// `key` for one about no key.
    #[must_use]
    pub fn request(&self, group: Bytes, key: &str, call: PeerCall) -> Request {
        let now = self.now.load();
        let key = Bytes::copy_from_slice(key.as_bytes());
        Request { group, key, call, cluster: now.cluster, revision: now.revision }
    }

    /// The answer to a request about a group whose caller is of another cluster; `None`:
    /// it is of this one.
    #[must_use]
    pub fn refuse_stranger(&self, request: &Request) -> Option<Response> {
        // 1. A node crashes. 2. A node of another cluster takes its address over, before
        // the lease has ended. 3. A node of the first cluster sends a change to the
        // address. The other cluster must not confirm it, nor answer gets with its values.
        let is_known = request.cluster == self.now.load().cluster;
        let reason = || "it is a node of another cluster".to_owned();
        (!is_known).then(|| Response::NotHolder { reason: reason(), view: None })
    }

    /// The answer to a change of a key that this node does not hold. It contains the view
    /// if that is newer than `revision`, the caller's.
    #[must_use]
    pub fn not_holder(&self, revision: i64) -> Response {
        let state = self.state.lock();
        let is_news = state.view.revision > revision && state.name() != 0;
        let view = is_news.then(|| state.view.clone());
        let own_revision = state.view.revision;
        drop(state);
        let reason = match self.state() {
            OwnershipState::Holds => format!("it does not own the key at revision {own_revision}"),
            other => format!("it is {}", other.word()),
        };
        Response::NotHolder { reason, view }
    }

    /// Whether this node is leaving, or has left, as the registration `name`.
    #[must_use]
    pub fn leaves_as(&self, name: Name) -> bool {
        let state = self.state.lock();
        state.leaving && name != 0 && state.name() == name
    }

    /// The other nodes in the ring that have not cleared under their present registration
    /// (rule 8). `cleared` maps each address that has cleared to its registration.
    #[must_use]
    pub fn missing(&self, cleared: &BTreeMap<String, Name>) -> Vec<Arc<dyn Remote>> {
        if self.lists.get().is_some() {
            let others = self.others().into_iter();
            return others.filter(|other| !cleared.contains_key(other.address())).collect();
        }
        let names = self.state.lock().names_in_ring();
        let missing = names.into_iter().filter(|(address, name)| {
            cleared.get(&**address).is_none_or(|cleared| cleared != name)
        });
        let mut addresses: Vec<_> = missing.map(|(address, _)| address).collect();
        addresses.dedup();
        addresses.iter().map(|address| self.remote_at(address)).collect()
    }

    /// Whether all other nodes in the ring have cleared, and this node is certain, so
    /// that its ring is right (rule 8).
    #[must_use]
    pub fn have_all(&self, cleared: &BTreeMap<String, Name>) -> bool {
        let all = self.missing(cleared).is_empty() || flaw::is(Flaw::NewcomersAreNotCleared);
        self.is_certain() && all && self.is_certain()
    }

    /// The clock by which certainty ends.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    pub(super) fn holdings(&self) -> Vec<Arc<dyn Holdings>> {
        self.holdings.lock().iter().filter_map(Weak::upgrade).collect()
    }
}

impl std::fmt::Debug for Ownership {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ownership")
            .field("own", &self.own)
            .field("ring", &self.now.load().ring)
            .finish_non_exhaustive()
    }
}

impl Default for Ownership {
    fn default() -> Self {
        Self::alone()
    }
}
