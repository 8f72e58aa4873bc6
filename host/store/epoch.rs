//! A shard's coarse time, by which recency is measured.

/// A shard's time in insertions: it advances after as many as are a small share
/// of its entries.
#[derive(Debug, Default)]
pub(super) struct Epoch {
    now: u32,
    inserted: usize,
}

impl Epoch {
    /// Epochs in which a shard is filled once.
    const EACH_FILLING: usize = 64;

    pub(super) fn now(&self) -> u32 {
        self.now
    }

    pub(super) fn inserted(&mut self, len: usize) {
        self.inserted += 1;
        if self.inserted * Self::EACH_FILLING > len {
            self.inserted = 0;
            self.now = (self.now + 1) & 0xff_ffff;
        }
    }
}
