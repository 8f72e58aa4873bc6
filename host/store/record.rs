//! A key and its value in one allocation.
//!
//! Two allocations would cost a pointer, a length and an allocator's header
//! more for each entry. The copy also lets go of the network buffer that a
//! small value came in, which would stay alive as a whole otherwise.

use bytes::Bytes;

/// Bytes charged for each entry beyond its key and its value: 48 for the entry
/// itself, about 8 for its place in the index, 12 to 16 for what a policy keeps
/// of it, the rest for the headers and the rounding of the allocator and for the
/// counter that [`Bytes`] allocates when a value is first shared.
pub const ENTRY_OVERHEAD: u64 = 112;

/// From this size on the value is kept as it came: copying would take longer
/// than the memory saved is worth.
const JOIN_BELOW: usize = 4096;

/// Bytes of a joined record before the key: its length and the flag below.
const PREFIX: usize = size_of::<u16>();

/// Set in the prefix when the source is known to have no such key.
const ABSENT: u16 = 1 << 15;

/// What an entry holds.
#[derive(Debug)]
pub(super) enum Record {
    /// Length of the key, key, value.
    Joined(Bytes),
    Apart(Box<Apart>),
}

#[derive(Debug)]
pub(super) struct Apart {
    key: Box<str>,
    value: Option<Bytes>,
}

impl Record {
    /// What stands in a slot without an entry.
    pub(super) const fn vacant() -> Self {
        Self::Joined(Bytes::new())
    }

    pub(super) fn new(key: &str, value: Option<Bytes>) -> Self {
        let value_len = value.as_ref().map_or(0, Bytes::len);
        let len = PREFIX + key.len() + value_len;
        if len >= JOIN_BELOW {
            return Self::Apart(Box::new(Apart { key: key.into(), value }));
        }
        let absent = if value.is_none() { ABSENT } else { 0 };
        let mut joined = Vec::with_capacity(len);
        joined.extend_from_slice(&(key.len() as u16 | absent).to_le_bytes());
        joined.extend_from_slice(key.as_bytes());
        joined.extend_from_slice(value.as_deref().unwrap_or_default());
        Self::Joined(joined.into())
    }

    pub(super) fn key(&self) -> &[u8] {
        match self {
            Self::Joined(bytes) => &bytes[PREFIX..PREFIX + key_len(bytes)],
            Self::Apart(apart) => apart.key.as_bytes(),
        }
    }

    /// Whether there is a value, and not the knowledge that there is none.
    pub(super) fn has_value(&self) -> bool {
        match self {
            Self::Joined(bytes) => prefix(bytes) & ABSENT == 0,
            Self::Apart(apart) => apart.value.is_some(),
        }
    }

    /// Shares the value; never copies it.
    pub(super) fn value(&self) -> Option<Bytes> {
        match self {
            Self::Joined(bytes) if prefix(bytes) & ABSENT != 0 => None,
            Self::Joined(bytes) => Some(bytes.slice(PREFIX + key_len(bytes)..)),
            Self::Apart(apart) => apart.value.clone(),
        }
    }

    /// Bytes that it counts for in the budget.
    pub(super) fn weight(&self) -> u64 {
        match self {
            Self::Joined(bytes) => weight(bytes.len() - PREFIX, 0),
            Self::Apart(apart) => {
                weight(apart.key.len(), apart.value.as_ref().map_or(0, Bytes::len))
            }
        }
    }
}

/// Bytes that an entry of these lengths counts for in the budget.
pub(super) fn weight(key_len: usize, value_len: usize) -> u64 {
    ENTRY_OVERHEAD + key_len as u64 + value_len as u64
}

fn prefix(joined: &[u8]) -> u16 {
    u16::from_le_bytes([joined[0], joined[1]])
}

fn key_len(joined: &[u8]) -> usize {
    usize::from(prefix(joined) & !ABSENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_back_what_it_was_made_of_joined_and_apart() {
        for len in [0, 1, JOIN_BELOW - PREFIX - 4, JOIN_BELOW - PREFIX - 3, 70_000] {
            let value = Bytes::from(vec![7; len]);
            let record = Record::new("key", Some(value.clone()));
            assert_eq!(record.key(), b"key");
            assert_eq!(record.value(), Some(value));
            assert_eq!(record.weight(), ENTRY_OVERHEAD + 3 + len as u64);
        }
    }

    #[test]
    fn tells_an_absent_value_from_an_empty_one() {
        let record = Record::new("key", None);
        assert_eq!((record.key(), record.value()), (&b"key"[..], None));
        assert_eq!(record.weight(), ENTRY_OVERHEAD + 3);
    }
}
