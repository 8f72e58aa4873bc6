//! A flat array over slots that grows with the largest slot in use.

const CHUNK: usize = 1024;

/// One `T` for each slot, all of them `vacant` at first.
///
/// Memory follows the largest slot ever set, not `max_entries`, and it grows by
/// chunks of 1,024: unlike a doubling vector it never copies what it holds (a pause
/// of milliseconds at a million entries) and never holds twice what it needs, which
/// would be for good, because WebAssembly memory does not shrink.
#[derive(Clone, Debug)]
pub struct SlotArray<T> {
    chunks: Vec<Box<[T; CHUNK]>>,
    vacant: T,
}

impl<T: Copy> SlotArray<T> {
    /// An array that holds `vacant` everywhere and takes no memory yet.
    pub fn new(vacant: T) -> Self {
        Self { chunks: Vec::new(), vacant }
    }

    /// The value at `slot`.
    #[inline]
    pub fn get(&self, slot: u32) -> T {
        let slot = slot as usize;
        self.chunks.get(slot / CHUNK).map_or(self.vacant, |chunk| chunk[slot % CHUNK])
    }

    /// Puts `value` at `slot`, growing the array to it.
    #[inline]
    pub fn set(&mut self, slot: u32, value: T) {
        *self.get_mut(slot) = value;
    }

    /// The place of `slot`, growing the array to it.
    #[inline]
    pub fn get_mut(&mut self, slot: u32) -> &mut T {
        let slot = slot as usize;
        if slot / CHUNK >= self.chunks.len() {
            self.grow(slot / CHUNK + 1);
        }
        &mut self.chunks[slot / CHUNK][slot % CHUNK]
    }

    /// Calls `change` on every place that takes memory, in the order of slots.
    pub fn for_each_mut(&mut self, change: impl FnMut(&mut T)) {
        self.chunks.iter_mut().flat_map(|chunk| chunk.iter_mut()).for_each(change);
    }

    #[cold]
    fn grow(&mut self, chunks: usize) {
        let vacant = self.vacant;
        self.chunks.resize_with(chunks, || {
            let chunk = vec![vacant; CHUNK].into_boxed_slice();
            chunk.try_into().unwrap_or_else(|_| unreachable!("a chunk holds CHUNK values"))
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_vacant_until_set() {
        let mut array = SlotArray::new(7u32);
        assert_eq!(array.get(u32::MAX), 7);
        array.set(5_000, 1);
        assert_eq!((array.get(4_999), array.get(5_000), array.get(5_001)), (7, 1, 7));
    }

    #[test]
    fn grows_to_the_slot_and_no_further() {
        let mut array = SlotArray::new(0u8);
        array.set(1_023, 1);
        assert_eq!(array.chunks.len(), 1);
        array.set(1_024, 1);
        assert_eq!(array.chunks.len(), 2);
    }
}
