//! A component in the parts in which it is sent to a node.

use bytes::Bytes;

const CHUNK_BYTES: usize = 256 << 10;

/// The bytes in parts that each fit a message; they share the memory.
pub(in crate::cli) fn chunks(component: &Bytes) -> impl Iterator<Item = Bytes> + '_ {
    (0..component.len())
        .step_by(CHUNK_BYTES)
        .map(|start| component.slice(start..component.len().min(start + CHUNK_BYTES)))
}
