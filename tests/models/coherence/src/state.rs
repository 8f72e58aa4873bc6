//! The state of a run: etcd, the nodes, the source, and what is on its way.

use std::fmt;

use crate::names::{N, Names, bit};
use crate::scope::Scope;
use crate::short_vec::ShortVec;

/// A load that has not read the source yet.
pub(crate) const UNREAD: u8 = 255;

/// Kinds of change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Of the key.
    #[default]
    Remove,
    /// Of the key.
    Set,
    /// Made at this node (rule 8).
    Clear(u8),
}

/// What stands under the key `cluster` (rule 3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ClusterKey {
    #[default]
    Absent,
    /// The id of an etcd that this one was restored from.
    FormerId,
    /// The id that etcd answers with.
    PresentId,
}

/// What a node knows and holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Node {
    /// Its registration; 0: none.
    pub(crate) name: u8,
    /// The view that it acts on, as an index into the history.
    pub(crate) view: u8,
    /// It has joined (rule 3).
    pub(crate) joined: bool,
    /// The members of its view that registered before it, until it has joined.
    pub(crate) earlier: u8,
    /// Who has acked since the last of them went.
    pub(crate) acks: u8,
    /// One of these acks came from a node that had joined.
    pub(crate) vetted: bool,
    /// It has read that nobody holds whom it has not asked for an ack (rule 3).
    pub(crate) checked: bool,
    /// Its short lease is certain, and its long one.
    pub(crate) certain: bool,
    pub(crate) long: bool,
    /// Who vouches for it, by its own clock.
    pub(crate) vouched: u8,
    /// For whom it vouches, by its own clock.
    pub(crate) promised: Names,
    /// Whom it saw removed, and does not know to be gone (rule 4).
    pub(crate) ghosts: Names,
    pub(crate) held: u8,
    /// The version that a load under way has read; `UNREAD`: none yet.
    pub(crate) flight: u8,
    /// An answer of etcd is on its way [flaw].
    pub(crate) late: bool,
    /// It has looked at its right, and acts on it later [flaw].
    pub(crate) looked: bool,
    /// It has dropped the key for the change under way, under this name, plus 1, and has yet
    /// to confirm that; 0: it has not.
    pub(crate) dropped: u8,
    /// What it held when it lost the key to one node alone, and to which (rule 9).
    pub(crate) left: u8,
    pub(crate) left_to: (u8, u8),
    /// It has been the owner in all views since it registered.
    pub(crate) owner_throughout: bool,
    /// The key was changed here since it registered, as owner or not.
    pub(crate) changed: bool,
    /// From which node alone it gained the key.
    pub(crate) heir_of: (u8, u8),
    /// A copy that it may answer, and who lent it (rule 10).
    pub(crate) copy: u8,
    pub(crate) copy_of: (u8, u8),
}

/// A set on its way to an owner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Set {
    pub(crate) to: u8,
    pub(crate) version: u8,
}

/// An entry on its way from a node that leaves to its heir (rule 9).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Push {
    pub(crate) to: u8,
    pub(crate) from: (u8, u8),
    pub(crate) version: u8,
}

/// The whole of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct State {
    /// Views that some node is at, or will see; the last one is etcd's present view.
    pub(crate) history: ShortVec<Names, 8>,
    /// Whether the order of the key is another one, by revision [flaw].
    pub(crate) swapped: ShortVec<bool, 8>,
    /// Short leases that etcd has, a bit for each name.
    pub(crate) leases: [u8; N],
    /// Records under long leases.
    pub(crate) records: Names,
    /// The newest name at each address.
    pub(crate) named: Names,
    pub(crate) key: ClusterKey,
    /// The newest name at each address before etcd last lost something. Who has one up to
    /// that is *former*: etcd does not know it.
    pub(crate) lost: Names,
    pub(crate) nodes: [Node; N],
    pub(crate) source: u8,
    /// No get may return less.
    pub(crate) floor: u8,
    /// The change that a client waits for.
    pub(crate) active: u8,
    pub(crate) kind: Kind,
    /// Who has cleared, for the node that the clear is made at.
    pub(crate) cleared: Names,
    pub(crate) sets: ShortVec<Set, 2>,
    pub(crate) pushes: ShortVec<Push, 2>,
    /// How many faults of each kind there were.
    pub(crate) spent: Spent,
}

/// What a scope bounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Spent {
    pub(crate) joins: u8,
    pub(crate) crashes: u8,
    pub(crate) leaves: u8,
    pub(crate) deletes: u8,
    pub(crate) wipes: u8,
    pub(crate) restores: u8,
    pub(crate) swaps: u8,
}

impl State {
    /// The states that a run may begin in.
    pub(crate) fn first(scope: &Scope) -> Vec<Self> {
        scope.starts.iter().map(|members| Self::with_members(*members)).collect()
    }

    /// `members` have joined, and hold nothing yet.
    fn with_members(members: u8) -> Self {
        let is = |at: usize| members & bit(at) != 0;
        let names: Names = std::array::from_fn(|at| u8::from(is(at)));
        let node = |at: usize| Node {
            name: names[at],
            joined: is(at),
            certain: is(at),
            long: is(at),
            ..Node::default()
        };
        let (mut history, mut swapped) = (ShortVec::new(), ShortVec::new());
        history.push(names);
        swapped.push(false);
        Self {
            history,
            swapped,
            leases: std::array::from_fn(|at| if is(at) { bit(1) } else { 0 }),
            records: names,
            named: names,
            key: ClusterKey::PresentId,
            lost: [0; N],
            nodes: std::array::from_fn(node),
            source: 1,
            floor: 1,
            active: 0,
            kind: Kind::Remove,
            cleared: [0; N],
            sets: ShortVec::new(),
            pushes: ShortVec::new(),
            spent: Spent::default(),
        }
    }

    /// The entries that etcd has.
    pub(crate) fn entries(&self) -> Names {
        self.history.newest()
    }

    /// The view of the node at `at`.
    pub(crate) fn view(&self, at: usize) -> Names {
        self.history[usize::from(self.nodes[at].view)]
    }

    /// Whether the registration is of before etcd last lost something.
    pub(crate) fn is_former(&self, at: usize, name: u8) -> bool {
        name != 0 && name <= self.lost[at]
    }

    pub(crate) fn lease_exists(&self, at: usize, name: u8) -> bool {
        self.leases[at] & bit(name.into()) != 0
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "etcd {:?}", &self.history[..])?;
        for (at, node) in self.nodes.iter().enumerate() {
            let flags = [(node.joined, "joined"), (node.certain, "certain"), (node.long, "long")];
            let flags: Vec<&str> =
                flags.iter().filter(|(is, _)| *is).map(|(_, name)| *name).collect();
            write!(f, "; {at} name {} {} view {}", node.name, flags.join("+"), node.view)?;
            if node.held != 0 {
                write!(f, " holds {}", node.held)?;
            }
            if node.vouched != 0 {
                write!(f, " vouched {:03b}", node.vouched)?;
            }
        }
        write!(f, "; source {} floor {}", self.source, self.floor)
    }
}
