//! The events that one step passes to a policy.

/// Attributes of an admitted entry, in the order of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attributes {
    /// Weight in the unit of the capacity, at least 1.
    pub weight: u32,
    /// Microseconds that the value took to load; 0 if it was set.
    pub cost_us: u32,
    /// Time to live in milliseconds; 0 for none.
    pub ttl_ms: u32,
}

impl Attributes {
    /// An entry of this weight that was set, and lives until it is evicted.
    #[must_use]
    pub fn new(weight: u32) -> Self {
        Self { weight, cost_us: 0, ttl_ms: 0 }
    }
}

/// The events since the last step, as the flat lists of the contract. Each list is
/// copied into a component as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Batch {
    /// Slots that were hit, oldest first. Hits may be missing; a slot may repeat.
    pub touched: Vec<u32>,
    /// Slots whose entry left for another reason than this policy's choice.
    pub removed: Vec<u32>,
    /// Slots of new or overwritten entries, oldest first, without duplicates.
    pub admitted: Vec<u32>,
    /// For each admitted entry, a stable function of its key below 2^53.
    pub hashes: Vec<u64>,
    /// [`Batch::STRIDE`] numbers for each admitted entry.
    pub attributes: Vec<u32>,
}

impl Batch {
    /// Number of attributes of one entry.
    pub const STRIDE: usize = 3;

    /// Adds an admitted entry. `hash` is cut to 53 bits, which fit in the numbers of
    /// every plugin language.
    pub fn admit(&mut self, slot: u32, hash: u64, attributes: Attributes) {
        self.admitted.push(slot);
        self.hashes.push(hash & ((1 << 53) - 1));
        let Attributes { weight, cost_us, ttl_ms } = attributes;
        self.attributes.extend([weight.max(1), cost_us, ttl_ms]);
    }

    /// The admitted slots with their attributes, oldest first.
    pub fn admissions(&self) -> impl Iterator<Item = (u32, Attributes)> {
        let (attributes, _) = self.attributes.as_chunks::<{ Self::STRIDE }>();
        let described = attributes.iter().map(|&[weight, cost_us, ttl_ms]| Attributes {
            weight,
            cost_us,
            ttl_ms,
        });
        self.admitted.iter().copied().zip(described)
    }

    /// Empties all lists and keeps their memory.
    pub fn clear(&mut self) {
        self.touched.clear();
        self.removed.clear();
        self.admitted.clear();
        self.hashes.clear();
        self.attributes.clear();
    }

    /// Whether there is no event.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.touched.is_empty() && self.removed.is_empty() && self.admitted.is_empty()
    }
}
