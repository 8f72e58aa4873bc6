//! The durations of the protocol.

use std::time::Duration;

/// How much longer the lender waits, because clocks may drift apart.
pub(crate) const LENT_DRIFT: Duration = Duration::from_millis(25);

/// How long leases and promises last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// T: the short lease. A node that stays silent for longer is removed.
    pub lease: Duration,
    /// V: the long lease. It limits how long members may vouch for a node that the
    /// registry does not answer.
    pub long_lease: Duration,
}

impl Timing {
    /// V in units of T: two minutes for a lease of five seconds.
    const LONG: u32 = 24;

    /// The timing of a cluster with `lease` as its short lease.
    #[must_use]
    pub fn of(lease: Duration) -> Self {
        Self { lease, long_lease: lease * Self::LONG }
    }

    /// D: how long a node keeps a member in its ring after it vouched for it.
    #[must_use]
    pub fn promise(&self) -> Duration {
        self.lease
    }

    /// m: by how much clocks may drift apart in V.
    #[must_use]
    pub fn margin(&self) -> Duration {
        self.lease / 10
    }
}

impl Default for Timing {
    fn default() -> Self {
        Self::of(Duration::from_secs(5))
    }
}
