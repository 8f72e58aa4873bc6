//! The fields of a payload, in their order.

use crate::packets::strange;
use psycache_plugin::net::Failure;

/// What is left to be read of a payload. Each reading fails where it is too short.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields<'p> {
    payload: &'p [u8],
    at: usize,
}

impl<'p> Fields<'p> {
    pub(crate) fn of(payload: &'p [u8]) -> Self {
        Self { payload, at: 0 }
    }

    /// Where the next field begins.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// The next bytes.
    pub(crate) fn bytes(&mut self, length: usize) -> Result<&'p [u8], Failure> {
        let end = self.at.checked_add(length).ok_or_else(strange)?;
        let bytes = self.payload.get(self.at..end).ok_or_else(strange)?;
        self.at = end;
        Ok(bytes)
    }

    /// A number of one to eight bytes.
    pub(crate) fn number(&mut self, length: usize) -> Result<u64, Failure> {
        let bytes = self.bytes(length)?;
        Ok(bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// A number that says itself how long it is; `None` for NULL.
    pub(crate) fn length(&mut self) -> Result<Option<usize>, Failure> {
        let number = match self.number(1)? {
            0xFB => return Ok(None),
            0xFC => self.number(2)?,
            0xFD => self.number(3)?,
            0xFE => self.number(8)?,
            0xFF => return Err(strange()),
            number => number,
        };
        usize::try_from(number).map(Some).map_err(|_| strange())
    }

    /// Bytes after their length; `None` for NULL.
    pub(crate) fn text(&mut self) -> Result<Option<&'p [u8]>, Failure> {
        self.length()?.map(|length| self.bytes(length)).transpose()
    }

    /// Bytes up to the next 0, which is passed over, or to the end.
    pub(crate) fn until_zero(&mut self) -> &'p [u8] {
        let rest = self.payload.get(self.at..).unwrap_or_default();
        let length = rest.iter().position(|byte| *byte == 0).unwrap_or(rest.len());
        self.at += length + 1;
        &rest[..length]
    }

    /// All that is left.
    pub(crate) fn rest(&mut self) -> &'p [u8] {
        let rest = self.payload.get(self.at..).unwrap_or_default();
        self.at = self.payload.len();
        rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_each_kind_are_read_and_none_beyond_the_end() {
        let mut fields = Fields::of(b"\x02\x01name\0\x03abc\xfb\xfc\x02\x00de\x07rest");
        assert_eq!(fields.number(2).ok(), Some(0x102));
        assert_eq!(fields.until_zero(), b"name");
        assert_eq!(fields.text().ok(), Some(Some(&b"abc"[..])));
        assert_eq!(fields.text().ok(), Some(None));
        assert_eq!(fields.text().ok(), Some(Some(&b"de"[..])));
        assert!(fields.text().is_err());
        assert_eq!(fields.rest(), b"rest");
        assert_eq!((fields.until_zero(), fields.rest()), (&b""[..], &b""[..]));
        assert!(fields.number(1).is_err() && fields.length().is_err());
        for payload in [&b"\xfd\x01"[..], b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff", b"\xff"] {
            assert!(Fields::of(payload).text().is_err());
        }
    }
}
