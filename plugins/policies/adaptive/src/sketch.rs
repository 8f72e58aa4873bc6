//! How often each key was used of late, estimated in a few bytes an entry.

use psycache_plugin::SlotArray;

/// Counters that each key has in a word, and words that it has them in.
const ROWS: u32 = 2;

/// Bits that choose one of the counters of a row.
const COLUMN_BITS: u32 = 3;

/// Bits that choose the counters of a word.
const CHOICE_BITS: u32 = ROWS * COLUMN_BITS;

/// Bits of a counter.
const COUNTER_BITS: u32 = 4;

/// The highest count.
const MOST: u64 = 15;

/// Lowers each counter of a shifted word to its own three bits.
const HALVES: u64 = 0x7777_7777_7777_7777;

/// Entries for each block at which the sketch grows.
const ENTRIES_PER_BLOCK: u32 = 4;

/// Blocks that even a small cache gets: 4 KiB cost little, and few counters collide.
const LEAST_BLOCKS: u32 = 256;

/// Uses for each entry at which the counters are halved.
const USES_PER_ENTRY: u32 = 10;

/// The counters of the keys that share some bits of their hash.
type Block = [u64; 2];

/// A word with a one in each of the counters of a key, by the bits that choose them.
const ONES: [u64; 1 << CHOICE_BITS] = {
    let mut ones = [0; 1 << CHOICE_BITS];
    let mut choice = 0;
    while choice < ones.len() {
        let mut row = 0;
        while row < ROWS {
            ones[choice] |= 1 << shift(choice as u32, row);
            row += 1;
        }
        choice += 1;
    }
    ones
};

/// A count-min sketch (G. Cormode, S. Muthukrishnan, "An improved data stream summary: the
/// count-min sketch and its applications", Journal of Algorithms 2005) that forgets: when
/// there were ten uses for each entry all counters are halved (G. Einziger, R. Friedman,
/// B. Manes, "TinyLFU: a highly efficient cache admission policy", ACM Transactions on
/// Storage 2017). 4 to 8 bytes an entry.
#[derive(Debug)]
pub(crate) struct Sketch {
    blocks: SlotArray<Block>,
    /// A power of two.
    block_count: u32,
    /// Uses since the last halving, and half of those counted then.
    uses: u32,
    /// Uses at which the counters are halved.
    most_uses: u32,
}

impl Sketch {
    pub(crate) fn new(max_entries: u32) -> Self {
        let bound = (max_entries / ENTRIES_PER_BLOCK + 1).next_power_of_two().max(LEAST_BLOCKS);
        let mut blocks = SlotArray::new(bound, [0; 2]);
        blocks.set(LEAST_BLOCKS - 1, [0; 2]);
        Self { blocks, block_count: LEAST_BLOCKS, uses: 0, most_uses: USES_PER_ENTRY }
    }

    /// Makes the sketch large enough for that many entries. A block has counted the keys of
    /// both halves that it is split into, so each begins with its counters.
    pub(crate) fn fit(&mut self, entries: u32) {
        while entries > self.block_count.saturating_mul(ENTRIES_PER_BLOCK) {
            for block in 0..self.block_count {
                self.blocks.set(block + self.block_count, self.blocks.get(block));
            }
            self.block_count *= 2;
        }
        self.most_uses = entries.max(1).saturating_mul(USES_PER_ENTRY);
    }

    /// The key was used.
    #[inline]
    pub(crate) fn record(&mut self, hash: u32) {
        let block = self.blocks.get_mut(hash & (self.block_count - 1));
        for (word, choice) in block.iter_mut().zip(choices(hash)) {
            let pairs = *word & (*word >> 1);
            let full = pairs & (pairs >> 2);
            *word += ONES[choice as usize] & !full;
        }
        self.uses += 1;
        if self.uses >= self.most_uses {
            self.halve();
        }
    }

    /// How often the key was used, at most 15.
    #[inline]
    pub(crate) fn estimate(&self, hash: u32) -> u32 {
        let block = self.blocks.get(hash & (self.block_count - 1));
        let words = block.into_iter().zip(choices(hash));
        let counts = words
            .flat_map(|(word, choice)| (0..ROWS).map(move |row| word >> shift(choice, row) & MOST));
        counts.fold(MOST, u64::min) as u32
    }

    /// Whether the newcomer was used more often than the victim. The use that brought the newcomer
    /// does not count. In a loop all keys have the same count, and the victim is the key that is
    /// asked for next. A newcomer that won by its own use would make that get a miss, and so on for
    /// a whole round. A full counter stands for any count.
    pub(crate) fn prefers(&self, newcomer: u32, victim: u32) -> bool {
        let (newcomer, victim) = (self.estimate(newcomer), self.estimate(victim));
        newcomer > victim + 1 || u64::from(newcomer) == MOST && newcomer > victim
    }

    #[cold]
    #[inline(never)]
    fn halve(&mut self) {
        self.uses /= 2;
        self.blocks.for_each_mut(|block| {
            block.iter_mut().for_each(|word| *word = (*word >> 1) & HALVES);
        });
    }
}

/// Returns the bits that choose the counters of a key in each word of its block. All bits of
/// the hash affect them, including the bits that chose the block.
#[inline]
fn choices(hash: u32) -> [u32; 2] {
    let bits = hash.wrapping_mul(0x9E37_79B9);
    [
        bits >> (u32::BITS - CHOICE_BITS),
        bits >> (u32::BITS - 2 * CHOICE_BITS) & ((1 << CHOICE_BITS) - 1),
    ]
}

/// The bit at which the counter of a row begins in its word.
#[inline]
const fn shift(choice: u32, row: u32) -> u32 {
    let column = (choice >> (row * COLUMN_BITS)) & ((1 << COLUMN_BITS) - 1);
    (row << COLUMN_BITS | column) * COUNTER_BITS
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A hash for each number.
    fn hash(number: u32) -> u32 {
        number.wrapping_mul(0x9E37_79B9) ^ 0x5bd1
    }

    #[test]
    fn counts_up_to_fifteen() {
        let mut sketch = Sketch::new(1_000);
        sketch.fit(1_000);
        assert_eq!(sketch.estimate(hash(1)), 0);
        for uses in 1..40 {
            sketch.record(hash(1));
            assert_eq!(sketch.estimate(hash(1)), uses.min(15));
        }
        assert_eq!(sketch.estimate(hash(2)), 0);
    }

    #[test]
    fn counts_are_halved_after_ten_uses_for_each_entry() {
        let mut sketch = Sketch::new(10);
        sketch.fit(2);
        (0..19).for_each(|at| sketch.record(hash(at % 2)));
        assert_eq!((sketch.estimate(hash(0)), sketch.estimate(hash(1))), (10, 9));
        sketch.record(hash(1));
        assert_eq!((sketch.estimate(hash(0)), sketch.estimate(hash(1))), (5, 5));
        // Half of the uses were forgotten, so the next halving comes after half as many.
        assert_eq!(sketch.uses, 10);
    }

    #[test]
    fn growing_keeps_the_counts_and_seldom_overestimates() {
        let mut sketch = Sketch::new(100_000);
        sketch.fit(1_000);
        (0..1_000).for_each(|number| (0..=number % 5).for_each(|_| sketch.record(hash(number))));
        sketch.fit(100_000);
        assert_eq!(sketch.block_count, 32_768);
        let over = (0..1_000).filter(|number| {
            let (estimate, uses) = (sketch.estimate(hash(*number)), number % 5 + 1);
            assert!(estimate >= uses, "{number}: {estimate} for {uses} uses");
            estimate > uses
        });
        let over = over.count();
        assert!(over < 100, "{over} of 1,000 counts are too high");
    }
}
