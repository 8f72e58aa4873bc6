//! What one instance may take of the node's memory.

use wasmtime::ResourceLimiter;

/// Elements of all tables of an instance, a pointer each. A Python guest uses
/// some ten thousand.
const TABLE_ELEMENTS: usize = 1 << 20;

/// Core instances, memories and tables of one component. A guest linked from
/// shared libraries has some tens.
const PARTS: usize = 256;

/// Handles of an instance to what the node keeps for it: streams, sockets (which
/// are file descriptors of the node), timers, look-ups.
pub(super) const HANDLES: usize = 256;

/// Counts what an instance has and refuses more. A refused growth is no trap: a
/// guest may live with it; when it then traps, [`refused`](Self::refused) tells why.
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

    /// Bytes of linear memory that the instance may have in all.
    pub(super) fn limit_bytes(&self) -> u64 {
        self.limit_bytes
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
