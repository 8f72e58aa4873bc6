//! The coarse clock of a shard, which measures recency.

/// A clock that counts insertions. It advances each time as many entries were inserted as
/// are a 64th of the shard.
#[derive(Debug, Default)]
pub(super) struct Epoch {
    now: u32,
    inserted: usize,
}

impl Epoch {
    /// Number of epochs in which as many entries are inserted as the shard holds.
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
