//! A hash of words, for fingerprints.

use std::hash::Hasher;

pub(crate) fn word(bytes: [u8; 8]) -> u64 {
    u64::from_le_bytes(bytes)
}

/// A sum of products, one a word: they do not wait for each other.
#[derive(Clone, Copy, Default)]
pub(crate) struct Hash {
    sum: u64,
    key: u64,
}

impl Hash {
    pub(crate) fn add(&mut self, word: u64) {
        // Each place has a key of its own.
        self.key = self.key.wrapping_add(0x9E37_79B9_7F4A_7C15);
        self.sum = self.sum.wrapping_add(folded(word ^ self.key, 0xD6E8_FEB8_6659_FD93));
    }

    pub(crate) fn finish(&self) -> u64 {
        folded(self.sum ^ self.key, 0x9FB2_1C65_1E98_DF25)
    }
}

/// The product of both, its halves laid over each other.
fn folded(word: u64, factor: u64) -> u64 {
    let product = u128::from(word) * u128::from(factor);
    (product as u64) ^ (product >> 64) as u64
}

/// The bytes of a value, hashed by words.
#[derive(Default)]
pub(crate) struct Bytes {
    hash: Hash,
    word: u64,
    len: u32,
}

impl Hasher for Bytes {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.word = self.word << 8 | u64::from(*byte);
            self.len += 1;
            if self.len.is_multiple_of(8) {
                self.hash.add(self.word);
                self.word = 0;
            }
        }
    }

    /// Never 0, which is no state.
    fn finish(&self) -> u64 {
        let mut hash = self.hash;
        hash.add(self.word);
        hash.finish().max(1)
    }
}
