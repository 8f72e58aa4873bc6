//! Decodes requests: arrays of bulk strings, as clients send them, or lines, as people type them.
//!
//! The arguments are slices of the connection's buffer, and a request that is not whole yet is
//! resumed where it ended.

use std::ops::Range;

use super::line;

/// The longest line, as in Redis.
const LONGEST_LINE: usize = 64 << 10;

/// The most arguments of a request, as in Redis.
const MOST_ARGUMENTS: i64 = 1 << 20;

/// The most arguments of a request of a client that has not said who it is, and the longest of
/// them, as in Redis.
const STRANGERS_ARGUMENTS: i64 = 10;
const STRANGERS_BYTES: usize = 16 << 10;

/// The longest header: a marker, a sign, 19 digits and the end of the line.
const LONGEST_HEADER: usize = 24;

/// A request that no request can follow: it is not known where it ends.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Malformed {
    #[error("Protocol error: invalid multibulk length")]
    Count,
    #[error("Protocol error: invalid bulk length")]
    Length,
    #[error("Protocol error: expected '$', got '{}'", .0.escape_ascii())]
    Marker(u8),
    #[error("Protocol error: an argument does not end where its length says")]
    End,
    #[error("Protocol error: too big inline request")]
    Line,
    #[error("Protocol error: unbalanced quotes in request")]
    Quotes,
    #[error("Protocol error: unauthenticated multibulk length; send AUTH with a token first")]
    StrangersCount,
    #[error("Protocol error: unauthenticated bulk length; send AUTH with a token first")]
    StrangersLength,
    #[error("Protocol error: the request is longer than {0} bytes, which is the limit")]
    Long(usize),
}

/// The decoder of one connection.
#[derive(Debug)]
pub(super) struct Decoder {
    /// The most bytes of one request.
    most_bytes: usize,
    /// Where the arguments are.
    parts: Vec<Range<usize>>,
    /// Arguments that are still to come; `None` if the header is.
    missing: Option<usize>,
    /// Bytes of the request that are decoded, or searched for the end of a line.
    at: usize,
    /// The arguments of a line, without quotes.
    line: Vec<u8>,
    is_line: bool,
}

/// The arguments of a request. The first is the name of the command.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arguments<'a> {
    bytes: &'a [u8],
    parts: &'a [Range<usize>],
}

impl<'a> Arguments<'a> {
    pub(super) fn len(&self) -> usize {
        self.parts.len()
    }

    pub(super) fn get(&self, at: usize) -> Option<&'a [u8]> {
        self.parts.get(at).map(|part| &self.bytes[part.clone()])
    }

    /// All but the first `count`.
    pub(super) fn skip(self, count: usize) -> Self {
        Self { bytes: self.bytes, parts: self.parts.get(count..).unwrap_or_default() }
    }

    pub(super) fn iter(self) -> impl ExactSizeIterator<Item = &'a [u8]> {
        self.parts.iter().map(move |part| &self.bytes[part.clone()])
    }
}

impl Decoder {
    /// A decoder of requests of at most `most_bytes`.
    pub(super) fn new(most_bytes: usize) -> Self {
        Self {
            most_bytes,
            parts: Vec::new(),
            missing: None,
            at: 0,
            line: Vec::new(),
            is_line: false,
        }
    }

    /// Decodes the request at the beginning of `input`. Returns its length, or `None` if it is
    /// not whole; the next call must then have the same input with more behind it. Only a client
    /// that `is_known` may send a long one.
    pub(super) fn decode(
        &mut self,
        input: &[u8],
        is_known: bool,
    ) -> Result<Option<usize>, Malformed> {
        let mut missing = match self.missing {
            Some(missing) => missing,
            None => match input.first() {
                None => return Ok(None),
                Some(b'*') => match self.begin(input, is_known)? {
                    Some(count) => count,
                    None => return Ok(None),
                },
                Some(_) => return self.decode_line(input),
            },
        };
        while missing > 0 {
            self.missing = Some(missing);
            if !self.decode_argument(input, is_known)? {
                return Ok(None);
            }
            missing -= 1;
        }
        self.missing = None;
        Ok(Some(std::mem::take(&mut self.at)))
    }

    /// Whether no part of a request is decoded.
    pub(super) fn is_between(&self) -> bool {
        self.missing.is_none() && self.at == 0
    }

    /// The arguments of the request that was decoded last from the beginning of `input`.
    pub(super) fn arguments<'a>(&'a self, input: &'a [u8]) -> Arguments<'a> {
        let bytes = if self.is_line { &self.line } else { input };
        Arguments { bytes, parts: &self.parts }
    }

    /// Gives back what a long request took.
    pub(super) fn shrink(&mut self) {
        self.parts.clear();
        self.parts.shrink_to(8);
        self.line = Vec::new();
    }

    /// Decodes the header of an array, and returns the number of its arguments.
    fn begin(&mut self, input: &[u8], is_known: bool) -> Result<Option<usize>, Malformed> {
        let Some((count, end)) = number(input, 0).ok_or(Malformed::Count)? else {
            return Ok(None);
        };
        if count > MOST_ARGUMENTS {
            return Err(Malformed::Count);
        }
        if count > STRANGERS_ARGUMENTS && !is_known {
            return Err(Malformed::StrangersCount);
        }
        (self.at, self.is_line) = (end, false);
        self.parts.clear();
        // Redis skips an array of no or fewer arguments, too.
        Ok(Some(usize::try_from(count).unwrap_or(0)))
    }

    /// Whether the next argument is whole.
    fn decode_argument(&mut self, input: &[u8], is_known: bool) -> Result<bool, Malformed> {
        match input.get(self.at) {
            None => return Ok(false),
            Some(b'$') => {}
            Some(other) => return Err(Malformed::Marker(*other)),
        }
        let Some((length, begin)) = number(input, self.at).ok_or(Malformed::Length)? else {
            return Ok(false);
        };
        let length = usize::try_from(length).map_err(|_| Malformed::Length)?;
        if length > STRANGERS_BYTES && !is_known {
            return Err(Malformed::StrangersLength);
        }
        let end = begin.saturating_add(length);
        if end > self.most_bytes {
            return Err(Malformed::Long(self.most_bytes));
        }
        match input.get(end..end + 2) {
            None => Ok(false),
            Some(b"\r\n") => {
                self.parts.push(begin..end);
                self.at = end + 2;
                Ok(true)
            }
            Some(_) => Err(Malformed::End),
        }
    }

    fn decode_line(&mut self, input: &[u8]) -> Result<Option<usize>, Malformed> {
        let searched = &input[self.at..input.len().min(LONGEST_LINE)];
        let Some(end) = searched.iter().position(|byte| *byte == b'\n') else {
            self.at += searched.len();
            return if self.at < LONGEST_LINE { Ok(None) } else { Err(Malformed::Line) };
        };
        let end = std::mem::take(&mut self.at) + end;
        let text = input[..end].strip_suffix(b"\r").unwrap_or(&input[..end]);
        self.parts.clear();
        self.line.clear();
        self.is_line = true;
        line::split(text, &mut self.line, &mut self.parts).ok_or(Malformed::Quotes)?;
        Ok(Some(end + 1))
    }
}

/// The number in the header at `at`, and where the header ends. `None`: it is none;
/// `Some(None)`: it is not whole.
fn number(input: &[u8], at: usize) -> Option<Option<(i64, usize)>> {
    let mut value = 0_i64;
    let (mut digits, mut is_negative) = (0, false);
    for (place, byte) in input.iter().enumerate().skip(at + 1).take(LONGEST_HEADER) {
        match byte {
            b'0'..=b'9' => {
                value = value.checked_mul(10)?.checked_add(i64::from(byte - b'0'))?;
                digits += 1;
            }
            b'-' if place == at + 1 => is_negative = true,
            b'\r' if digits > 0 => {
                let value = if is_negative { -value } else { value };
                return match input.get(place + 1) {
                    None => Some(None),
                    Some(b'\n') => Some(Some((value, place + 2))),
                    Some(_) => None,
                };
            }
            _ => return None,
        }
    }
    (input.len() <= at + LONGEST_HEADER).then_some(None)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MOST: usize = 1 << 20;

    /// Decodes all of `input`, which arrives in pieces of `step` bytes.
    fn requests(input: &[u8], step: usize) -> Result<Vec<Vec<Vec<u8>>>, Malformed> {
        let (mut decoder, mut requests) = (Decoder::new(MOST), Vec::new());
        let (mut at, mut come) = (0, 0);
        loop {
            match decoder.decode(&input[at..come], true)? {
                Some(length) => {
                    let arguments = decoder.arguments(&input[at..come]);
                    requests.push(arguments.iter().map(<[u8]>::to_vec).collect());
                    at += length;
                }
                None if come == input.len() => return Ok(requests),
                None => come = input.len().min(come + step),
            }
        }
    }

    fn array(arguments: &[&[u8]]) -> Vec<u8> {
        let mut bytes = format!("*{}\r\n", arguments.len()).into_bytes();
        for argument in arguments {
            bytes.extend(format!("${}\r\n", argument.len()).bytes());
            bytes.extend_from_slice(argument);
            bytes.extend(b"\r\n");
        }
        bytes
    }

    #[test]
    fn requests_are_the_same_wherever_they_are_cut() {
        let binary: Vec<u8> = (0..=255).collect();
        let mut input = array(&[b"SET", b"k", &binary]);
        input.extend(b"PING\r\n\r\n*0\r\n*-1\r\nset \"a b\" 'c'\n");
        input.extend(array(&[b"GET", b""]));
        let whole = requests(&input, input.len()).unwrap();
        assert_eq!(whole.len(), 7);
        assert_eq!(whole[0], [b"SET".to_vec(), b"k".to_vec(), binary]);
        assert_eq!(whole[5], [&b"set"[..], b"a b", b"c"]);
        assert_eq!(whole[6], [&b"GET"[..], b""]);
        for step in 1..input.len() {
            assert_eq!(requests(&input, step).unwrap(), whole, "in pieces of {step}");
        }
    }

    #[test]
    fn a_length_that_lies_ends_it() {
        for (input, problem) in [
            (&b"*2147483648\r\n"[..], Malformed::Count),
            (b"*1048577\r\n", Malformed::Count),
            (b"*99999999999999999999\r\n", Malformed::Count),
            (b"*\r\n", Malformed::Count),
            (b"*+1\r\n", Malformed::Count),
            (b"*1\n$4\nPING\n", Malformed::Count),
            (b"*1\r\n$2147483648\r\n", Malformed::Long(MOST)),
            (b"*1\r\n$9223372036854775807\r\n", Malformed::Long(MOST)),
            (b"*1\r\n$-1\r\n", Malformed::Length),
            (b"*1\r\n$1x\r\n", Malformed::Length),
            (b"*1\r\n$3\r\nPING\r\n", Malformed::End),
            (b"*1\r\n*1\r\n*1\r\n", Malformed::Marker(b'*')),
            (b"*1\r\n:1\r\n", Malformed::Marker(b':')),
            (b"SET \"a\r\n", Malformed::Quotes),
            (b"SET \"a\"b\r\n", Malformed::Quotes),
        ] {
            assert_eq!(requests(input, 1), Err(problem), "{}", input.escape_ascii());
        }
    }

    #[test]
    fn a_stranger_may_send_what_says_who_it_is() {
        let decode = |input: &[u8]| Decoder::new(MOST).decode(input, false);
        let token = [b't'; STRANGERS_BYTES];
        let auth = array(&[b"HELLO", b"3", b"AUTH", b"default", &token, b"SETNAME", b"name"]);
        assert_eq!(decode(&auth), Ok(Some(auth.len())));
        assert_eq!(decode(b"*10\r\n$16384\r\n"), Ok(None));
        assert_eq!(decode(b"*11\r\n"), Err(Malformed::StrangersCount));
        assert_eq!(decode(b"*3\r\n$16385\r\n"), Err(Malformed::StrangersLength));
    }

    #[test]
    fn a_line_without_an_end_is_refused_at_its_limit() {
        let line = vec![b'a'; LONGEST_LINE];
        assert_eq!(requests(&line[1..], 1000), Ok(vec![]));
        assert_eq!(requests(&line, 1000), Err(Malformed::Line));
        let digits = [&b"*"[..], &[b'0'; LONGEST_HEADER]].concat();
        assert_eq!(requests(&digits, 1), Err(Malformed::Count));
    }

    proptest! {
        #[test]
        fn what_was_encoded_is_decoded(
            all in prop::collection::vec(
                prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 1..6), 0..6),
            step in 1_usize..50,
        ) {
            let encode = |request: &Vec<Vec<u8>>| {
                array(&request.iter().map(Vec::as_slice).collect::<Vec<_>>())
            };
            let input: Vec<u8> = all.iter().flat_map(encode).collect();
            prop_assert_eq!(requests(&input, step).unwrap(), all);
        }

        #[test]
        fn any_bytes_are_decoded_the_same_in_pieces(
            input in prop::collection::vec(
                prop::sample::select(&b"*$0123-\r\n\"' aGET\\x"[..]), 0..60),
            step in 1_usize..20,
        ) {
            prop_assert_eq!(requests(&input, step), requests(&input, input.len().max(1)));
        }
    }
}
