//! Changes of the right to hold, one step at a time (rules 1, 2 and 4).
//!
//! Everything that changes what requests read goes through [`Ownership::step`]:
//!
//! 1. The certainty is set to zero: the node holds nothing.
//! 2. The new ring replaces the old one.
//! 3. Running loads are interrupted, and a new change number is taken: a gain counts as a
//!    change of the key.
//! 4. The certainty is restored. From here on the node holds gained keys, and stores no
//!    values of lost keys.
//! 5. Entries of lost keys are dropped.
//! 6. The view counts as settled. Only now does the node ack joiners for it.
//!
//! Until step 5 is done the node may still answer a lost entry from memory. No other node
//! holds the key before step 6: a new owner needs this node's ack (rule 3), which this
//! node does not give before. So a hit need not look up the owner of its key: all entries
//! in the store of a node that is certain are its own.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use hashbrown::HashMap;
use parking_lot::MutexGuard;

use super::heirs::{Giver, Members};
use super::knowledge::Knowledge;
use super::right::{FOR_EVER, Ownership};
use super::snapshot::Snapshot;
use crate::flaw::{self, Flaw};
use crate::membership::rendezvous::{Ring, RingNode};
use crate::membership::view::View;
use crate::transport::remote::Remote;

impl Ownership {
    /// Moves to `view` if it is later. A node whose own entry is not in it stops (rule
    /// 1). A node without a registration uses the view only to route requests. Returns
    /// whether it moved.
    pub fn see(&self, view: View) -> bool {
        if !self.state.lock().is_later(&view) {
            // Most views are not later, and need not wait for a running step.
            return false;
        }
        let mut stops = false;
        let moved = self.step(|state| {
            let is_news = state.is_later(&view);
            let is_in_it = view.name_at(&state.own.address) == state.name();
            // A node that is leaving holds nothing, but has yet to hand over its entries.
            stops = is_news && state.registered.is_some() && !is_in_it && !state.leaving;
            let moves = is_news && !stops;
            if moves {
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
    /// had crashed (rule 1).
    pub fn stop(&self, reason: &str) {
        let _stepping = self.take_turn();
        let mut state = self.state.lock();
        if state.registered.is_none() {
            return;
        }
        self.certain_until_ms.store(0, Ordering::Release);
        state.stop();
        let routes = Snapshot { revision: 0, ..self.now.load().at(&state) };
        self.now.store(Arc::new(routes));
        drop(state);
        let dropped = self.forget_all();
        self.heirs.forget();
        tracing::warn!(reason, dropped, "this node lost its registration and registers anew");
        self.announce();
    }

    /// Prepares to leave: the node holds nothing from now on (rule 11). Its entries stay
    /// in memory, to be handed over.
    pub fn leave(&self) {
        if flaw::is(Flaw::StopsAfterLeaving) {
            return;
        }
        self.step(|state| {
            state.leaving = true;
            true
        });
    }

    /// Uses `nodes` as the ring, and holds this node's keys for ever (rule 12).
    pub(super) fn own_for_ever(&self, nodes: impl IntoIterator<Item = RingNode>) {
        let ring = (self.make_ring)(nodes.into_iter().collect());
        let remotes = self.remotes(&ring);
        let cluster = self.lists.get().map_or(0, |lists| lists.digest);
        let (name, revision) = (0, 0);
        let reign = Snapshot { ring, remotes, reigns: true, cluster, name, revision };
        self.now.store(Arc::new(reign));
        self.certain_until_ms.store(FOR_EVER, Ordering::Release);
        self.announce();
    }

    /// Makes a node with a static list hold its keys or nothing (rule 12).
    ///
    /// The caller holds the guard of [`take_turn`](Self::take_turn).
    pub(super) fn hold_by_list(&self, holds: bool) {
        let was = self.certain_until_ms.load(Ordering::Acquire) != 0;
        if was == holds {
            return;
        }
        self.certain_until_ms.store(0, Ordering::Release);
        self.forget_all();
        let until_ms = if holds { FOR_EVER } else { 0 };
        self.certain_until_ms.store(until_ms, Ordering::Release);
        self.announce();
    }

    /// Changes the state, then updates what requests read, and drops lost entries.
    /// `change` returns whether it changed anything.
    pub(super) fn step(&self, change: impl FnOnce(&mut Knowledge) -> bool) -> bool {
        let _stepping = self.take_turn();
        let mut state = self.state.lock();
        // Read before a new name is visible: 1. This node registers. 2. It drops a key for a
        // change. 3. An heir that minds changes only since a later time inherits the old value.
        let now_ms = self.clock.now_ms();
        if !change(&mut state) {
            return false;
        }
        let now = self.now.load_full();
        let (ring, reigns) = (state.ring(), state.reigns());
        let is_same_ring = now.has(&ring);
        if is_same_ring && reigns == now.reigns {
            state.settled = state.view.revision;
            if now.differs(&state) {
                self.now.store(Arc::new(now.at(&state)));
            }
            self.publish(&state);
            let members = Members::of(&state);
            drop(state);
            self.follow_heirs(members, now_ms, &now, &now);
            self.announce();
            return true;
        }
        // Sets the certainty to zero until step 4 of the list at the top of this file.
        state.stepping = true;
        self.publish(&state);
        let revision = state.view.revision;
        let next = if is_same_ring {
            now.at(&state)
        } else {
            let nodes = ring.into_iter().map(|(address, weight)| RingNode { address, weight });
            let nodes = nodes.collect();
            drop(state);
            let ring = (self.make_ring)(nodes);
            let remotes = self.remotes(&ring);
            tracing::info!(nodes = remotes.len(), version = ring.version(), "the ring changed");
            state = self.state.lock();
            Snapshot::of(&state, ring, remotes)
        };
        let next = Arc::new(next);
        self.now.store(Arc::clone(&next));
        let members = Members::of(&state);
        drop(state);
        let giver = self.follow_heirs(members, now_ms, &now, &next);
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

    /// Waits for the running step, which may be dropping many entries.
    pub(super) fn take_turn(&self) -> MutexGuard<'_, ()> {
        if let Some(turn) = self.stepping.try_lock() {
            return turn;
        }
        unhurried(|| self.stepping.lock())
    }

    fn follow_heirs(
        &self,
        members: Members,
        now_ms: u64,
        was: &Snapshot,
        next: &Snapshot,
    ) -> Giver {
        self.heirs.step(&self.own, members, now_ms, (was, next), &*self.make_ring)
    }

    /// Publishes the state's certainty to requests.
    pub(super) fn publish(&self, state: &Knowledge) {
        self.certain_until_ms.store(state.certain_until_ms(), Ordering::Release);
    }

    /// Changes only the certainty, without a step.
    pub(super) fn make_certain(&self, change: impl FnOnce(&mut Knowledge)) {
        let mut state = self.state.lock();
        change(&mut state);
        self.publish(&state);
    }

    pub(super) fn announce(&self) {
        self.changed.tell();
    }

    fn forget_all(&self) -> u64 {
        unhurried(|| self.holdings().iter().map(|holdings| holdings.forget()).sum())
    }

    /// The nodes of `ring`, with the connections that there are already.
    fn remotes(&self, ring: &Ring) -> Vec<Option<Arc<dyn Remote>>> {
        let now = self.now.load();
        let known = now.remotes.iter().flatten().map(|remote| (remote.address(), remote));
        let known: HashMap<&str, &Arc<dyn Remote>> = known.collect();
        let remote = |node: &RingNode| {
            let known = known.get(&*node.address).map(|remote| Arc::clone(remote));
            (node.address != self.own).then(|| known.unwrap_or_else(|| (self.dial)(&node.address)))
        };
        ring.nodes().iter().map(remote).collect()
    }
}

/// Runs work that takes long in a large store. On a runtime with several threads, other
/// tasks of this thread need not wait for it.
fn unhurried<T>(work: impl FnOnce() -> T) -> T {
    use tokio::runtime::{Handle, RuntimeFlavor};
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}
