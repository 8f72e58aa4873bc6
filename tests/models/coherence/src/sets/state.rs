//! The state of a run: the client, what the nodes do for it, and who holds the key.

use std::fmt;

use crate::short_vec::ShortVec;

/// How many nodes there are.
pub(crate) const N: usize = 3;

/// The place of no node.
pub(crate) const NOBODY: u8 = N as u8;

/// Ticks of half of a set's timeout, after which the client asks another node.
pub(crate) const HALF: u8 = 3;

/// Ticks for which a reading of a node's clock may be used.
pub(crate) const FRESH: i8 = 1;

/// How far two clocks may get apart in a run, in ticks: one by where in a tick each of them is
/// read, and one by drift.
pub(crate) const APART: u8 = 2;

/// The time left until a moment on the clock of another process, which had run for long.
pub(crate) const LONG: i8 = 100;

/// What the client does for its change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Doing {
    /// Nothing; it may begin another change.
    #[default]
    Rests,
    /// It makes a remove.
    Removes,
    /// It chooses a node for its set.
    Chooses,
    /// It has a connection to the node, and needs a reading of its clock.
    Connected,
    /// It computes until when the node may begin the set.
    Computes,
    /// It has sent the set.
    Waits,
    /// The node may begin the set, or have made it, and won't answer. The time is waited for.
    SitsOut,
    /// Its caller has dropped the future of the set.
    Dropped,
}

/// The client, which makes one change at a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Client {
    /// Its newest change. Changes are numbered from 1.
    pub(crate) change: u8,
    pub(crate) doing: Doing,
    /// The node of the attempt.
    pub(crate) asks: u8,
    /// Ticks of its clock until the attempt is over, and until the set is.
    pub(crate) to_over: u8,
    pub(crate) to_end: u8,
    /// What it has read first: the age of the reading, or the ticks that were left [flaw].
    pub(crate) noted: i8,
}

/// What the client knows of the clock of the node at the other end of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Reading {
    /// Ticks of the client's clock since the moment that it has noted.
    pub(crate) age: i8,
    /// Ticks of the node's clock since the reading.
    pub(crate) since: i8,
}

/// A node and the client's connection to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Node {
    /// By how much the client's clock has got ahead of where it may be, of [`APART`]; 0 while
    /// nothing depends on the node's.
    pub(crate) ahead: u8,
    pub(crate) reading: Option<Reading>,
    /// The node has told its clock, so many of its ticks ago; the client has not heard it.
    pub(crate) told: Option<i8>,
}

/// How far a node is with a set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Stage {
    /// It is on its way, in the node's socket, or set aside in a session.
    #[default]
    Unread,
    Begun,
    /// The time was found not to be over, and the version is not read yet [flaw].
    InTime,
    /// The version of the owner is read, and the key has not changed there since.
    Versioned,
    /// It was sent to the owner, or is made here.
    Sent,
}

/// A set that the client has sent to a node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Call {
    pub(crate) at: u8,
    pub(crate) change: u8,
    /// Ticks of the node's clock until its time is over.
    pub(crate) left: i8,
    pub(crate) stage: Stage,
    /// The owner, as the node believes.
    pub(crate) owner: u8,
    /// The client waits for its answer.
    pub(crate) awaited: bool,
}

/// A set on its way from a node to the owner, or to this node's own memory. The key has not
/// changed at the owner since the version that it carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Order {
    pub(crate) owner: u8,
    pub(crate) change: u8,
    /// The call that the client waits for waits for it.
    pub(crate) awaited: bool,
    /// The version is of the process that was at that address before [flaw].
    pub(crate) former: bool,
}

/// The whole of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    pub(crate) client: Client,
    pub(crate) nodes: [Node; N],
    /// The node that holds the key.
    pub(crate) holder: u8,
    /// The change whose value it has; 0: it has none.
    pub(crate) held: u8,
    /// The newest change that has taken effect.
    pub(crate) newest: u8,
    /// The newest change that was confirmed to the client.
    pub(crate) confirmed: u8,
    /// An older change has taken effect after a newer one.
    pub(crate) overtaken: bool,
    pub(crate) calls: ShortVec<Call, 4>,
    pub(crate) orders: ShortVec<Order, 8>,
    /// How many faults of each kind there were.
    pub(crate) moves: u8,
    pub(crate) restarts: u8,
    pub(crate) drops: u8,
}

impl Client {
    /// It has made nothing.
    pub(crate) fn none() -> Self {
        Self { asks: NOBODY, ..Self::default() }
    }
}

impl State {
    /// The state that a run begins in.
    pub(crate) fn first() -> Self {
        Self {
            client: Client::none(),
            nodes: [Node::default(); N],
            holder: 0,
            held: 0,
            newest: 0,
            confirmed: 0,
            overtaken: false,
            calls: ShortVec::new(),
            orders: ShortVec::new(),
            moves: 0,
            restarts: 0,
            drops: 0,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Client { change, doing, to_over, to_end, .. } = self.client;
        write!(f, "change {change}: {doing:?}, over in {to_over}, ends in {to_end}; ")?;
        write!(f, "holder {} has {}; ", self.holder, self.held)?;
        write!(f, "newest {} confirmed {}", self.newest, self.confirmed)?;
        for Call { at, change, left, stage, .. } in self.calls.iter() {
            write!(f, "; at {at} set {change} {stage:?}, {left} left")?;
        }
        for Order { owner, change, .. } in self.orders.iter() {
            write!(f, "; set {change} on its way to {owner}")?;
        }
        Ok(())
    }
}
