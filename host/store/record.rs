//! A key and its value in one allocation.
//!
//! Two allocations would cost another pointer, length and allocator header for each
//! entry. Copying the value also releases the network buffer that a small value is a
//! slice of; otherwise the whole buffer would stay allocated.
//!
//! Deadline and cost are optional. They are stored before the key and take no room if
//! they are missing.

use bytes::Bytes;

use super::packed::{Cost, Deadline};
use crate::value::{Block, Value, block};

/// Bytes charged for each entry in addition to its key and value: 24 for the entry itself,
/// about 8 for its place in the index, 18 for the record's reference count, length and
/// prefix, and 20 (LRU) to 48 (LRU-K) for the policy's own state. The rest is for the
/// optional deadline and cost (7) and for headers and rounding of the allocator.
pub const ENTRY_OVERHEAD: u64 = 112;

/// Key, value and prefix are joined in one allocation if they are smaller than this in
/// total. A larger value is kept as received, because copying it would cost more than the
/// saved memory is worth.
const JOIN_BELOW: usize = 4096;

/// Most bytes of a joined record. Deadline and cost are not counted in `JOIN_BELOW`.
const MOST_JOINED: usize = JOIN_BELOW + Deadline::LEN + Cost::LEN;

/// Bytes of the prefix of a joined record, which holds the length of the key and flags.
const PREFIX: usize = size_of::<u16>();

/// Bits of the prefix that hold the length of the key. A record with a longer key is not
/// joined.
const KEY_LEN: u16 = (1 << 11) - 1;

/// Set in the prefix when the source is known to have no such key.
const ABSENT: u16 = 1 << 15;

/// Set in the prefix when a deadline follows it.
const TIMED: u16 = 1 << 14;

/// Set in the prefix when a cost follows the prefix and the deadline.
const COSTLY: u16 = 1 << 13;

/// The key, value, deadline and cost of an entry.
#[derive(Debug)]
pub(super) enum Record {
    /// The record of a slot without an entry. Its methods panic.
    Vacant,
    /// One block: prefix, deadline if any, cost if any, key, value. The reference count is at
    /// the head of the block. A hit reads the key and writes the count, which are in the
    /// same cache line or in two adjacent ones.
    Joined(Block),
    /// Key and value in separate allocations.
    Apart(Box<Apart>),
}

#[derive(Debug)]
pub(super) struct Apart {
    key: Box<str>,
    value: Option<Bytes>,
    deadline: Deadline,
    cost: Cost,
}

impl Record {
    pub(super) fn new(key: &str, value: Option<Bytes>, deadline: Deadline, cost: Cost) -> Self {
        let value_len = value.as_ref().map_or(0, Bytes::len);
        let long_key = key.len() > usize::from(KEY_LEN);
        if long_key || PREFIX + key.len() + value_len >= JOIN_BELOW {
            return Self::Apart(Box::new(Apart { key: key.into(), value, deadline, cost }));
        }
        let mut prefix = key.len() as u16;
        if value.is_none() {
            prefix |= ABSENT;
        }
        let (deadline, cost) = (deadline.to_bytes(), cost.to_bytes());
        let mut extra = [&[][..]; 2];
        if deadline != Deadline::NEVER.to_bytes() {
            prefix |= TIMED;
            extra[0] = &deadline;
        }
        if cost != [0; 2] {
            prefix |= COSTLY;
            extra[1] = &cost;
        }
        let value = value.as_deref().unwrap_or_default();
        let parts = [&prefix.to_le_bytes(), extra[0], extra[1], key.as_bytes(), value];
        Self::Joined(block::<MOST_JOINED>(&parts))
    }

    #[inline]
    pub(super) fn key(&self) -> &[u8] {
        match self {
            Self::Joined(joined) => {
                let bytes = &joined.slice;
                let prefix = prefix(bytes);
                let begin = key_at(prefix);
                &bytes[begin..begin + key_len(prefix)]
            }
            Self::Apart(apart) => apart.key.as_bytes(),
            Self::Vacant => vacant(),
        }
    }

    /// Whether the record is a single allocation, of about the size of its weight.
    pub(super) fn is_joined(&self) -> bool {
        matches!(self, Self::Joined(_))
    }

    /// Whether there is a value; `false` if the source is known to have no such key.
    pub(super) fn has_value(&self) -> bool {
        match self {
            Self::Joined(joined) => prefix(&joined.slice) & ABSENT == 0,
            Self::Apart(apart) => apart.value.is_some(),
            Self::Vacant => vacant(),
        }
    }

    /// Shares the value; never copies it.
    #[inline]
    pub(super) fn value(&self) -> Option<Value> {
        match self {
            Self::Joined(joined) => {
                let prefix = prefix(&joined.slice);
                let begin = (key_at(prefix) + key_len(prefix)) as u16;
                (prefix & ABSENT == 0).then(|| Value::rest(joined.clone(), begin))
            }
            Self::Apart(apart) => apart.value.clone().map(Value::from),
            Self::Vacant => vacant(),
        }
    }

    /// When the entry is collected: a value that long after its deadline.
    pub(super) fn collect_at_ms(&self, keep_expired_ms: u64) -> Option<u64> {
        let keep_ms = if self.has_value() { keep_expired_ms } else { 0 };
        Some(self.deadline().ms()?.saturating_add(keep_ms).min(Deadline::LAST_MS))
    }

    /// When the entry expires.
    #[inline]
    pub(super) fn deadline(&self) -> Deadline {
        match self {
            Self::Joined(joined) => {
                let bytes = &joined.slice;
                if prefix(bytes) & TIMED == 0 {
                    return Deadline::NEVER;
                }
                Deadline::from_bytes(array(&bytes[PREFIX..]))
            }
            Self::Apart(apart) => apart.deadline,
            Self::Vacant => vacant(),
        }
    }

    /// How long the load took.
    pub(super) fn cost(&self) -> Cost {
        match self {
            Self::Joined(joined) => {
                let bytes = &joined.slice;
                let prefix = prefix(bytes);
                if prefix & COSTLY == 0 {
                    return Cost::new(0);
                }
                Cost::from_bytes(array(&bytes[key_at(prefix) - Cost::LEN..]))
            }
            Self::Apart(apart) => apart.cost,
            Self::Vacant => vacant(),
        }
    }

    /// Bytes charged to the budget.
    pub(super) fn weight(&self) -> u64 {
        match self {
            Self::Joined(joined) => {
                let bytes = &joined.slice;
                weight(bytes.len() - key_at(prefix(bytes)), 0)
            }
            Self::Apart(apart) => {
                weight(apart.key.len(), apart.value.as_ref().map_or(0, Bytes::len))
            }
            Self::Vacant => vacant(),
        }
    }
}

/// Bytes charged to the budget for an entry of these lengths.
pub(super) fn weight(key_len: usize, value_len: usize) -> u64 {
    ENTRY_OVERHEAD + key_len as u64 + value_len as u64
}

fn vacant() -> ! {
    unreachable!("a slot without an entry was read")
}

#[inline]
fn prefix(joined: &[u8]) -> u16 {
    u16::from_le_bytes([joined[0], joined[1]])
}

#[inline]
fn key_len(prefix: u16) -> usize {
    usize::from(prefix & KEY_LEN)
}

/// Where the key begins.
#[inline]
fn key_at(prefix: u16) -> usize {
    let timed = usize::from(prefix & TIMED != 0) * Deadline::LEN;
    PREFIX + timed + usize::from(prefix & COSTLY != 0) * Cost::LEN
}

/// The first `LEN` bytes. `bytes` must be at least that long.
fn array<const LEN: usize>(bytes: &[u8]) -> [u8; LEN] {
    let mut first = [0; LEN];
    first.copy_from_slice(&bytes[..LEN]);
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: (Deadline, Cost) = (Deadline::NEVER, Cost::new(0));

    #[test]
    fn gives_back_what_it_was_made_of_joined_and_apart() {
        for len in [0, 1, JOIN_BELOW - PREFIX - 4, JOIN_BELOW - PREFIX - 3, 70_000] {
            for deadline_ms in [None, Some(1), Some(Deadline::LAST_MS)] {
                for cost_us in [0, 1, 2000] {
                    let value = Bytes::from(vec![7; len]);
                    let (deadline, cost) = (Deadline::new(deadline_ms), Cost::new(cost_us));
                    let record = Record::new("key", Some(value.clone()), deadline, cost);
                    assert_eq!(record.key(), b"key");
                    assert_eq!(record.value(), Some(value.into()));
                    assert_eq!(record.deadline().ms(), deadline_ms);
                    assert_eq!(record.cost().us(), cost_us);
                    assert_eq!(record.weight(), ENTRY_OVERHEAD + 3 + len as u64);
                }
            }
        }
    }

    #[test]
    fn a_key_of_any_length_comes_back() {
        for len in [1, 1024, usize::from(KEY_LEN), usize::from(KEY_LEN) + 1] {
            let key = "k".repeat(len);
            let record = Record::new(&key, None, PLAIN.0, PLAIN.1);
            assert_eq!((record.key(), record.value()), (key.as_bytes(), None));
        }
    }

    #[test]
    fn tells_an_absent_value_from_an_empty_one() {
        let record = Record::new("key", None, PLAIN.0, PLAIN.1);
        assert_eq!((record.key(), record.value()), (&b"key"[..], None));
        assert_eq!(record.weight(), ENTRY_OVERHEAD + 3);
    }
}
