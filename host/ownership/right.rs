//! The right to hold a key, as requests ask for it. Rules 1, 2 and 4.
//!
//! Requests read one snapshot and one atomic, without a lock. Everything that changes
//! them goes through [`Ownership::step`], one step after the other:
//!
//! 1. The certainty is taken away: nothing is held.
//! 2. The new ring is in place.
//! 3. Loads under way lose their permission to keep what they bring, and the numbers of
//!    changes grow: a gain counts as a change of the key.
//! 4. The certainty is back. From here on gained keys are held, and nothing that was
//!    lost is kept any more.
//! 5. Entries that were lost are dropped.
//! 6. The view counts as seen: only now do others hear that it was.
//!
//! Until step 6 an entry that was lost may be answered from memory still. Nobody else
//! holds its key before: a new owner needs an ack of this node [3], and gives none before
//! step 6. That is why a hit need not look up the owner of its key: what is in the store
//! of a node that is certain is its own.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::Weak;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;

use super::heirs::{Giver, Heirs};
use super::lists::Lists;
use super::report::Problems;
use super::signal::{Changes, Signal};
use super::state::State;
use super::timing::Timing;
use crate::clock::Clock;
use crate::flaw::{self, Flaw};
use crate::membership::rendezvous::{Ring, RingNode};
use crate::membership::view::{Entry, Name, View};
use crate::sync::Mutex;
use crate::transport::remote::{Remote, Response};

/// No end to it.
const FOR_EVER: u64 = u64::MAX;

/// Makes the connection to the node at an address, without waiting.
type Dial = Box<dyn Fn(&str) -> Arc<dyn Remote> + Send + Sync>;

/// Makes the ring of some nodes.
type MakeRing = Box<dyn Fn(Vec<RingNode>) -> Ring + Send + Sync>;

/// What a node holds, as the right to hold it changes.
pub trait Holdings: Send + Sync {
    /// The owners of some keys change at this moment, and nothing is held while this
    /// runs: loads under way must not keep what they bring, and it counts as a change of
    /// every key.
    fn rights_change(&self);

    /// Drops what `owned` says is not owned any more, by the key's
    /// [`ring_hash`](crate::key::ring_hash). May give it to `giver` to remember.
    fn drop_lost(&self, owned: &dyn Fn(u64) -> bool, giver: &Giver);

    /// Drops everything, and all that was remembered for others. Answers how many
    /// entries there were.
    fn forget(&self) -> u64;

    /// Until when values that this node lent may be answered by others; 0: none was.
    fn lent_until_ms(&self) -> u64;
}

/// Who answers for a key.
#[derive(Clone)]
pub enum Owner {
    /// This node, which may hold it or not: see [`Ownership::holds`].
    Here,
    /// Another one.
    There(Arc<dyn Remote>),
}

/// What requests read.
pub(super) struct Snapshot {
    pub(super) ring: Ring,
    /// In the ring's order; `None` is this node.
    pub(super) remotes: Vec<Option<Arc<dyn Remote>>>,
    /// Whether this node has joined, and acts on what it owns.
    pub(super) reigns: bool,
    /// Of the view that it was made of.
    pub(super) revision: i64,
}

/// The keys that this node owns, and the right to hold them.
pub struct Ownership {
    pub(super) own: Arc<str>,
    /// Tells this process from every other one.
    pub(super) process: u64,
    dial: Dial,
    pub(super) make_ring: MakeRing,
    pub(super) clock: Clock,
    pub(super) now: ArcSwap<Snapshot>,
    /// Until when what is held may be answered; 0: not now.
    certain_until_ms: AtomicU64,
    /// One step at a time. Held while lost entries are dropped; requests never take it.
    stepping: Mutex<()>,
    /// Guards what the rules speak of. Held for moments, by nobody who waits.
    pub(super) state: Mutex<State>,
    holdings: Mutex<Vec<Weak<dyn Holdings>>>,
    /// For those who wait for a change of anything here.
    changed: Signal,
    /// Nodes that wait for an ack of this one.
    pub(super) joiners: AtomicU64,
    pub(super) heirs: Heirs,
    pub(super) lists: OnceLock<Lists>,
    /// Until when copies may be out that the process before this one lent.
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

    /// The node that `own` describes, which owns nothing yet. `dial` connects to another
    /// one, at once and without waiting.
    pub fn new(
        own: Entry,
        timing: Timing,
        clock: Clock,
        dial: impl Fn(&str) -> Arc<dyn Remote> + Send + Sync + 'static,
    ) -> Self {
        let address: Arc<str> = own.address.as_str().into();
        let node = RingNode { address: Arc::clone(&address), weight: own.weight };
        let snapshot =
            Snapshot { ring: Ring::new([]), remotes: Vec::new(), reigns: false, revision: 0 };
        Self {
            own: address,
            process: rand::random(),
            dial: Box::new(dial),
            make_ring: Box::new(Ring::new),
            clock,
            now: ArcSwap::from_pointee(snapshot),
            certain_until_ms: AtomicU64::new(0),
            stepping: Mutex::new(()),
            state: Mutex::new(State::new(node, timing)),
            holdings: Mutex::default(),
            changed: Signal::default(),
            joiners: AtomicU64::new(0),
            heirs: Heirs::default(),
            lists: OnceLock::new(),
            lent_before_until_ms: AtomicU64::new(0),
            problems: Problems::default(),
        }
    }

    /// The same, with rings that `make_ring` makes: what [`Ring::new`] would, but from
    /// memory, where many nodes make the same ones as in a simulation.
    #[must_use]
    pub fn with_rings(
        mut self,
        make_ring: impl Fn(Vec<RingNode>) -> Ring + Send + Sync + 'static,
    ) -> Self {
        self.make_ring = Box::new(make_ring);
        self
    }

    /// The same, told apart from other processes by `process`, which must be no other
    /// one's. By itself it is a number at random.
    #[must_use]
    pub fn with_process(mut self, process: u64) -> Self {
        self.process = process;
        self
    }

    /// Has `holdings` follow the right to hold, for as long as they live.
    pub fn add_holdings(&self, holdings: Weak<dyn Holdings>) {
        let mut all = self.holdings.lock();
        all.retain(|known| known.strong_count() > 0);
        all.push(holdings);
    }

    // ---- What requests ask ----

    /// Who owns the key with this [`ring_hash`](crate::key::ring_hash). A node that
    /// knows no node answers for every key.
    #[must_use]
    pub fn owner(&self, ring_hash: u64) -> Owner {
        let now = self.now.load();
        match now.ring.owner(ring_hash).and_then(|index| now.remotes[index].as_ref()) {
            Some(remote) => Owner::There(Arc::clone(remote)),
            None => Owner::Here,
        }
    }

    /// Whether what is in this node's memory may be answered, which is its own then.
    /// Reads the clock.
    #[must_use]
    #[inline]
    pub fn is_certain(&self) -> bool {
        match self.certain_until_ms.load(Ordering::Acquire) {
            FOR_EVER => true,
            0 => false,
            until_ms => self.clock.now_ms() < until_ms || flaw::is(Flaw::CertaintyIsNotChecked),
        }
    }

    /// Whether this node holds the key with this hash at this moment [2].
    #[must_use]
    pub fn holds(&self, ring_hash: u64) -> bool {
        let now = self.now.load();
        // 1. This reads a ring in which the node owns the key. 2. It loses the key, and
        // is certain of the others again. 3. This reads that it is certain.
        now.owns(ring_hash) && self.is_certain() && Arc::ptr_eq(&now, &self.now.load())
    }

    /// Waits for a change of the view, of the right to hold, or of who has joined.
    /// Subscribe before looking.
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
        let now = self.now.load();
        let known = now.remotes.iter().flatten().find(|remote| remote.address() == address);
        known.map_or_else(|| (self.dial)(address), Arc::clone)
    }

    /// A number that nodes share which act on the same ring.
    #[must_use]
    pub fn ring_version(&self) -> u64 {
        self.now.load().ring.version()
    }

    /// Tells this process from every other one.
    #[must_use]
    pub fn process(&self) -> u64 {
        self.process
    }

    /// This node's registration; 0: it has none.
    #[must_use]
    pub fn name(&self) -> Name {
        self.state.lock().name()
    }

    /// The address that this node is known by.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.own
    }

    /// The view, for a node that may not have it.
    #[must_use]
    pub fn view(&self) -> View {
        self.state.lock().view.clone()
    }

    /// The revision of the view; 0: there is none.
    #[must_use]
    pub fn revision(&self) -> i64 {
        self.now.load().revision
    }

    /// What a node with a view of `revision` is told of a key that this one does not
    /// hold.
    #[must_use]
    pub fn not_holder(&self, revision: i64) -> Response {
        let state = self.state.lock();
        let is_news = state.view.revision > revision && state.name() != 0;
        let view = is_news.then(|| state.view.clone());
        drop(state);
        Response::NotHolder { reason: format!("it is {}", self.standing().word()), view }
    }

    /// Whether this node leaves, or has left, the registration `name`.
    #[must_use]
    pub fn leaves_as(&self, name: Name) -> bool {
        let state = self.state.lock();
        state.leaving && name != 0 && state.name() == name
    }

    /// Which of the others in the ring have not cleared under their present names: of
    /// `cleared`, by address [8].
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

    /// Whether all in the ring have cleared at this moment, and this node can tell who
    /// they are [8].
    #[must_use]
    pub fn have_all(&self, cleared: &BTreeMap<String, Name>) -> bool {
        let all = self.missing(cleared).is_empty() || flaw::is(Flaw::NewcomersAreNotCleared);
        self.is_certain() && all && self.is_certain()
    }

    /// The clock that certainty is counted by.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    // ---- What changes it ----

    /// Moves to `view` if it is later. A node whose own entry is not in it stops [1].
    /// Answers whether it moved.
    pub fn see(&self, view: View) -> bool {
        let mut stops = false;
        let moved = self.step(|state| {
            let moves = state.registered.is_some() && state.is_later(&view);
            if moves {
                stops = view.name_at(&state.own.address) != state.name();
                state.see(view);
            }
            moves
        });
        if stops {
            self.stop("its entry is gone from the registry");
        }
        moved
    }

    /// Forgets everything, interrupts all loads, and holds nothing, as if the process
    /// had crashed [1].
    pub fn stop(&self, reason: &str) {
        let _stepping = self.stepping.lock();
        let mut state = self.state.lock();
        if state.registered.is_none() {
            return;
        }
        self.certain_until_ms.store(0, Ordering::Release);
        state.stop();
        let now = self.now.load();
        let (ring, remotes) = (now.ring.clone(), now.remotes.clone());
        self.now.store(Arc::new(Snapshot { ring, remotes, reigns: false, revision: 0 }));
        drop(state);
        let dropped = self.forget_all();
        self.heirs.forget();
        tracing::warn!(reason, dropped, "this node lost its registration and registers anew");
        self.announce();
    }

    /// Holds nothing from now on, and registers no more: it is about to leave [11]. What
    /// it has stays in memory, to be given away.
    pub fn leave(&self) {
        if flaw::is(Flaw::StopsAfterLeaving) {
            return;
        }
        self.step(|state| {
            state.leaving = true;
            true
        });
    }

    /// The nodes that hold what they own for ever, by a list [12].
    pub(super) fn own_for_ever(&self, nodes: impl IntoIterator<Item = RingNode>) {
        let remotes = self.with_remotes((self.make_ring)(nodes.into_iter().collect()), true, 0);
        self.now.store(Arc::new(remotes));
        self.certain_until_ms.store(FOR_EVER, Ordering::Release);
        self.announce();
    }

    /// Has a node with a list hold nothing, or what it owns again [12].
    pub(super) fn hold_by_list(&self, holds: bool) {
        let _stepping = self.stepping.lock();
        let was = self.certain_until_ms.swap(0, Ordering::AcqRel) != 0;
        if was != holds {
            self.forget_all();
        }
        let until_ms = if holds { FOR_EVER } else { 0 };
        self.certain_until_ms.store(until_ms, Ordering::Release);
        self.announce();
    }

    /// Changes the state, and brings what requests read and what is held in line with
    /// it. `change` answers whether there was a change.
    pub(super) fn step(&self, change: impl FnOnce(&mut State) -> bool) -> bool {
        let _stepping = self.stepping.lock();
        let mut state = self.state.lock();
        if !change(&mut state) {
            return false;
        }
        let now = self.now.load_full();
        let (ring, reigns) = (state.ring(), state.joined && !state.leaving);
        let is_same_ring = now.has(&ring);
        if is_same_ring && reigns == now.reigns {
            state.settled = state.view.revision;
            self.follow_heirs(&state, &now, &now);
            self.publish(&state);
            drop(state);
            self.announce();
            return true;
        }
        // Held nowhere, so that steps 1 to 4 of the page above need no more than this.
        state.stepping = true;
        self.publish(&state);
        let revision = state.view.revision;
        let next = if is_same_ring {
            let (ring, remotes) = (now.ring.clone(), now.remotes.clone());
            Snapshot { ring, remotes, reigns, revision }
        } else {
            let nodes = ring.into_iter().map(|(address, weight)| RingNode { address, weight });
            let nodes = nodes.collect();
            drop(state);
            let next = self.with_remotes((self.make_ring)(nodes), reigns, revision);
            tracing::info!(
                nodes = next.remotes.len(),
                version = next.ring.version(),
                "the ring changed"
            );
            state = self.state.lock();
            next
        };
        let giver = self.follow_heirs(&state, &now, &next);
        let next = Arc::new(next);
        self.now.store(Arc::clone(&next));
        drop(state);
        let holdings = self.holdings();
        holdings.iter().for_each(|holdings| holdings.rights_change());
        let mut state = self.state.lock();
        state.stepping = false;
        self.publish(&state);
        drop(state);
        if now.reigns && reigns && !is_same_ring {
            let owned = |hash| next.owns(hash);
            unhurried(|| holdings.iter().for_each(|holdings| holdings.drop_lost(&owned, &giver)));
        }
        self.state.lock().settled = revision;
        self.announce();
        true
    }

    fn follow_heirs(&self, state: &State, was: &Snapshot, next: &Snapshot) -> Giver {
        let now_ms = self.clock.now_ms();
        self.heirs.step(&self.own, state, now_ms, (was, next), &*self.make_ring)
    }

    /// Has requests act on the state's certainty.
    pub(super) fn publish(&self, state: &State) {
        self.certain_until_ms.store(state.certain_until_ms(), Ordering::Release);
    }

    /// Prolongs, or shortens, the certainty alone.
    pub(super) fn make_certain(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state.lock();
        change(&mut state);
        self.publish(&state);
    }

    pub(super) fn announce(&self) {
        self.changed.tell();
    }

    /// Whether a value may be lent now, and for how long at most: not beyond this node's
    /// own certainty, and not while somebody waits for the copies to end [10].
    #[must_use]
    pub fn may_lend_ms(&self) -> u64 {
        if self.joiners.load(Ordering::Acquire) > 0 {
            return 0;
        }
        match self.certain_until_ms.load(Ordering::Acquire) {
            // By a list there is nobody to join.
            FOR_EVER => FOR_EVER,
            until_ms => until_ms.saturating_sub(self.clock.now_ms()),
        }
    }

    /// Until when copies may be out that the process before this one lent, at this address
    /// and by a list; 0: none is. With leases it held them no longer than those.
    #[must_use]
    pub fn lent_before_until_ms(&self) -> u64 {
        self.lent_before_until_ms.load(Ordering::Acquire)
    }

    /// Returns when no value is lent any more. Nothing may be lent meanwhile.
    pub(super) async fn copies_end(&self) {
        let lent = self.holdings().into_iter().map(|holdings| holdings.lent_until_ms());
        let rest_ms = lent.max().unwrap_or(0).saturating_sub(self.clock.now_ms());
        if rest_ms > 0 {
            self.clock.sleep(Duration::from_millis(rest_ms)).await;
        }
    }

    fn holdings(&self) -> Vec<Arc<dyn Holdings>> {
        self.holdings.lock().iter().filter_map(Weak::upgrade).collect()
    }

    fn forget_all(&self) -> u64 {
        self.holdings().iter().map(|holdings| holdings.forget()).sum()
    }

    fn with_remotes(&self, ring: Ring, reigns: bool, revision: i64) -> Snapshot {
        let remote =
            |node: &RingNode| (node.address != self.own).then(|| self.remote_at(&node.address));
        let remotes = ring.nodes().iter().map(remote).collect();
        Snapshot { ring, remotes, reigns, revision }
    }
}

/// Runs what takes its time in a large store, so that other tasks of the thread need
/// not wait where there are other threads.
fn unhurried(work: impl FnOnce()) {
    use tokio::runtime::{Handle, RuntimeFlavor};
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}

impl Snapshot {
    pub(super) fn owns(&self, ring_hash: u64) -> bool {
        let owner = self.ring.owner(ring_hash);
        self.reigns && owner.is_some_and(|index| self.remotes[index].is_none())
    }

    /// Whether the ring is of these nodes.
    fn has(&self, nodes: &BTreeMap<Arc<str>, u32>) -> bool {
        let known = self.ring.nodes();
        known.len() == nodes.len()
            && known
                .iter()
                .zip(nodes)
                .all(|(node, (address, weight))| node.address == *address && node.weight == *weight)
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
