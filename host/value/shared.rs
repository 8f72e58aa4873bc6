//! A value as held by a reader: shared with the store, never copied.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;

use bytes::Bytes;
use triomphe::{Arc, ThinArc};

/// One allocation of the reference count, the length and the bytes, in that order.
pub(crate) type Block = ThinArc<(), u8>;

/// Joins the parts in one block, of at most `MOST` bytes.
///
/// # Panics
/// If the parts have more bytes than that.
pub(crate) fn block<const MOST: usize>(parts: &[&[u8]]) -> Block {
    // A block can only be made from existing bytes, so it starts as zeros.
    let zeros = const { &[0; MOST] };
    let len = parts.iter().map(|part| part.len()).sum();
    let mut block = Block::from_header_and_slice((), &zeros[..len]);
    block.with_arc_mut(|arc| {
        let mut rest = Arc::get_mut(arc).expect("nobody else has it yet").slice_mut();
        for part in parts {
            let (place, after) = rest.split_at_mut(part.len());
            place.copy_from_slice(part);
            rest = after;
        }
    });
    block
}

/// The bytes of a value. They stay valid for as long as a reader holds them, even if the entry
/// that they were read from is dropped. Cloning shares them.
#[derive(Clone)]
pub struct Value(Repr);

#[derive(Clone)]
enum Repr {
    Rest(Rest),
    Bytes(Bytes),
}

/// The part of a block that begins at some byte.
#[derive(Clone)]
struct Rest {
    block: Block,
    begin: u16,
}

const _: () = {
    const fn shared<T: Send + Sync>() {}
    shared::<Value>();
    assert!(size_of::<Rest>() == 16 && size_of::<Value>() <= 40);
};

impl Value {
    /// The rest of a block from byte `begin` on. Reading it panics if there are fewer.
    #[inline]
    pub(crate) fn rest(block: Block, begin: u16) -> Self {
        Self(Repr::Rest(Rest { block, begin }))
    }
}

impl AsRef<[u8]> for Rest {
    #[inline]
    fn as_ref(&self) -> &[u8] {
        &self.block.slice[usize::from(self.begin)..]
    }
}

impl AsRef<[u8]> for Value {
    #[inline]
    fn as_ref(&self) -> &[u8] {
        match &self.0 {
            Repr::Rest(rest) => rest.as_ref(),
            Repr::Bytes(bytes) => bytes,
        }
    }
}

impl Deref for Value {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        self.as_ref()
    }
}

impl From<Bytes> for Value {
    #[inline]
    fn from(bytes: Bytes) -> Self {
        Self(Repr::Bytes(bytes))
    }
}

/// Shares the value with code that takes [`Bytes`], such as messages. A value that was read
/// from a store and is smaller than 4 KiB takes 32 bytes more until the message is dropped.
impl From<Value> for Bytes {
    fn from(value: Value) -> Self {
        match value.0 {
            Repr::Rest(rest) => Self::from_owner(rest),
            Repr::Bytes(bytes) => bytes,
        }
    }
}

impl<T: AsRef<[u8]> + ?Sized> PartialEq<T> for Value {
    fn eq(&self, other: &T) -> bool {
        **self == *other.as_ref()
    }
}

impl Eq for Value {}

impl Hash for Value {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b\"{}\"", self.escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn becomes_bytes_without_a_copy_and_is_freed_by_the_last_holder() {
        let block = block::<8>(&[b"key", b"", b"value"]);
        let values = [Value::rest(block.clone(), 3), Value::from(Bytes::from_static(b"value"))];
        for value in values {
            assert_eq!(value, "value");
            let at = value.as_ptr();
            let bytes = Bytes::from(value);
            assert_eq!((&bytes[..], bytes.as_ptr()), (&b"value"[..], at));
        }
        assert_eq!(Block::strong_count(&block), 1);
    }

    #[test]
    fn shows_what_it_is() {
        assert_eq!(format!("{:?}", Value::from(Bytes::from_static(b"a\"\xff"))), r#"b"a\"\xff""#);
    }
}
