//! The states that a search has visited, as fingerprints in one flat table.
//!
//! A search spends most of its time on misses of the processor's cache here: a table
//! with linear probing takes one a look-up, and [`Seen::touch`] has many at a time.

/// A set of fingerprints.
pub(crate) struct Seen {
    /// 0: free.
    slots: Vec<u64>,
    len: usize,
}

impl Seen {
    pub(crate) fn new() -> Self {
        Self { slots: vec![0; 1 << 12], len: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Makes room for `count` more, so that none of them moves a slot.
    pub(crate) fn reserve(&mut self, count: usize) {
        while (self.len + count) * 8 > self.slots.len() * 5 {
            let size = self.slots.len() * 2;
            let old = std::mem::replace(&mut self.slots, vec![0; size]);
            self.len = 0;
            for fingerprint in old.into_iter().filter(|slot| *slot != 0) {
                self.insert(fingerprint);
            }
        }
    }

    /// Brings the slots of `fingerprints` into the cache. The reads do not depend on
    /// each other, so the processor waits for many of them at once.
    pub(crate) fn touch(&self, fingerprints: impl Iterator<Item = u64>) {
        let read =
            fingerprints.fold(0, |all, fingerprint| all ^ self.slots[self.place(fingerprint)]);
        std::hint::black_box(read);
    }

    /// Whether it is new. There must be room.
    pub(crate) fn insert(&mut self, fingerprint: u64) -> bool {
        let mut place = self.place(fingerprint);
        while self.slots[place] != 0 {
            if self.slots[place] == fingerprint {
                return false;
            }
            place = (place + 1) & (self.slots.len() - 1);
        }
        self.slots[place] = fingerprint;
        self.len += 1;
        true
    }

    fn place(&self, fingerprint: u64) -> usize {
        fingerprint as usize & (self.slots.len() - 1)
    }
}
