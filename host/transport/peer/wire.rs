//! Between what nodes ask of each other and its messages.

use std::time::Duration;

use super::failure;
use crate::error::Error;
use crate::proto::{
    PeerClear, PeerDone, PeerGet, PeerGreet, PeerGreeted, PeerHandoff, PeerHandoffEntry,
    PeerLookup, PeerMissed, PeerNotHeld, PeerRemove, PeerRequest, PeerResponse, PeerSet, PeerValue,
    peer_request, peer_response,
};
use crate::telemetry::propagation;
use crate::transport::remote::{Call, HandedOver, RemoteError, Request, Response};
use crate::value::{Answer, Origin};

/// The service's name in traces.
pub(crate) const SERVICE: &str = "psycache.v1.Peer";

/// A request with a value above this many bytes goes by a call of its own, and an answer
/// in pieces of so many.
pub(crate) const LARGE_BYTES: usize = 64 << 10;

/// The longest message between nodes whose values have at most `max_value_bytes`: one
/// of them, what is handed over beside it, and what surrounds it. Room for a message is
/// made when its length is read, before the rest has come.
pub(crate) fn message_bytes(max_value_bytes: usize) -> usize {
    max_value_bytes.saturating_add(1 << 20)
}

/// Whether `request` would keep others on the stream waiting.
pub(super) fn is_large(request: &Request) -> bool {
    match &request.call {
        Call::Set { value, .. } => value.len() > LARGE_BYTES,
        Call::Handoff(entries) => {
            entries.iter().map(|e| e.value.len()).sum::<usize>() > LARGE_BYTES
        }
        Call::Get | Call::Lookup | Call::Remove | Call::Clear => false,
        Call::Missed { .. } | Call::Greet { .. } => false,
    }
}

/// The message of a request, which carries the trace of the current span.
pub(super) fn encode_request(request: Request, id: u64, within: Duration) -> PeerRequest {
    let call = match request.call {
        Call::Get => peer_request::Call::Get(PeerGet {}),
        Call::Lookup => peer_request::Call::Lookup(PeerLookup {}),
        Call::Remove => peer_request::Call::Remove(PeerRemove {}),
        Call::Clear => peer_request::Call::Clear(PeerClear {}),
        Call::Missed { node } => peer_request::Call::Missed(PeerMissed { node }),
        Call::Greet { from, leaving, process } => {
            peer_request::Call::Greet(PeerGreet { from, leaving, process })
        }
        Call::Set { value, ttl, seen } => {
            peer_request::Call::Set(PeerSet { value, ttl_ms: millis_or_none(ttl), seen })
        }
        Call::Handoff(entries) => {
            let entry = |entry: HandedOver| PeerHandoffEntry {
                key: entry.key,
                value: entry.value,
                ttl_ms: millis_or_none(entry.ttl),
            };
            let entries = entries.into_iter().map(entry).collect();
            peer_request::Call::Handoff(PeerHandoff { entries })
        }
    };
    PeerRequest {
        id,
        timeout_ms: millis(within).try_into().unwrap_or(u32::MAX),
        traceparent: propagation::current(),
        ring_version: request.ring_version,
        group: request.group,
        key: request.key,
        call: Some(call),
    }
}

/// The cancellation of the request `id`.
pub(super) fn cancellation(id: u64) -> PeerRequest {
    PeerRequest { call: Some(peer_request::Call::Cancel(id)), ..PeerRequest::default() }
}

/// The request and how long its asker waits; `None` if it asks for nothing that
/// this version knows.
pub(crate) fn decode_request(message: PeerRequest) -> Option<(Request, Duration)> {
    let call = match message.call? {
        peer_request::Call::Get(PeerGet {}) => Call::Get,
        peer_request::Call::Lookup(PeerLookup {}) => Call::Lookup,
        peer_request::Call::Remove(PeerRemove {}) => Call::Remove,
        peer_request::Call::Clear(PeerClear {}) => Call::Clear,
        peer_request::Call::Missed(PeerMissed { node }) => Call::Missed { node },
        peer_request::Call::Greet(PeerGreet { from, leaving, process }) => {
            Call::Greet { from, leaving, process }
        }
        peer_request::Call::Set(set) => {
            Call::Set { value: set.value, ttl: duration(set.ttl_ms), seen: set.seen }
        }
        peer_request::Call::Handoff(handoff) => {
            let entry = |entry: PeerHandoffEntry| HandedOver {
                key: entry.key,
                value: entry.value,
                ttl: duration(entry.ttl_ms),
            };
            Call::Handoff(handoff.entries.into_iter().map(entry).collect())
        }
        peer_request::Call::Cancel(_) => return None,
    };
    let request = Request {
        group: message.group,
        key: message.key,
        call,
        ring_version: message.ring_version,
    };
    Some((request, Duration::from_millis(message.timeout_ms.into())))
}

pub(crate) fn encode_response(id: u64, response: Result<Response, Error>) -> PeerResponse {
    let answer = match response {
        Ok(Response::Value(answer)) => peer_response::Answer::Value(PeerValue {
            value: answer.value.into(),
            ttl_ms: millis_or_none(answer.ttl),
        }),
        Ok(Response::NotHeld) => peer_response::Answer::NotHeld(PeerNotHeld {}),
        Ok(Response::Done { count, ring_version, seen, also, process }) => {
            peer_response::Answer::Done(PeerDone { count, ring_version, seen, also, process })
        }
        Ok(Response::Greeted { in_ring, process }) => {
            peer_response::Answer::Greeted(PeerGreeted { in_ring, process })
        }
        Ok(Response::Overtaken { seen }) => peer_response::Answer::Overtaken(seen),
        Err(error) => peer_response::Answer::Failure(failure::encode(error)),
    };
    PeerResponse { id, answer: Some(answer) }
}

/// Whether `response` goes over the stream in pieces.
pub(crate) fn is_large_answer(response: &PeerResponse) -> bool {
    piece_bytes(response) > LARGE_BYTES
}

/// Bytes of the value in `response`, or of its piece.
pub(super) fn piece_bytes(response: &PeerResponse) -> usize {
    match &response.answer {
        Some(peer_response::Answer::Value(value)) => value.value.len(),
        Some(peer_response::Answer::Piece(piece)) => piece.len(),
        _ => 0,
    }
}

/// The answer that came in `pieces`, with `last` as the last of them.
pub(super) fn joined(pieces: Vec<PeerResponse>, mut last: PeerResponse) -> PeerResponse {
    let bytes = pieces.iter().map(piece_bytes).sum::<usize>() + piece_bytes(&last);
    if let Some(peer_response::Answer::Value(value)) = &mut last.answer {
        let mut whole = Vec::with_capacity(bytes);
        for piece in pieces {
            if let Some(peer_response::Answer::Piece(piece)) = piece.answer {
                whole.extend_from_slice(&piece);
            }
        }
        whole.extend_from_slice(&value.value);
        value.value = whole.into();
    }
    last
}

pub(super) fn decode_response(message: PeerResponse) -> Result<Response, RemoteError> {
    match message.answer {
        Some(peer_response::Answer::Value(value)) => Ok(Response::Value(Answer {
            value: value.value.into(),
            origin: Origin::Peer,
            ttl: duration(value.ttl_ms),
        })),
        Some(peer_response::Answer::NotHeld(PeerNotHeld {})) => Ok(Response::NotHeld),
        Some(peer_response::Answer::Done(PeerDone {
            count,
            ring_version,
            seen,
            also,
            process,
        })) => Ok(Response::Done { count, ring_version, seen, also, process }),
        Some(peer_response::Answer::Greeted(PeerGreeted { in_ring, process })) => {
            Ok(Response::Greeted { in_ring, process })
        }
        Some(peer_response::Answer::Overtaken(seen)) => Ok(Response::Overtaken { seen }),
        Some(peer_response::Answer::Failure(failure)) => {
            Err(RemoteError::Answered(failure::decode(failure)))
        }
        Some(peer_response::Answer::Piece(_)) | None => Err(RemoteError::Unreachable(
            "it answered in a way that this version does not know".into(),
        )),
    }
}

/// Rounded up, so that a short time is not none.
fn millis(duration: Duration) -> u64 {
    duration.as_nanos().div_ceil(1_000_000).try_into().unwrap_or(u64::MAX)
}

fn millis_or_none(duration: Option<Duration>) -> u64 {
    duration.map_or(0, |duration| millis(duration).max(1))
}

fn duration(millis: u64) -> Option<Duration> {
    (millis > 0).then(|| Duration::from_millis(millis))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn requests_arrive_as_they_were() {
        let calls = [
            Call::Get,
            Call::Lookup,
            Call::Remove,
            Call::Clear,
            Call::Set { value: Bytes::from_static(b"1"), ttl: None, seen: 0 },
            Call::Set { value: Bytes::new(), ttl: Some(Duration::from_millis(7)), seen: 9 },
            Call::Missed { node: "b:1".into() },
            Call::Greet { from: "a:1".into(), leaving: true, process: 5 },
            Call::Handoff(vec![HandedOver {
                key: Bytes::from_static(b"k"),
                value: Bytes::from_static(b"v"),
                ttl: None,
            }]),
        ];
        for call in calls {
            let request = Request {
                group: Bytes::from_static(b"scores"),
                key: Bytes::from_static(b"Tom"),
                call,
                ring_version: 5,
            };
            let within = Duration::from_micros(1_500);
            let message = encode_request(request.clone(), 3, within);
            assert_eq!(decode_request(message), Some((request, Duration::from_millis(2))));
        }
        assert_eq!(decode_request(cancellation(3)), None);
    }

    #[test]
    fn answers_arrive_as_they_were() {
        let value = Answer {
            value: Bytes::from_static(b"630").into(),
            origin: Origin::Peer,
            ttl: Some(Duration::from_secs(1)),
        };
        let also = vec!["c:1".to_owned()];
        let done = Response::Done { count: 2, ring_version: 9, seen: 4, also, process: 3 };
        let overtaken = Response::Overtaken { seen: 4 };
        let greeted = Response::Greeted { in_ring: true, process: 7 };
        for response in [Response::Value(value), Response::NotHeld, done, overtaken, greeted] {
            let message = encode_response(1, Ok(response.clone()));
            assert!(!is_large_answer(&message));
            assert_eq!(decode_response(message), Ok(response));
        }
    }
}
