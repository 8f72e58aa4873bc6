//! The limits of an instance of a policy.

use std::time::Duration;

use crate::plugin::quota::Quota;

/// The limits of an instance of a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicyLimits {
    /// Bytes of memory; `None`: 64 MiB and 256 bytes an entry. That is enough for
    /// anything compiled; a Python guest needs 64 MiB and 512 bytes an entry.
    pub memory_bytes: Option<u64>,
    /// The time limit of one step.
    pub step: Duration,
    /// The time limit of instantiation, and again of configuration.
    pub configure: Duration,
}

impl Default for PolicyLimits {
    fn default() -> Self {
        Self {
            memory_bytes: None,
            step: Duration::from_millis(100),
            configure: Duration::from_secs(2),
        }
    }
}

impl PolicyLimits {
    pub(super) fn quota(&self, max_entries: u32) -> Quota {
        let default = (64 << 20) + 256 * u64::from(max_entries);
        Quota::new(self.memory_bytes.unwrap_or(default))
    }
}
