//! A get of a session and its answer, read and written by hand: they are most of the messages of a
//! node, and prost takes a step and a check for each byte of them. Any other field or message is read
//! and written by prost.

use bytes::{BufMut, Bytes};
use prost::Message;
use prost::encoding::{decode_varint, encode_varint};

use crate::proto::session_request::Call;
use crate::proto::session_response::Answer;
use crate::proto::{GetRequest, GetResponse, SessionRequest, SessionResponse};

/// The wire type of a number.
const NUMBER: u8 = 0;
/// The wire type of bytes, text and messages.
const BYTES: u8 = 2;

/// Reads a get; `None` for any other message, and for a get that has more than is usual.
pub(super) fn read(message: &Bytes) -> Option<SessionRequest> {
    let mut request = SessionRequest::default();
    let mut rest = Part { of: message, rest: message };
    while let Some(tag) = rest.tag() {
        match tag {
            (1, NUMBER) => request.id = rest.number()?,
            (2, NUMBER) => request.timeout_ms = rest.number()? as u32,
            (11, NUMBER) => request.inline_bytes = rest.number()?,
            (13, NUMBER) => request.until_ms = rest.number()?,
            // prost joins two of them.
            (4, BYTES) if request.call.is_none() => {
                request.call = Some(Call::Get(get(rest.part()?)?));
            }
            _ => return None,
        }
    }
    request.call.is_some().then_some(request)
}

fn get(mut rest: Part<'_>) -> Option<GetRequest> {
    let mut get = GetRequest::default();
    while let Some(tag) = rest.tag() {
        match tag {
            (1, BYTES) => get.group = rest.part()?.bytes(),
            (2, BYTES) => get.key = rest.part()?.bytes(),
            (3, NUMBER) => get.may_lend = rest.number()? != 0,
            _ => return None,
        }
    }
    Some(get)
}

/// What is not read yet of a message, or of a field in it.
struct Part<'a> {
    of: &'a Bytes,
    rest: &'a [u8],
}

impl<'a> Part<'a> {
    /// Reads one byte as a field number and its wire type; `None` at the end of the message. A
    /// number above 15 takes more bytes. Its first byte matches no field that is known here.
    #[inline]
    fn tag(&mut self) -> Option<(u8, u8)> {
        let (tag, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some((tag >> 3, tag & 7))
    }

    #[inline]
    fn number(&mut self) -> Option<u64> {
        match self.rest {
            [small @ ..0x80, rest @ ..] => {
                self.rest = rest;
                Some((*small).into())
            }
            _ => decode_varint(&mut self.rest).ok(),
        }
    }

    /// A length, and so many bytes.
    #[inline]
    fn part(&mut self) -> Option<Self> {
        let length = usize::try_from(self.number()?).ok()?;
        let (part, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(Self { of: self.of, rest: part })
    }

    fn bytes(&self) -> Bytes {
        self.of.slice_ref(self.rest)
    }
}

/// Writes the answer to a get. Returns its length; `None`, and nothing written, for any other
/// message, and for one that may be longer than `to`.
pub(super) fn write(message: &SessionResponse, mut to: &mut [u8]) -> Option<usize> {
    /// Bytes beside the value: six tags, and six numbers of at most ten bytes.
    const BESIDE: usize = 6 + 6 * 10;

    let SessionResponse { id, answer: Some(Answer::Get(get)) } = message else { return None };
    let GetResponse { value, origin, ttl_ms, lent_ms } = get;
    let room = to.len();
    if value.len() + BESIDE > room {
        return None;
    }
    put(&mut to, (1, NUMBER), *id);
    // As long as it is, and it may be empty.
    to.put_u8(4 << 3 | BYTES);
    put_number(&mut to, get.encoded_len() as u64);
    put(&mut to, (1, BYTES), value.len() as u64);
    to.put_slice(value);
    put(&mut to, (2, NUMBER), i64::from(*origin) as u64);
    put(&mut to, (3, NUMBER), *ttl_ms);
    put(&mut to, (4, NUMBER), u64::from(*lent_ms));
    Some(room - to.len())
}

/// Writes a field's number, or length, unless it is 0.
fn put(to: &mut &mut [u8], (field, wire): (u8, u8), value: u64) {
    if value != 0 {
        to.put_u8(field << 3 | wire);
        put_number(to, value);
    }
}

fn put_number(to: &mut &mut [u8], value: u64) {
    match u8::try_from(value) {
        Ok(small @ ..0x80) => to.put_u8(small),
        _ => encode_varint(value, to),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Numbers of all lengths.
    fn some_number() -> impl Strategy<Value = u64> {
        (0..=64_u32, any::<u64>())
            .prop_map(|(bits, number)| number.checked_shr(bits).unwrap_or_default())
    }

    proptest! {
        #[test]
        fn a_get_is_read_as_by_prost(
            id in some_number(),
            timeout_ms in some_number(),
            (inline_bytes, until_ms) in (some_number(), some_number()),
            (group, key) in (".{0,9}", ".{0,200}"),
            may_lend: bool,
        ) {
            let get = GetRequest { group: group.into(), key: key.into(), may_lend };
            let request = SessionRequest {
                id,
                timeout_ms: timeout_ms as u32,
                inline_bytes,
                until_ms,
                call: Some(Call::Get(get)),
                ..SessionRequest::default()
            };
            prop_assert_eq!(read(&request.encode_to_vec().into()), Some(request));
        }

        /// Bytes that are almost a get: what is read at all is what prost reads.
        #[test]
        fn nothing_is_read_otherwise_than_by_prost(
            parts in proptest::collection::vec(
                prop_oneof![
                    Just(vec![8]), Just(vec![0x22]), Just(vec![0x0a, 1, b'g']),
                    Just(vec![0x12, 1, b'k']), Just(vec![0x18, 1]), Just(vec![0x22, 3, 0x0a, 1, b'g']),
                    Just(vec![0x80; 9]), proptest::collection::vec(any::<u8>(), 0..4),
                ],
                0..8,
            ),
        ) {
            let message = Bytes::from(parts.concat());
            if let Some(request) = read(&message) {
                prop_assert_eq!(SessionRequest::decode(message), Ok(request));
            }
        }

        #[test]
        fn an_answer_is_written_as_by_prost(
            (id, ttl_ms, lent_ms) in (some_number(), some_number(), any::<u32>()),
            origin in -1..6_i32,
            value in proptest::collection::vec(any::<u8>(), 0..300),
        ) {
            let get = GetResponse { value: value.into(), origin, ttl_ms, lent_ms };
            let message = SessionResponse { id, answer: Some(Answer::Get(get)) };
            let mut to = [0; 256];
            if let Some(length) = write(&message, &mut to) {
                prop_assert_eq!(&to[..length], message.encode_to_vec());
            } else {
                prop_assert!(message.encoded_len() > 190);
            }
        }
    }

    #[test]
    fn other_messages_are_left_to_prost() {
        let cancel = SessionRequest { id: 1, call: Some(Call::Cancel(1)), ..Default::default() };
        let traced = SessionRequest {
            traceparent: "00-1-2-01".into(),
            call: Some(Call::Get(GetRequest::default())),
            ..SessionRequest::default()
        };
        for request in [cancel, traced, SessionRequest::default()] {
            assert_eq!(read(&request.encode_to_vec().into()), None, "{request:?}");
        }
        let empty = SessionResponse { id: 1, answer: None };
        assert_eq!(write(&empty, &mut [0; 256]), None);
    }
}
