//! The limits of one instance on the node's memory.

use wasmtime::ResourceLimiter;

/// The maximum number of elements in all tables of an instance; each is a pointer. A Python
/// guest uses some ten thousand.
const TABLE_ELEMENTS: usize = 1 << 20;

/// The maximum number of core instances, of memories and of tables in one component. A guest
/// linked from shared libraries has some tens.
const PARTS: usize = 256;

/// The maximum number of handles of an instance to resources of the node: streams, sockets
/// (which are file descriptors of the node), timers, lookups.
pub(super) const HANDLES: usize = 256;

/// Counts the memory of an instance and refuses growth beyond a limit. A refused growth is no
/// trap, because the guest may handle it. If the guest then traps,
/// [`refused`](Self::refused) tells why.
#[derive(Debug)]
pub(super) struct Quota {
    limit_bytes: u64,
    bytes: u64,
    table_elements: usize,
    refused: bool,
}

impl Quota {
    pub(super) fn new(limit_bytes: u64) -> Self {
        Self { limit_bytes, bytes: 0, table_elements: 0, refused: false }
    }

    /// The maximum linear memory of the instance, in bytes.
    pub(super) fn limit_bytes(&self) -> u64 {
        self.limit_bytes
    }

    /// The linear memory of the instance, in bytes.
    #[cfg(feature = "cli")]
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether memory was refused since the last [`forget`](Self::forget).
    pub(super) fn refused(&self) -> bool {
        self.refused
    }

    /// Starts a new call.
    pub(super) fn forget(&mut self) {
        self.refused = false;
    }
}

impl ResourceLimiter for Quota {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let bytes = self.bytes + desired.saturating_sub(current) as u64;
        if bytes > self.limit_bytes {
            self.refused = true;
            return Ok(false);
        }
        // Beyond its own maximum the engine refuses by itself.
        if maximum.is_none_or(|maximum| desired <= maximum) {
            self.bytes = bytes;
        }
        Ok(true)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let elements = self.table_elements + desired.saturating_sub(current);
        if elements > TABLE_ELEMENTS {
            return Ok(false);
        }
        self.table_elements = elements;
        Ok(true)
    }

    fn instances(&self) -> usize {
        PARTS
    }

    fn tables(&self) -> usize {
        PARTS
    }

    fn memories(&self) -> usize {
        PARTS
    }
}
