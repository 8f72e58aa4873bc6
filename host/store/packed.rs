//! Compact forms of the deadline and the load cost of an entry.

/// A deadline as 39 bits of milliseconds, which is enough for 17 years. 0 means "never". The
/// last bit says whether the value may be loaded again before the deadline.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline([u8; Self::LEN]);

impl Deadline {
    pub(super) const LEN: usize = 5;

    pub(super) const NEVER: Self = Self([0; Self::LEN]);

    /// The latest deadline that can be represented.
    pub(super) const LAST_MS: u64 = (1 << 39) - 1;

    const REFRESHED: u8 = 1 << 7;

    pub(super) fn new(at_ms: Option<u64>) -> Self {
        at_ms.map_or(Self::NEVER, |at_ms| {
            let [a, b, c, d, e, ..] = at_ms.clamp(1, Self::LAST_MS).to_le_bytes();
            Self([a, b, c, d, e])
        })
    }

    pub(super) fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    pub(super) fn to_bytes(self) -> [u8; Self::LEN] {
        self.0
    }

    pub(super) fn ms(self) -> Option<u64> {
        let [a, b, c, d, e] = self.0;
        let at_ms = u64::from_le_bytes([a, b, c, d, e, 0, 0, 0]) & Self::LAST_MS;
        Some(at_ms).filter(|&at_ms| at_ms > 0)
    }

    /// The same deadline, before which the value may be loaded again.
    pub(super) fn refreshed_ahead(mut self) -> Self {
        self.0[Self::LEN - 1] |= Self::REFRESHED;
        self
    }

    /// Whether the value may be loaded again before the deadline.
    pub(super) fn is_refreshed_ahead(self) -> bool {
        self.0[Self::LEN - 1] & Self::REFRESHED > 0
    }
}

/// The duration of a load in 16 bits: 5 bits of exponent, 11 bits of mantissa.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cost(u16);

impl Cost {
    pub(super) const LEN: usize = 2;

    const MANTISSA_BITS: u32 = 11;

    pub(super) const fn new(us: u32) -> Self {
        let exponent = (u32::BITS - us.leading_zeros()).saturating_sub(Self::MANTISSA_BITS);
        Self((exponent << Self::MANTISSA_BITS | us >> exponent) as u16)
    }

    pub(super) fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(u16::from_le_bytes(bytes))
    }

    pub(super) fn to_bytes(self) -> [u8; Self::LEN] {
        self.0.to_le_bytes()
    }

    pub(super) fn us(self) -> u32 {
        let mantissa = u32::from(self.0) & ((1 << Self::MANTISSA_BITS) - 1);
        mantissa << (u32::from(self.0) >> Self::MANTISSA_BITS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_loses_at_most_its_last_bits() {
        for us in [0, 1, 2047, 2048, 2049, 123_456, 5_000_000, u32::MAX] {
            let kept = Cost::new(us).us();
            assert!(kept <= us && us - kept <= us / 1024, "{us} became {kept}");
        }
        assert_eq!(Cost::new(1500).us(), 1500);
    }

    #[test]
    fn a_deadline_lasts_34_years() {
        assert_eq!(Deadline::new(None).ms(), None);
        for at_ms in [1, 255, 256, 1 << 38, Deadline::LAST_MS] {
            assert_eq!(Deadline::new(Some(at_ms)).ms(), Some(at_ms));
        }
        assert_eq!(Deadline::new(Some(u64::MAX)).ms(), Some(Deadline::LAST_MS));
    }
}
