//! Answers, and how RESP2 and RESP3 encode them.

use bytes::Bytes;

use crate::value::Value;

/// The version of the protocol, chosen by HELLO.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Version {
    #[default]
    Resp2,
    Resp3,
}

/// The answer to one command.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Reply {
    /// A word of the protocol, such as `OK`.
    Word(&'static str),
    /// Prefix and message.
    Error(String),
    Integer(i64),
    /// There is no value.
    Null,
    Value(Value),
    Array(Vec<Self>),
    Map(Vec<(Self, Self)>),
    Set(Vec<Self>),
}

impl Reply {
    pub(super) const OK: Self = Self::Word("OK");

    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Value(Bytes::from(text.into()).into())
    }

    pub(super) fn bytes(bytes: &[u8]) -> Self {
        Self::Value(Bytes::copy_from_slice(bytes).into())
    }

    pub(super) fn count(count: usize) -> Self {
        Self::Integer(i64::try_from(count).unwrap_or(i64::MAX))
    }

    /// Length of the value, if it is one.
    pub(super) fn value_bytes(&self) -> u64 {
        match self {
            Self::Value(value) => value.len() as u64,
            _ => 0,
        }
    }

    /// Appends the answer to `out`.
    pub(super) fn encode(&self, version: Version, out: &mut Vec<u8>) {
        let is_resp3 = version == Version::Resp3;
        match self {
            Self::Word(word) => line(b'+', word, out),
            Self::Error(text) => line(b'-', text, out),
            Self::Integer(value) => {
                out.push(b':');
                if *value < 0 {
                    out.push(b'-');
                }
                header_rest(value.unsigned_abs(), out);
            }
            Self::Null => out.extend_from_slice(if is_resp3 { b"_\r\n" } else { b"$-1\r\n" }),
            Self::Value(value) => {
                out.reserve(value.len() + 32);
                header(b'$', value.len(), out);
                out.extend_from_slice(value);
                out.extend_from_slice(b"\r\n");
            }
            Self::Array(items) => list(b'*', items, version, out),
            Self::Set(items) => list(if is_resp3 { b'~' } else { b'*' }, items, version, out),
            Self::Map(pairs) => {
                let (marker, each) = if is_resp3 { (b'%', 1) } else { (b'*', 2) };
                header(marker, pairs.len() * each, out);
                for (key, value) in pairs {
                    key.encode(version, out);
                    value.encode(version, out);
                }
            }
        }
    }
}

fn list(marker: u8, items: &[Reply], version: Version, out: &mut Vec<u8>) {
    header(marker, items.len(), out);
    for item in items {
        item.encode(version, out);
    }
}

/// A line ends at its first line break, so one in a message becomes a space.
fn line(marker: u8, text: &str, out: &mut Vec<u8>) {
    out.push(marker);
    let plain = |byte| if matches!(byte, b'\r' | b'\n') { b' ' } else { byte };
    out.extend(text.bytes().map(plain));
    out.extend_from_slice(b"\r\n");
}

fn header(marker: u8, length: usize, out: &mut Vec<u8>) {
    out.push(marker);
    header_rest(length as u64, out);
}

fn header_rest(mut number: u64, out: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_version_has_its_forms() {
        let text = Reply::text;
        for (reply, resp2, resp3) in [
            (Reply::OK, "+OK\r\n", "+OK\r\n"),
            (Reply::Error("ERR a\r\nb".into()), "-ERR a  b\r\n", "-ERR a  b\r\n"),
            (Reply::Integer(i64::MIN), ":-9223372036854775808\r\n", ":-9223372036854775808\r\n"),
            (Reply::Integer(0), ":0\r\n", ":0\r\n"),
            (Reply::Null, "$-1\r\n", "_\r\n"),
            (text(""), "$0\r\n\r\n", "$0\r\n\r\n"),
            (text("ab"), "$2\r\nab\r\n", "$2\r\nab\r\n"),
            (Reply::Array(vec![Reply::Null]), "*1\r\n$-1\r\n", "*1\r\n_\r\n"),
            (Reply::Set(vec![]), "*0\r\n", "~0\r\n"),
            (
                Reply::Map(vec![(text("k"), Reply::Integer(12))]),
                "*2\r\n$1\r\nk\r\n:12\r\n",
                "%1\r\n$1\r\nk\r\n:12\r\n",
            ),
        ] {
            for (version, expected) in [(Version::Resp2, resp2), (Version::Resp3, resp3)] {
                let mut out = Vec::new();
                reply.encode(version, &mut out);
                assert_eq!(String::from_utf8(out).unwrap(), expected, "{reply:?} {version:?}");
            }
        }
    }
}
