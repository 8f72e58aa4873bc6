//! A flat array over slots.

/// Bytes of address space that one array reserves at most.
const LARGEST_RESERVE: usize = 256 << 20;

/// Slots by which the array grows.
const STRIDE: usize = 1024;

/// One `T` for each slot, all of them `vacant` at first.
///
/// It reserves address space for as many slots as it was told of and touches memory
/// only up to the largest slot in use, so what it takes of the machine follows the
/// entries that there are. Up to there it never copies what it holds, which would be a
/// pause of milliseconds at a million entries; beyond, it grows as a vector does.
#[derive(Clone, Debug)]
pub struct SlotArray<T> {
    values: Vec<T>,
    vacant: T,
}

impl<T: Copy> SlotArray<T> {
    /// An array for slots below `bound` that holds `vacant` everywhere.
    pub fn new(bound: u32, vacant: T) -> Self {
        let most = LARGEST_RESERVE / size_of::<T>().max(1);
        let mut values = Vec::new();
        // What is not granted here is asked for when it is needed.
        let _ = values.try_reserve_exact((bound as usize).min(most));
        Self { values, vacant }
    }

    /// The value at `slot`.
    #[inline]
    pub fn get(&self, slot: u32) -> T {
        self.values.get(slot as usize).copied().unwrap_or(self.vacant)
    }

    /// Puts `value` at `slot`, growing the array to it.
    #[inline]
    pub fn set(&mut self, slot: u32, value: T) {
        match self.values.get_mut(slot as usize) {
            Some(place) => *place = value,
            None => {
                self.grow(slot);
                self.values[slot as usize] = value;
            }
        }
    }

    /// The place of `slot`, growing the array to it.
    #[inline]
    pub fn get_mut(&mut self, slot: u32) -> &mut T {
        if slot as usize >= self.values.len() {
            self.grow(slot);
        }
        &mut self.values[slot as usize]
    }

    /// The values of a range of slots that all were set.
    ///
    /// # Panics
    /// If they were not.
    #[inline]
    pub fn range(&self, slots: std::ops::Range<u32>) -> &[T] {
        &self.values[slots.start as usize..slots.end as usize]
    }

    /// Calls `change` on every place that takes memory, in the order of slots.
    pub fn for_each_mut(&mut self, change: impl FnMut(&mut T)) {
        self.values.iter_mut().for_each(change);
    }

    /// Makes a place for `slot`, and for some behind it if they are reserved.
    #[cold]
    #[inline(never)]
    fn grow(&mut self, slot: u32) {
        let needed = slot as usize + 1;
        let reserved = needed.next_multiple_of(STRIDE).min(self.values.capacity());
        self.values.resize(needed.max(reserved), self.vacant);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_vacant_until_set() {
        let mut array = SlotArray::new(6_000, 7u32);
        assert_eq!(array.get(u32::MAX), 7);
        array.set(5_000, 1);
        assert_eq!((array.get(4_999), array.get(5_000), array.get(5_001)), (7, 1, 7));
    }

    #[test]
    fn touches_memory_up_to_the_slot_and_never_moves() {
        let mut array = SlotArray::new(2_500, 0u8);
        array.set(1_023, 1);
        let (place, length) = (array.values.as_ptr(), array.values.len());
        assert_eq!(length, 1_024);
        array.set(2_499, 1);
        assert_eq!((array.values.as_ptr(), array.values.len()), (place, 2_500));
    }

    #[test]
    fn a_slot_beyond_the_bound_is_a_place_too() {
        let mut array = SlotArray::new(2, 0u8);
        array.set(100, 1);
        assert_eq!((array.get(99), array.get(100)), (0, 1));
    }
}
