//! Whether what this node holds may be answered: who tells it of changes.
//!
//! A node tells its changes to every node of its ring, and to everybody who asked it
//! to lately. So a node X may answer what it holds for as long as each node Y that X
//! knows tells X. X is sure of that
//! - until its registration may have ended, because Y takes X out of its ring only
//!   then; this needs Y to have had X in its ring at some time;
//! - for [`PROMISE`] from the moment at which X sent a greeting that Y answered.
//!
//! When for some Y neither holds any more, X has *fallen*: others may have changed
//! keys without it. It drops what it holds, greets everybody anew, and before all
//! of them have answered or turned out to be out of reach it keeps nothing. Then it
//! drops everything once more, loads under way included, since those began before
//! the promises. If even then some Y can't be reached and the registration has
//! ended, X is *cut off*: it serves on, but keeps what it loads for a second only.
//!
//! The time is looked at whenever something is answered from memory, so a process
//! that was stopped for a while answers nothing from before when it goes on.

mod promise;

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, watch};

use crate::clock::Clock;
use crate::sync::Mutex;
use promise::{Promise, TheirRing};

/// How long a node that was greeted tells the greeter of changes.
pub const PROMISE: Duration = Duration::from_secs(5);

/// No end to it.
const FOR_EVER: u64 = u64::MAX;

/// Drops all that a node holds, and tells how many entries that were.
type Forget = Box<dyn Fn() -> u64 + Send + Sync>;

/// What a node knows of who tells it of changes.
pub struct Standing {
    clock: Clock,
    /// Until when what is held may be answered; 0: not now.
    until_ms: AtomicU64,
    /// Whether what is loaded is to be kept for a second only.
    cut_off: AtomicBool,
    forget: OnceLock<Forget>,
    /// Guards the rest. Taken by greetings, the registry and changes, never by a get.
    state: Mutex<State>,
    /// Whether the node has not fallen, for those who wait for it.
    stands: watch::Sender<bool>,
    /// Somebody is to be greeted at once.
    pub(super) greet: Notify,
}

struct State {
    /// Until when this node is certain to be registered.
    registered_until_ms: u64,
    /// Times that it registered anew; the list from before says nothing.
    registrations: u64,
    /// Whether it knows the nodes that were there when it registered.
    listed: bool,
    fallen: bool,
    others: BTreeMap<String, Promise>,
}

impl State {
    /// Until when every other node is certain to tell this one.
    fn told_until_ms(&self) -> u64 {
        let until_ms = |other: &Promise| other.tells_until_ms(self.registered_until_ms);
        self.others.values().map(until_ms).min().unwrap_or(FOR_EVER)
    }
}

/// How a greeting ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Greeted {
    /// It tells from now on.
    Answered {
        /// Whether this node stands in its ring.
        in_ring: bool,
        /// Tells its process from the one before it at the same address.
        process: u64,
    },
    OutOfReach,
}

impl Standing {
    /// Of a node alone.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self {
            clock,
            until_ms: AtomicU64::new(FOR_EVER),
            cut_off: AtomicBool::new(false),
            forget: OnceLock::new(),
            state: Mutex::new(State {
                registered_until_ms: FOR_EVER,
                registrations: 0,
                listed: false,
                fallen: false,
                others: BTreeMap::new(),
            }),
            stands: watch::Sender::new(true),
            greet: Notify::new(),
        }
    }

    /// Has `forget` drop all that the node holds, loads under way included, when
    /// it falls. The first one stays.
    pub fn on_fall(&self, forget: impl Fn() -> u64 + Send + Sync + 'static) {
        // A second one would be of the same groups.
        let _ = self.forget.set(Box::new(forget));
    }

    /// Whether what is held may be answered now, and what comes may be kept.
    #[must_use]
    pub fn holds(&self) -> bool {
        match self.until_ms.load(Ordering::Acquire) {
            FOR_EVER => true,
            until_ms => self.clock.now_ms() < until_ms,
        }
    }

    /// Whether what comes may be kept only briefly.
    #[must_use]
    pub fn is_cut_off(&self) -> bool {
        self.cut_off.load(Ordering::Acquire)
    }

    /// Returns once what comes may be kept, or never will be.
    pub async fn settled(&self) {
        let mut stands = self.stands.subscribe();
        // The sender lives as long as this.
        let _ = stands.wait_for(|stands| *stands).await;
    }

    /// The time that [`registered_until`](Self::registered_until) counts in.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        self.clock.now_ms()
    }

    /// The registry has this node at least until `until_ms`.
    pub fn registered_until(&self, until_ms: u64) {
        let mut state = self.state.lock();
        self.look_at_the_time(&mut state);
        state.registered_until_ms = until_ms;
        self.review(&mut state);
    }

    /// This node does not stand in the registry, and is about to enter it. Unless
    /// every node that it knows has told it of changes nonetheless, as when the
    /// registry lost its data, it holds nothing when this returns. Answers how often
    /// this was called.
    pub fn registers(&self) -> u64 {
        let mut state = self.state.lock();
        self.look_at_the_time(&mut state);
        state.registrations += 1;
        state.registered_until_ms = 0;
        let now_ms = self.clock.now_ms();
        let promised = state.others.values().all(|promise| promise.until_ms > now_ms);
        if !state.listed || state.others.is_empty() || !promised {
            self.fall(&mut state);
        }
        state.listed = false;
        // Nobody has this node in its ring now, and when one will is known once it says so.
        state.others.values_mut().for_each(|promise| promise.ring = TheirRing::Unheard);
        self.review(&mut state);
        state.registrations
    }

    /// The other nodes are these, according to a list that was made after this
    /// node had registered for the `registrations`th time.
    pub(super) fn others_are<'a>(&self, others: impl Iterator<Item = &'a str>, registrations: u64) {
        let mut state = self.state.lock();
        if registrations != state.registrations {
            return;
        }
        let was_listed = state.listed;
        let known = std::mem::take(&mut state.others);
        for other in others {
            // Who registers later than this node finds it in its first list.
            let ring = if was_listed { TheirRing::HasUs } else { TheirRing::Unheard };
            let later = Promise { ring, ..Promise::default() };
            let promise = known.get(other).copied().unwrap_or(later);
            state.others.insert(other.to_owned(), promise);
        }
        state.listed = true;
        self.look_at_the_time(&mut state);
        let has_new = state.others.keys().any(|other| !known.contains_key(other));
        if has_new && !was_listed && !state.fallen {
            self.fall(&mut state);
        }
        self.review(&mut state);
        if has_new {
            self.greet.notify_one();
        }
    }

    /// A greeting to `other` that went out at `sent_ms` has ended.
    pub(super) fn greeted(&self, other: &str, sent_ms: u64, greeted: Greeted) {
        let mut state = self.state.lock();
        self.look_at_the_time(&mut state);
        let (fallen, now_ms) = (state.fallen, self.clock.now_ms());
        let Some(promise) = state.others.get_mut(other) else { return };
        let was_wrong = match greeted {
            Greeted::Answered { in_ring, process } => {
                promise.answered(in_ring, process, sent_ms, now_ms) && !fallen
            }
            Greeted::OutOfReach => {
                if fallen && !promise.settled {
                    promise.assume();
                }
                false
            }
        };
        if was_wrong {
            return self.fall(&mut state);
        }
        self.review(&mut state);
    }

    /// `process` at `other` stops, and tells nobody any more. Where this node rests on
    /// its promise it falls: whoever came since it left the registry knows it only by
    /// `other`. One that stopped before another took its place has nothing to say.
    pub(super) fn leaves(&self, other: &str, process: u64) {
        let mut state = self.state.lock();
        self.look_at_the_time(&mut state);
        let Some(promise) = state.others.get_mut(other) else { return };
        if promise.process.is_some_and(|known| known.number != process) {
            return;
        }
        promise.until_ms = 0;
        promise.left = Some(process);
        if !state.fallen && state.told_until_ms() <= self.clock.now_ms() {
            return self.fall(&mut state);
        }
        self.review(&mut state);
    }

    /// Whether `process`, which has just made a change at the address `other`, can name
    /// all who rely on being told by somebody there. One that took the place of another a
    /// moment ago can't; it is greeted if nobody has.
    pub(crate) fn speaks_for(&self, other: &str, process: u64) -> bool {
        let state = self.state.lock();
        let Some(known) = state.others.get(other).and_then(|promise| promise.process) else {
            return true;
        };
        if known.number != process {
            // One that nobody has greeted yet.
            self.greet.notify_one();
            return false;
        }
        known.speaks_for_its_address(self.clock.now_ms())
    }

    /// The processes of other nodes, by address, that have answered for so long.
    pub(super) fn processes_known_for(&self, at_least: Duration) -> BTreeMap<String, u64> {
        let before_ms = self.clock.now_ms().checked_sub(at_least.as_millis() as u64);
        let state = self.state.lock();
        let others = state.others.iter().filter_map(|(address, promise)| {
            let process = promise.process?;
            (Some(process.since_ms) <= before_ms).then(|| (address.clone(), process.number))
        });
        others.collect()
    }

    /// Has this node hold nothing from now on, for good: it is about to leave.
    pub fn retire(&self) {
        let mut state = self.state.lock();
        // A list that never comes keeps it from settling.
        state.registrations = u64::MAX;
        state.listed = false;
        self.lose_all(&mut state);
        // Nobody is to wait for what never comes.
        self.stands.send_replace(true);
    }

    /// Notices when the time is over.
    pub(super) fn look(&self) {
        let mut state = self.state.lock();
        self.look_at_the_time(&mut state);
        self.review(&mut state);
    }

    /// Before anything prolongs the time: once it was over, it is.
    fn look_at_the_time(&self, state: &mut State) {
        if !state.fallen && !self.holds() {
            self.fall(state);
        }
    }

    fn fall(&self, state: &mut State) {
        let dropped = self.lose_all(state);
        if dropped > 0 {
            tracing::warn!(
                dropped,
                "was out of touch, so what was held may be old; check the network and etcd"
            );
        }
    }

    fn lose_all(&self, state: &mut State) -> u64 {
        state.fallen = true;
        state.others.values_mut().for_each(|promise| *promise = promise.fallen());
        self.stands.send_replace(false);
        self.until_ms.store(0, Ordering::Release);
        self.cut_off.store(false, Ordering::Release);
        self.greet.notify_one();
        self.forget_all()
    }

    fn review(&self, state: &mut State) {
        if state.fallen {
            if !state.listed || !state.others.values().all(|promise| promise.settled) {
                return;
            }
            // 1. A load begins. 2. A node that does not tell this one yet changes
            // the key. 3. It promises to tell. 4. The load ends, with an old value.
            self.forget_all();
            state.fallen = false;
            self.stands.send_replace(true);
        }
        let until_ms = state.told_until_ms();
        if until_ms > self.clock.now_ms() {
            if self.cut_off.load(Ordering::Acquire) {
                // It is told again, and was not for a while.
                return self.fall(state);
            }
            self.until_ms.store(until_ms, Ordering::Release);
        } else {
            self.cut_off.store(true, Ordering::Release);
            self.until_ms.store(FOR_EVER, Ordering::Release);
        }
    }

    fn forget_all(&self) -> u64 {
        self.forget.get().map_or(0, |forget| forget())
    }
}

#[cfg(test)]
mod tests;
