//! Gets that follow each other, as a pipeline has them. They are read by a shorter way than other
//! requests, and looked up together, so that they wait for memory together and share a look at
//! the clock.

use std::collections::VecDeque;
use std::time::Instant;

use super::command::Command;
use super::refused::Refused;
use super::reply::Reply;
use super::run::{Started, Target, found, load};
use super::visitor::Visitor;
use crate::group::Results;
use crate::key::{self, MAX_KEY_BYTES};

/// A get as clients send it, up to the length of its key.
const HEAD: &[u8; 14] = b"*2\r\n$3\r\nGET\r\n$";

/// The most digits of a key's length.
const DIGITS: usize = MAX_KEY_BYTES.ilog10() as usize + 1;

/// The gets at the beginning of what was received. It ends at the first request that is not whole, is
/// no get, has an invalid key, or is not written as [`HEAD`].
pub(super) struct Gets<'a> {
    rest: &'a [u8],
}

/// A get that was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Get<'a> {
    pub(super) key: &'a str,
    /// Length of the request.
    pub(super) length: usize,
}

impl<'a> Gets<'a> {
    pub(super) fn of(received: &'a [u8]) -> Self {
        Self { rest: received }
    }
}

impl<'a> Iterator for Gets<'a> {
    type Item = Get<'a>;

    fn next(&mut self) -> Option<Get<'a>> {
        let (head, rest) = self.rest.split_first_chunk()?;
        if head != HEAD && !head.eq_ignore_ascii_case(HEAD) {
            return None;
        }
        let digits = rest.iter().take(DIGITS).take_while(|byte| byte.is_ascii_digit()).count();
        let number = |value, digit: &u8| value * 10 + usize::from(digit - b'0');
        let bytes = rest[..digits].iter().fold(0, number);
        let (end_of_line, rest) = rest[digits..].split_first_chunk()?;
        let (key, rest) = rest.split_at_checked(bytes)?;
        let (end_of_key, rest) = rest.split_first_chunk()?;
        if [end_of_line, end_of_key] != [b"\r\n"; 2] {
            return None;
        }
        let key = key::parse(key).ok()?;
        let length = self.rest.len() - rest.len();
        self.rest = rest;
        Some(Get { key, length })
    }
}

/// Starts gets: those whose keys are in memory are looked up together and have an answer, a load of
/// each other key is started. Gives each to `take`, in order. `last` is when the command before has
/// ended; it is set to when the last of these was given to `take`, and each took its share of the
/// time between. The span of a traced one begins after the look-up.
pub(super) fn start<'a>(
    target: Target<'_>,
    visitor: &mut Visitor,
    gets: &[Get<'a>],
    last: &mut Instant,
    mut take: impl FnMut(&Get<'a>, Started),
) {
    let group = target.group;
    let mut keys = Vec::with_capacity(gets.len());
    let mut refused = VecDeque::new();
    for (at, get) in gets.iter().enumerate() {
        let command = Command::Get { key: get.key.as_bytes() };
        match visitor.admit(&command, group.name()) {
            Ok(()) => keys.push((get.key, group.parts().store.hash(get.key))),
            Err(refusal) => refused.push_back((at, refusal)),
        }
    }
    let mut held = keys.iter().zip(group.held_many(&keys));
    let mut results = Results::default();
    for (at, get) in gets.iter().enumerate() {
        if let Some((_, Refused(text))) = refused.pop_front_if(|(refused, _)| *refused == at) {
            take(get, Started::Now(Reply::Error(text)));
            continue;
        }
        let started = match held.next() {
            Some(((key, hash), Some(held))) => {
                let reply = group.used(key, *hash, held);
                target.span("GET").got(results.add(&reply));
                Started::Now(found(reply))
            }
            _ => load(target, get.key.as_bytes(), target.span("GET")),
        };
        take(get, started);
    }
    let now = Instant::now();
    let took = now.duration_since(std::mem::replace(last, now)) / gets.len().max(1) as u32;
    results.count(group.counters());
    results.time(group.counters(), took);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::server::redis::request::Decoder;

    fn gets(received: &[u8]) -> Vec<(&str, usize)> {
        Gets::of(received).map(|get| (get.key, get.length)).collect()
    }

    #[test]
    fn gets_are_read_up_to_what_is_something_else() {
        let get = "*2\r\n$3\r\ngEt\r\n$1\r\na\r\n";
        let long = format!("*2\r\n$3\r\nGET\r\n$1024\r\n{}\r\n", "k".repeat(1024));
        let two = format!("{get}{long}");
        let expected = [("a", 20), (&"k".repeat(1024)[..], long.len())];
        for rest in [
            "",
            "*1\r\n$4\r\nPING\r\n",
            "*2\r\n$3\r\nSET\r\n$1\r\na\r\n",
            "*2\r\n$3\r\nGET\r\n$0\r\n\r\n",
            "*2\r\n$3\r\nGET\r\n$1\r\na\r",
            "*2\r\n$3\r\nGET\r\n$1\r\nab\r\n",
            "*2\r\n$3\r\nGET\r\n$1025\r\n",
            "*2\r\n$3\r\nGET\r\n$99999999999999999999\r\n",
            "*2\r\n$3\r\nGET\r\n$-1\r\n",
            "*2\r\n$3\r\nGET\r\n$",
            "GET a\r\n",
        ] {
            assert_eq!(gets(format!("{two}{rest}").as_bytes()), expected, "{rest:?}");
        }
    }

    proptest! {
        /// What is read here is what the decoder of all requests reads.
        #[test]
        fn a_get_is_what_the_decoder_reads(
            parts in prop::collection::vec(prop::sample::select(&[
                "*2\r\n", "$3\r\n", "GET\r\n", "get\r\n", "$1\r\n", "$0\r\n", "$01\r\n", "a\r\n",
                "\r\n", "*", "\n", "ä\r\n", "$2\r\n", "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n",
            ][..]), 0..12),
        ) {
            let received = parts.concat().into_bytes();
            let (mut decoder, mut at) = (Decoder::new(1 << 20), 0);
            for get in Gets::of(&received) {
                let decoded = decoder.decode(&received[at..], true);
                prop_assert_eq!(decoded, Ok(Some(get.length)));
                let arguments = decoder.arguments(&received[at..]);
                prop_assert_eq!(arguments.len(), 2);
                prop_assert!(arguments.get(0).unwrap().eq_ignore_ascii_case(b"GET"));
                prop_assert_eq!(arguments.get(1), Some(get.key.as_bytes()));
                at += get.length;
            }
        }
    }
}
