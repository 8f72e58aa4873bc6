//! What one step tells a policy.

/// Numbers that describe an admitted entry, in the order of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// In the unit of the capacity, at least 1.
    pub weight: u32,
    /// Microseconds that the value took to load; 0 if it was set.
    pub cost_us: u32,
    /// Milliseconds; 0 for none.
    pub ttl_ms: u32,
}

/// All that happened since the last step, as the flat lists of the contract:
/// they cross into a component in one copy each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// Slots hit, oldest first; lossy and repeating.
    pub touched: Vec<u32>,
    /// Slots whose entry is gone for another reason than the policy.
    pub removed: Vec<u32>,
    /// Slots of new or overwritten entries, oldest first, none twice.
    pub admitted: Vec<u32>,
    /// For each admitted entry, a stable function of its key below 2^53.
    pub hashes: Vec<u64>,
    /// [`Batch::STRIDE`] numbers for each admitted entry.
    pub attributes: Vec<u32>,
}

impl Batch {
    /// Attributes of one entry.
    pub const STRIDE: usize = 3;

    /// Adds an admitted entry. `hash` is cut to the 53 bits that every language
    /// can hold.
    pub fn admit(&mut self, slot: u32, hash: u64, attributes: Attributes) {
        self.admitted.push(slot);
        self.hashes.push(hash & ((1 << 53) - 1));
        let Attributes { weight, cost_us, ttl_ms } = attributes;
        self.attributes.extend([weight.max(1), cost_us, ttl_ms]);
    }

    /// The admitted slots and what describes each entry, oldest first.
    pub fn admissions(&self) -> impl Iterator<Item = (u32, Attributes)> {
        let (attributes, _) = self.attributes.as_chunks::<{ Self::STRIDE }>();
        let described = attributes.iter().map(|&[weight, cost_us, ttl_ms]| Attributes {
            weight,
            cost_us,
            ttl_ms,
        });
        self.admitted.iter().copied().zip(described)
    }

    /// Forgets everything, keeps the memory.
    pub fn clear(&mut self) {
        self.touched.clear();
        self.removed.clear();
        self.admitted.clear();
        self.hashes.clear();
        self.attributes.clear();
    }

    /// Whether nothing happened.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.touched.is_empty() && self.removed.is_empty() && self.admitted.is_empty()
    }
}
