//! Three lists of slots, with the hash of each entry, in 12 bytes a slot.

use psycache_plugin::SlotArray;

/// No slot.
const NONE: u32 = u32::MAX;

/// Low bits of [`Node::hash_and_list`] that say in which list the entry stands.
const LIST_BITS: u32 = 2;

/// Bits of a hash that are kept.
pub(crate) const HASH_BITS: u32 = u32::BITS - LIST_BITS;

/// All that a use of an entry reads and writes of it: the processor fetches it at once.
#[derive(Clone, Copy, Debug)]
struct Node {
    /// Towards the front.
    before: u32,
    /// Towards the back.
    after: u32,
    hash_and_list: u32,
}

const VACANT: Node = Node { before: NONE, after: NONE, hash_and_list: 0 };

#[derive(Clone, Copy, Debug)]
struct Ends {
    front: u32,
    back: u32,
    len: u32,
}

/// Doubly linked lists over slots, each of which stands in at most one.
#[derive(Debug)]
pub(crate) struct Lists {
    nodes: SlotArray<Node>,
    ends: [Ends; 3],
}

impl Lists {
    pub(crate) fn new(bound: u32) -> Self {
        let empty = Ends { front: NONE, back: NONE, len: 0 };
        Self { nodes: SlotArray::new(bound, VACANT), ends: [empty; 3] }
    }

    /// Entries of a list.
    pub(crate) fn len(&self, list: usize) -> u32 {
        self.ends[list].len
    }

    /// The hash of an entry.
    #[inline]
    pub(crate) fn hash(&self, slot: u32) -> u32 {
        self.nodes.get(slot).hash_and_list >> LIST_BITS
    }

    /// The list in which the entry stands.
    #[inline]
    pub(crate) fn list(&self, slot: u32) -> usize {
        (self.nodes.get(slot).hash_and_list & ((1 << LIST_BITS) - 1)) as usize
    }

    /// The last entry of a list.
    pub(crate) fn back(&self, list: usize) -> Option<u32> {
        Some(self.ends[list].back).filter(|slot| *slot != NONE)
    }

    /// Puts an entry that stands in no list first.
    #[inline]
    pub(crate) fn push_front(&mut self, list: usize, slot: u32, hash: u32) {
        let ends = &mut self.ends[list];
        ends.len += 1;
        let after = std::mem::replace(&mut ends.front, slot);
        match after {
            NONE => ends.back = slot,
            after => self.nodes.get_mut(after).before = slot,
        }
        let hash_and_list = hash << LIST_BITS | list as u32;
        self.nodes.set(slot, Node { before: NONE, after, hash_and_list });
    }

    /// Takes an entry out of the list in which it stands.
    #[inline]
    pub(crate) fn remove(&mut self, slot: u32) {
        let Node { before, after, .. } = self.nodes.get(slot);
        let list = self.list(slot);
        let ends = &mut self.ends[list];
        ends.len -= 1;
        match before {
            NONE => ends.front = after,
            before => self.nodes.get_mut(before).after = after,
        }
        match after {
            NONE => ends.back = before,
            after => self.nodes.get_mut(after).before = before,
        }
    }

    /// Moves an entry to the front of its list.
    #[inline]
    pub(crate) fn move_to_front(&mut self, slot: u32) {
        let list = self.list(slot);
        if self.ends[list].front != slot {
            let hash = self.hash(slot);
            self.remove(slot);
            self.push_front(list, slot, hash);
        }
    }

    /// The entries of a list from front to back.
    #[cfg(test)]
    pub(crate) fn dump(&self, list: usize) -> Vec<u32> {
        let some = |slot: u32| Some(slot).filter(|slot| *slot != NONE);
        let after = |slot: &u32| some(self.nodes.get(*slot).after);
        std::iter::successors(some(self.ends[list].front), after).collect()
    }
}
