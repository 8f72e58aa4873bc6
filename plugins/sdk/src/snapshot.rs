//! The state of a policy as bytes, for the policy that takes its place.

use crate::{Config, Policy};

/// A policy that hands over its state. A swap between two versions that know the same format,
/// with other options perhaps, then loses nothing of what the old one has learned. Export it with
/// `export_policy!(Mine, snapshot)`.
///
/// Which slots are resident and what their entries weigh is saved by
/// [`Stepped`](crate::Stepped).
pub trait Snapshot: Policy {
    /// Who can read the bytes: a name and a version, such as `mine 1`.
    const FORMAT: &'static str;

    /// Appends the state to `bytes`.
    fn save(&self, bytes: &mut Vec<u8>);

    /// Makes a policy of what [`save`](Self::save) wrote. `None`: the bytes make no sense, and
    /// the node then goes on as if there were no state.
    fn restore(config: &Config, state: &mut State<'_>) -> Option<Self>;
}

/// The bytes of a state, read from the front. Numbers are written by `to_le_bytes`.
#[derive(Clone, Copy, Debug)]
pub struct State<'a>(&'a [u8]);

impl<'a> State<'a> {
    /// A state that begins with the first byte.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The next number; `None` at the end.
    pub fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    /// The next number; `None` at the end.
    pub fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }

    /// Whether all has been read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }
}
