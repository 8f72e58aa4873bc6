//! One line or record of a trace, before its key has a number.

use super::super::request::Kind;

/// A key as it stands in the trace. Equal keys have equal names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Name<'a> {
    Text(&'a [u8]),
    Number(u64),
}

impl<'a> Name<'a> {
    /// The name of a text. A number is compared faster than its digits, and takes less memory.
    pub(super) fn of(text: &'a [u8]) -> Self {
        let is_number = match text {
            [b'0'] => true,
            [b'0', ..] | [] => false,
            // The largest number of 19 digits fits.
            digits => digits.len() <= 19 && digits.iter().all(u8::is_ascii_digit),
        };
        match is_number {
            true => Self::Number(text.iter().fold(0, |n, digit| n * 10 + u64::from(digit - b'0'))),
            false => Self::Text(text),
        }
    }
}

/// What a line or record says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Record<'a> {
    pub(super) key: Name<'a>,
    pub(super) size: u32,
    pub(super) at_ms: u64,
    pub(super) ttl_ms: u32,
    pub(super) load_us: u32,
    pub(super) kind: Kind,
}

impl<'a> Record<'a> {
    /// A get of a key, of which no more is known.
    pub(super) fn get(key: Name<'a>) -> Self {
        Self { key, size: 1, at_ms: 0, ttl_ms: 0, load_us: 0, kind: Kind::Get }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_digits_that_a_number_would_print_are_one() {
        for text in ["", "00", "01", "1a", "-1", "99999999999999999999", "1 2"] {
            assert_eq!(Name::of(text.as_bytes()), Name::Text(text.as_bytes()), "{text}");
        }
        for number in [0, 7, 10, 9_999_999_999_999_999_999] {
            assert_eq!(Name::of(number.to_string().as_bytes()), Name::Number(number));
        }
    }
}
