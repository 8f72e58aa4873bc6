//! Where the node puts the arguments of a call.

/// Hands out memory that is taken back all at once when the call is done. An allocator
/// would have to find a place for each of a step's five lists and free it again, which
/// took longer than a small step itself.
#[derive(Debug, Default)]
pub struct Arena {
    /// Words of eight bytes, on which every argument may stand.
    words: Vec<u64>,
    used: usize,
    /// Memory for what did not fit; the next call finds `words` large enough.
    overflow: Vec<Vec<u64>>,
}

impl Arena {
    /// An arena that takes no memory yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { words: Vec::new(), used: 0, overflow: Vec::new() }
    }

    /// A place for `bytes` bytes, aligned for eight of them. It stays until
    /// [`clear`](Self::clear).
    #[inline]
    pub fn place(&mut self, bytes: usize) -> *mut u8 {
        let count = bytes.div_ceil(size_of::<u64>());
        if count > self.words.len() - self.used {
            return self.overflow(count);
        }
        let place = self.words.as_mut_ptr().wrapping_add(self.used);
        self.used += count;
        place.cast()
    }

    /// Takes back all places.
    #[inline]
    pub fn clear(&mut self) {
        if !self.overflow.is_empty() {
            self.grow();
        }
        self.used = 0;
    }

    #[cold]
    fn overflow(&mut self, count: usize) -> *mut u8 {
        let mut words = vec![0; count];
        let place = words.as_mut_ptr().cast();
        self.overflow.push(words);
        place
    }

    #[cold]
    fn grow(&mut self) {
        let beside: usize = self.overflow.iter().map(Vec::len).sum();
        let needed = (self.used + beside).next_power_of_two();
        self.overflow = Vec::new();
        self.words = Vec::new();
        self.words.resize(needed, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_do_not_overlap_and_are_aligned() {
        let mut arena = Arena::new();
        for _ in 0..3 {
            let mut ends = Vec::new();
            for bytes in [0, 1, 8, 100, 4_000] {
                let place = arena.place(bytes) as usize;
                assert_eq!(place % 8, 0, "{bytes} bytes at {place:#x}");
                assert!(ends.iter().all(|(from, to)| place >= *to || place + bytes <= *from));
                ends.push((place, place + bytes));
            }
            arena.clear();
        }
    }

    #[test]
    fn it_grows_to_one_call_and_is_used_again() {
        let mut arena = Arena::new();
        for _ in 0..2 {
            arena.place(100);
            arena.place(1_000);
            arena.clear();
        }
        assert!(arena.overflow.is_empty());
        assert_eq!(arena.words.len(), 256);
        assert_eq!(arena.place(8), arena.words.as_mut_ptr().cast());
    }
}
