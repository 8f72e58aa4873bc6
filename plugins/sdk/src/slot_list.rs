//! One list over slots: what most policies need.

use crate::{Chain, Links};

/// A doubly linked list of slots, each at most once, in 8 bytes a slot. All
/// operations are O(1) and none allocates but to grow to a slot larger than any before.
#[derive(Clone, Debug)]
pub struct SlotList {
    links: Links,
    chain: Chain,
    len: u32,
}

impl SlotList {
    /// An empty list for slots below `bound`.
    pub fn new(bound: u32) -> Self {
        Self { links: Links::new(bound), chain: Chain::default(), len: 0 }
    }

    /// How many slots stand in it.
    pub fn len(&self) -> u32 {
        self.len
    }

    /// Whether no slot stands in it.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The last slot.
    pub fn back(&self) -> Option<u32> {
        self.chain.back()
    }

    /// The neighbour towards the front of a slot of the list.
    pub fn before(&self, slot: u32) -> Option<u32> {
        self.links.before(slot)
    }

    /// Puts a slot that does not stand in the list first.
    #[inline]
    pub fn push_front(&mut self, slot: u32) {
        self.chain.push_front(&mut self.links, slot);
        self.len += 1;
    }

    /// Moves a slot of the list to the front.
    #[inline]
    pub fn move_to_front(&mut self, slot: u32) {
        if self.chain.front() != Some(slot) {
            self.chain.remove(&mut self.links, slot);
            self.chain.push_front(&mut self.links, slot);
        }
    }

    /// Takes a slot out of the list, in which it must stand.
    #[inline]
    pub fn remove(&mut self, slot: u32) {
        self.chain.remove(&mut self.links, slot);
        self.len -= 1;
    }

    /// Takes the last slot out.
    #[inline]
    pub fn pop_back(&mut self) -> Option<u32> {
        let slot = self.chain.pop_back(&mut self.links)?;
        self.len -= 1;
        Some(slot)
    }

    /// The slots from front to back.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.chain.iter(&self.links)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_order_and_length() {
        let mut list = SlotList::new(4);
        for slot in [3, 1, 2] {
            list.push_front(slot);
        }
        list.move_to_front(3);
        list.move_to_front(3);
        assert_eq!((list.iter().collect::<Vec<_>>(), list.len()), (vec![3, 2, 1], 3));
        assert_eq!((list.before(1), list.before(3)), (Some(2), None));
        list.remove(2);
        assert_eq!((list.pop_back(), list.pop_back(), list.pop_back()), (Some(1), Some(3), None));
        assert!(list.is_empty());
    }
}
