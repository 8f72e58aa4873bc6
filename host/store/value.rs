//! A value as a reader holds it: shared with the store, never copied.

use std::fmt;
use std::ops::Deref;

use bytes::Bytes;

use super::record::Joined;

/// A value that is or was in a store. It stays whole for as long as somebody holds it,
/// whatever becomes of its entry. Cloning shares the bytes.
#[derive(Clone)]
pub struct Value(Repr);

#[derive(Clone)]
enum Repr {
    /// The rest of a record.
    Joined {
        record: Joined,
        begin: usize,
    },
    Apart(Bytes),
}

impl Value {
    /// The value that begins at this byte of a record.
    #[inline]
    pub(super) fn joined(record: Joined, begin: usize) -> Self {
        Self(Repr::Joined { record, begin })
    }
}

impl Deref for Value {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Repr::Joined { record, begin } => &record.slice[*begin..],
            Repr::Apart(bytes) => bytes,
        }
    }
}

impl AsRef<[u8]> for Value {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl From<Bytes> for Value {
    fn from(bytes: Bytes) -> Self {
        Self(Repr::Apart(bytes))
    }
}

/// Shares the value with what is made of [`Bytes`], as messages are. Allocates what
/// `Bytes` needs to know its owner by, 40 bytes; a large value has that already.
impl From<Value> for Bytes {
    fn from(value: Value) -> Self {
        match value.0 {
            Repr::Joined { .. } => Self::from_owner(value),
            Repr::Apart(bytes) => bytes,
        }
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Value {}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Bytes::copy_from_slice(self).fmt(f)
    }
}
