//! Doubly linked lists over slots that share one flat array of links.

use crate::SlotArray;

/// Stands for "no slot": the node never hands it out, `max_entries` bounds every slot.
const NONE: u32 = u32::MAX;

#[derive(Clone, Copy, Debug)]
struct Link {
    /// Towards the front.
    before: u32,
    /// Towards the back.
    after: u32,
}

/// The links of any number of [`Chain`]s, 8 bytes a slot. A slot stands in at most
/// one chain at a time, which its owner has to know.
#[derive(Clone, Debug)]
pub struct Links(SlotArray<Link>);

impl Links {
    /// Links for slots below `bound`.
    pub fn new(bound: u32) -> Self {
        Self(SlotArray::new(bound, Link { before: NONE, after: NONE }))
    }

    /// The neighbour of a chained `slot` towards the front.
    pub fn before(&self, slot: u32) -> Option<u32> {
        some(self.0.get(slot).before)
    }

    /// The neighbour of a chained `slot` towards the back.
    pub fn after(&self, slot: u32) -> Option<u32> {
        some(self.0.get(slot).after)
    }

    fn set_before(&mut self, slot: u32, before: u32) {
        self.0.get_mut(slot).before = before;
    }

    fn set_after(&mut self, slot: u32, after: u32) {
        self.0.get_mut(slot).after = after;
    }
}

fn some(slot: u32) -> Option<u32> {
    (slot != NONE).then_some(slot)
}

/// One list: two ends, 8 bytes. Every call takes the [`Links`] it was built over.
///
/// All operations are O(1). Removing a slot that stands in no chain, or in another
/// one, corrupts both; [`SlotList`](crate::SlotList) is for a single list.
#[derive(Clone, Copy, Debug)]
pub struct Chain {
    front: u32,
    back: u32,
}

impl Default for Chain {
    fn default() -> Self {
        Self { front: NONE, back: NONE }
    }
}

impl Chain {
    /// The first slot.
    pub fn front(&self) -> Option<u32> {
        some(self.front)
    }

    /// The last slot.
    pub fn back(&self) -> Option<u32> {
        some(self.back)
    }

    /// Whether no slot stands in it.
    pub fn is_empty(&self) -> bool {
        self.front == NONE
    }

    /// Puts a slot that stands in no chain first.
    #[inline]
    pub fn push_front(&mut self, links: &mut Links, slot: u32) {
        *links.0.get_mut(slot) = Link { before: NONE, after: self.front };
        match some(self.front) {
            Some(second) => links.set_before(second, slot),
            None => self.back = slot,
        }
        self.front = slot;
    }

    /// Puts a slot that stands in no chain right behind `place`, which stands in this one.
    pub fn insert_after(&mut self, links: &mut Links, place: u32, slot: u32) {
        let after = links.0.get(place).after;
        *links.0.get_mut(slot) = Link { before: place, after };
        links.set_after(place, slot);
        match some(after) {
            Some(after) => links.set_before(after, slot),
            None => self.back = slot,
        }
    }

    /// Takes out a slot that stands in this chain.
    #[inline]
    pub fn remove(&mut self, links: &mut Links, slot: u32) {
        let Link { before, after } = links.0.get(slot);
        match some(before) {
            Some(before) => links.set_after(before, after),
            None => self.front = after,
        }
        match some(after) {
            Some(after) => links.set_before(after, before),
            None => self.back = before,
        }
    }

    /// Takes out the last slot.
    #[inline]
    pub fn pop_back(&mut self, links: &mut Links) -> Option<u32> {
        let slot = self.back()?;
        self.remove(links, slot);
        Some(slot)
    }

    /// The slots from front to back.
    pub fn iter<'a>(&self, links: &'a Links) -> impl Iterator<Item = u32> + 'a {
        std::iter::successors(self.front(), |slot| links.after(*slot))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dump(chain: &Chain, links: &Links) -> Vec<u32> {
        let slots: Vec<u32> = chain.iter(links).collect();
        assert_eq!(slots.last().copied(), chain.back(), "both ends tell the same list");
        slots
    }

    #[test]
    fn chains_share_links() {
        let (mut links, mut even, mut odd) = (Links::new(6), Chain::default(), Chain::default());
        for slot in 0..6 {
            match slot % 2 {
                0 => even.push_front(&mut links, slot),
                _ => odd.push_front(&mut links, slot),
            }
        }
        assert_eq!((dump(&even, &links), dump(&odd, &links)), (vec![4, 2, 0], vec![5, 3, 1]));
        even.remove(&mut links, 2);
        odd.insert_after(&mut links, 1, 2);
        assert_eq!((dump(&even, &links), dump(&odd, &links)), (vec![4, 0], vec![5, 3, 1, 2]));
        odd.remove(&mut links, 5);
        odd.insert_after(&mut links, 3, 5);
        assert_eq!(dump(&odd, &links), [3, 5, 1, 2]);
        assert_eq!(std::iter::from_fn(|| even.pop_back(&mut links)).collect::<Vec<_>>(), [0, 4]);
        assert!(even.is_empty() && even.back().is_none());
    }
}
