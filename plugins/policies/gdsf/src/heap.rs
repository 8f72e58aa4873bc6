//! A binary heap over slots that knows the entry of the lowest rank.

use psycache_plugin::SlotArray;

/// What orders the entries. Of equal priorities the one that was given first is lower.
#[derive(Clone, Copy, Debug)]
struct Node {
    priority: f64,
    /// Counts the priorities that were given.
    given: u64,
    slot: u32,
}

const VACANT: Node = Node { priority: 0.0, given: 0, slot: u32::MAX };

impl Node {
    fn is_below(&self, other: &Self) -> bool {
        (self.priority, self.given) < (other.priority, other.given)
    }
}

/// Slots by priority, each at most once, in 28 bytes a slot. It is *indexed*: it knows
/// where each slot stands, so that any of them can move or leave in O(log n).
#[derive(Debug)]
pub(crate) struct Heap {
    nodes: SlotArray<Node>,
    len: u32,
    /// Where in `nodes` each slot stands.
    places: SlotArray<u32>,
    given: u64,
}

impl Heap {
    pub(crate) fn new(bound: u32) -> Self {
        let (nodes, places) = (SlotArray::new(bound, VACANT), SlotArray::new(bound, 0));
        Self { nodes, len: 0, places, given: 0 }
    }

    /// Puts in a slot that does not stand in the heap.
    pub(crate) fn push(&mut self, slot: u32, priority: f64) {
        self.places.set(slot, self.len);
        self.len += 1;
        self.change(slot, priority);
    }

    /// Gives another priority to a slot of the heap.
    pub(crate) fn change(&mut self, slot: u32, priority: f64) {
        self.given += 1;
        let node = Node { priority, given: self.given, slot };
        self.settle(self.places.get(slot), node);
    }

    /// Takes out the slot of the lowest priority, and says which that was.
    pub(crate) fn pop(&mut self) -> Option<(u32, f64)> {
        if self.len == 0 {
            return None;
        }
        let Node { slot, priority, .. } = self.nodes.get(0);
        self.remove(slot);
        Some((slot, priority))
    }

    /// Takes out a slot of the heap.
    pub(crate) fn remove(&mut self, slot: u32) {
        let place = self.places.get(slot);
        self.len -= 1;
        if place < self.len {
            self.settle(place, self.nodes.get(self.len));
        }
    }

    /// Puts a node at `place`, or where it belongs above or below.
    fn settle(&mut self, mut place: u32, node: Node) {
        while place > 0 {
            let parent = self.nodes.get((place - 1) / 2);
            if !node.is_below(&parent) {
                break;
            }
            self.put(place, parent);
            place = (place - 1) / 2;
        }
        while let Some((below, child)) = self.lower_child(place) {
            if !child.is_below(&node) {
                break;
            }
            self.put(place, child);
            place = below;
        }
        self.put(place, node);
    }

    fn lower_child(&self, place: u32) -> Option<(u32, Node)> {
        let left = 2 * place + 1;
        if left >= self.len {
            return None;
        }
        let node = self.nodes.get(left);
        if left + 1 < self.len {
            let right = self.nodes.get(left + 1);
            if right.is_below(&node) {
                return Some((left + 1, right));
            }
        }
        Some((left, node))
    }

    fn put(&mut self, place: u32, node: Node) {
        self.nodes.set(place, node);
        self.places.set(node.slot, place);
    }
}
