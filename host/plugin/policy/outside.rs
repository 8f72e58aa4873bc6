//! A clock and random numbers that a test of a policy chooses, in place of the machine's.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use wasmtime_wasi::random::Deterministic;
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, WasiCtxBuilder};

/// What a policy sees of the machine that it runs on. The contract gives it neither a clock
/// nor random numbers, but WASI does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outside {
    /// Another number, another time, and another pace.
    pub(crate) clock: u8,
    /// Another number, other random numbers.
    pub(crate) random: u8,
}

impl Outside {
    /// Has `wasi` show this in place of the machine's.
    pub(super) fn replace(self, wasi: &mut WasiCtxBuilder) {
        let bytes = |offset: u8| {
            let byte = move |at: u8| at.wrapping_mul(167).wrapping_add(self.random ^ offset);
            Deterministic::new((0..=255).map(byte).collect())
        };
        wasi.monotonic_clock(self.clock())
            .wall_clock(self.clock())
            .secure_random(bytes(0))
            .insecure_random(bytes(85))
            .insecure_random_seed(u128::from(self.random));
    }

    fn clock(self) -> Clock {
        let number = u64::from(self.clock);
        Clock {
            ns: AtomicU64::new(1_700_000_000_000_000_000 + number * 7_919_000_000_007),
            pace_ns: 100_003 * (1 + number),
        }
    }
}

/// Moves on whenever it is read, so that who waits for a time to pass does not wait for ever.
struct Clock {
    /// Atomic because a clock is read through a shared reference.
    ns: AtomicU64,
    pace_ns: u64,
}

impl HostMonotonicClock for Clock {
    fn resolution(&self) -> u64 {
        1
    }

    fn now(&self) -> u64 {
        self.ns.fetch_add(self.pace_ns, Ordering::Relaxed)
    }
}

impl HostWallClock for Clock {
    fn resolution(&self) -> Duration {
        Duration::from_nanos(1)
    }

    fn now(&self) -> Duration {
        Duration::from_nanos(self.ns.fetch_add(self.pace_ns, Ordering::Relaxed))
    }
}
