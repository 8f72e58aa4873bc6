//! Converts the calls and answers between nodes to protobuf messages, and back.

use std::time::Duration;

use bytes::Bytes;

use super::failure;
use crate::error::Error;
use crate::membership::view::{Entry, Member, View};
use crate::proto::{
    PeerAcked, PeerClear, PeerDone, PeerGet, PeerHandover, PeerHandoverEntry, PeerHello,
    PeerIdentity, PeerInherit, PeerJoin, PeerMany, PeerManyAnswers, PeerMember, PeerNotHeld,
    PeerNotHolder, PeerPart, PeerRemove, PeerRequest, PeerResponse, PeerSet, PeerValue, PeerView,
    PeerVouch, peer_part, peer_request, peer_response,
};
use crate::telemetry::propagation;
use crate::transport::remote::{
    HandedOver, Hello, Identity, Part, PeerCall, RemoteError, Request, Response,
};
use crate::value::{Answer, Origin, Ttl};

/// The service's name in traces.
pub(crate) const SERVICE: &str = "psycache.v1.Peer";

/// A request with more bytes of values is sent as a unary call of its own. A larger
/// answer is sent in pieces of this size.
pub(crate) const LARGE_BYTES: usize = 64 << 10;

/// The longest message between nodes whose values have at most `max_value_bytes`: one
/// such value, entries that are handed over beside it, and the encoding. The limit
/// matters because a receiver allocates a message as soon as it has read the length.
pub(crate) fn message_bytes(max_value_bytes: usize) -> usize {
    max_value_bytes.saturating_add(1 << 20)
}

/// Whether `request` is so large that it would delay others on the stream.
pub(super) fn is_large(request: &Request) -> bool {
    match &request.call {
        PeerCall::Set { value, .. } => value.len() > LARGE_BYTES,
        PeerCall::Handover { entries, .. } => {
            entries.iter().map(|e| e.value.len()).sum::<usize>() > LARGE_BYTES
        }
        PeerCall::Many { parts, .. } => {
            let sets = parts.iter().filter_map(|part| match &part.call {
                PeerCall::Set { value, .. } => Some(value.len()),
                _ => None,
            });
            sets.sum::<usize>() > LARGE_BYTES
        }
        PeerCall::Get | PeerCall::Inherit { .. } | PeerCall::Remove | PeerCall::Clear => false,
        PeerCall::Hello(_) | PeerCall::Join { .. } | PeerCall::Vouch { .. } => false,
    }
}

/// The message of a request, which carries the trace of the current span.
pub(super) fn encode_request(request: Request, id: u64, within: Duration) -> PeerRequest {
    let call = match request.call {
        PeerCall::Get => peer_request::Call::Get(PeerGet {}),
        PeerCall::Inherit { name } => peer_request::Call::Inherit(PeerInherit { name }),
        PeerCall::Remove => peer_request::Call::Remove(PeerRemove {}),
        PeerCall::Clear => peer_request::Call::Clear(PeerClear {}),
        PeerCall::Hello(Hello { from, digest }) => {
            peer_request::Call::Hello(PeerHello { from, digest })
        }
        PeerCall::Join { from, name, view } => {
            peer_request::Call::Join(PeerJoin { from, name, view: Some(encode_view(view)) })
        }
        PeerCall::Vouch { from, name, cluster } => {
            peer_request::Call::Vouch(PeerVouch { from, name, cluster })
        }
        PeerCall::Set { value, ttl, version } => {
            peer_request::Call::Set(encode_set(value, ttl, version))
        }
        PeerCall::Many { parts, most_bytes } => {
            let parts = parts.into_iter().map(encode_part).collect();
            peer_request::Call::Many(PeerMany { parts, most_bytes })
        }
        PeerCall::Handover { from, name, entries } => {
            let entry = |entry: HandedOver| PeerHandoverEntry {
                key: entry.key,
                value: entry.value,
                ttl_ms: millis_or_none(entry.ttl),
            };
            let entries = entries.into_iter().map(entry).collect();
            peer_request::Call::Handover(PeerHandover { entries, from, name })
        }
    };
    PeerRequest {
        id,
        timeout_ms: millis(within).try_into().unwrap_or(u32::MAX),
        traceparent: propagation::current(),
        revision: request.revision,
        cluster: request.cluster,
        group: request.group,
        key: request.key,
        call: Some(call),
    }
}

fn encode_part(part: Part) -> PeerPart {
    let call = match part.call {
        PeerCall::Get => Some(peer_part::Call::Get(PeerGet {})),
        PeerCall::Remove => Some(peer_part::Call::Remove(PeerRemove {})),
        PeerCall::Set { value, ttl, version } => {
            Some(peer_part::Call::Set(encode_set(value, ttl, version)))
        }
        // No other call may be a part. The callee refuses it.
        _ => None,
    };
    PeerPart { key: part.key, call }
}

fn decode_part(part: PeerPart) -> Option<Part> {
    let call = match part.call? {
        peer_part::Call::Get(PeerGet {}) => PeerCall::Get,
        peer_part::Call::Remove(PeerRemove {}) => PeerCall::Remove,
        peer_part::Call::Set(set) => decode_set(set),
    };
    Some(Part { key: part.key, call })
}

fn encode_set(value: Bytes, ttl: Ttl, version: u64) -> PeerSet {
    let ttl_ms = match ttl {
        Ttl::For(ttl) => millis_or_none(Some(ttl)),
        Ttl::OfGroup | Ttl::NoLimit => 0,
    };
    PeerSet { value, ttl_ms, no_expiry: ttl == Ttl::NoLimit, version }
}

fn decode_set(set: PeerSet) -> PeerCall {
    let ttl = if set.no_expiry { Ttl::NoLimit } else { duration(set.ttl_ms).into() };
    PeerCall::Set { value: set.value, ttl, version: set.version }
}

/// The cancellation of the request `id`.
pub(super) fn cancellation(id: u64) -> PeerRequest {
    PeerRequest { call: Some(peer_request::Call::Cancel(id)), ..PeerRequest::default() }
}

/// The request, and how long its caller waits; `None` if this version does not know the
/// call.
pub(crate) fn decode_request(message: PeerRequest) -> Option<(Request, Duration)> {
    let call = match message.call? {
        peer_request::Call::Get(PeerGet {}) => PeerCall::Get,
        peer_request::Call::Inherit(PeerInherit { name }) => PeerCall::Inherit { name },
        peer_request::Call::Remove(PeerRemove {}) => PeerCall::Remove,
        peer_request::Call::Clear(PeerClear {}) => PeerCall::Clear,
        peer_request::Call::Hello(PeerHello { from, digest }) => {
            PeerCall::Hello(Hello { from, digest })
        }
        peer_request::Call::Join(PeerJoin { from, name, view }) => {
            PeerCall::Join { from, name, view: decode_view(view?) }
        }
        peer_request::Call::Vouch(PeerVouch { from, name, cluster }) => {
            PeerCall::Vouch { from, name, cluster }
        }
        peer_request::Call::Set(set) => decode_set(set),
        peer_request::Call::Many(PeerMany { parts, most_bytes }) => {
            let parts = parts.into_iter().map(decode_part).collect::<Option<_>>()?;
            PeerCall::Many { parts, most_bytes }
        }
        peer_request::Call::Handover(PeerHandover { entries, from, name }) => {
            let entry = |entry: PeerHandoverEntry| HandedOver {
                key: entry.key,
                value: entry.value,
                ttl: duration(entry.ttl_ms),
            };
            PeerCall::Handover { from, name, entries: entries.into_iter().map(entry).collect() }
        }
        peer_request::Call::Cancel(_) => return None,
    };
    let PeerRequest { group, key, cluster, revision, .. } = message;
    let request = Request { group, key, call, cluster, revision };
    Some((request, Duration::from_millis(message.timeout_ms.into())))
}

pub(crate) fn encode_response(id: u64, response: Result<Response, Error>) -> PeerResponse {
    let answer = match response {
        Ok(Response::Value { answer, lent_ms }) => peer_response::Answer::Value(PeerValue {
            stale: answer.origin == Origin::Stale,
            value: answer.value.into(),
            ttl_ms: millis_or_none(answer.ttl),
            lent_ms: u32::try_from(lent_ms).unwrap_or(u32::MAX),
        }),
        Ok(Response::NotHeld) => peer_response::Answer::NotHeld(PeerNotHeld {}),
        Ok(Response::Done { count, version, name }) => {
            peer_response::Answer::Done(PeerDone { count, version, name })
        }
        Ok(Response::NotHolder { reason, view }) => {
            let view = view.map(encode_view);
            peer_response::Answer::NotHolder(PeerNotHolder { reason, view })
        }
        Ok(Response::Acked { joined, identity }) => {
            let identity = Some(encode_identity(identity));
            peer_response::Answer::Acked(PeerAcked { joined, identity })
        }
        Ok(Response::Vouched { name }) => peer_response::Answer::Vouched(name),
        Ok(Response::Identity(identity)) => {
            peer_response::Answer::Identity(encode_identity(identity))
        }
        Ok(Response::Many(answers)) => {
            let answers = answers.into_iter().map(|answer| encode_response(0, answer));
            peer_response::Answer::Many(PeerManyAnswers { answers: answers.collect() })
        }
        Ok(Response::Overtaken { version }) => peer_response::Answer::Overtaken(version),
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
        Some(peer_response::Answer::Value(PeerValue { value, ttl_ms, lent_ms, stale })) => {
            let ttl = duration(ttl_ms);
            let origin = if stale { Origin::Stale } else { Origin::Peer };
            let answer = Answer { value: value.into(), origin, ttl };
            Ok(Response::Value { answer, lent_ms: lent_ms.into() })
        }
        Some(peer_response::Answer::NotHeld(PeerNotHeld {})) => Ok(Response::NotHeld),
        Some(peer_response::Answer::Done(PeerDone { count, version, name })) => {
            Ok(Response::Done { count, version, name })
        }
        Some(peer_response::Answer::NotHolder(PeerNotHolder { reason, view })) => {
            Ok(Response::NotHolder { reason, view: view.map(decode_view) })
        }
        Some(peer_response::Answer::Acked(PeerAcked { joined, identity })) => {
            let identity = decode_identity(identity.unwrap_or_default());
            Ok(Response::Acked { joined, identity })
        }
        Some(peer_response::Answer::Vouched(name)) => Ok(Response::Vouched { name }),
        Some(peer_response::Answer::Identity(identity)) => {
            Ok(Response::Identity(decode_identity(identity)))
        }
        Some(peer_response::Answer::Many(PeerManyAnswers { answers })) => {
            let answers = answers.into_iter().map(|answer| match decode_response(answer) {
                Ok(response) => Ok(response),
                Err(RemoteError::Answered(error)) => Err(error),
                Err(RemoteError::Unreachable(reason)) => Err(Error::Internal(reason)),
                Err(late @ RemoteError::Late) => Err(Error::Internal(late.to_string())),
            });
            Ok(Response::Many(answers.collect()))
        }
        Some(peer_response::Answer::Overtaken(version)) => Ok(Response::Overtaken { version }),
        Some(peer_response::Answer::Failure(failure)) => {
            Err(RemoteError::Answered(failure::decode(failure)))
        }
        Some(peer_response::Answer::Piece(_)) | None => Err(RemoteError::Unreachable(
            "it answered in a way that this version does not know".into(),
        )),
    }
}

fn encode_view(view: View) -> PeerView {
    let member = |member: Member| PeerMember {
        address: member.entry.address,
        weight: member.entry.weight,
        version: member.entry.version,
        started: member.entry.started,
        lease_ttl_ms: member.entry.lease_ttl_ms,
        clients: member.entry.clients,
        name: member.name,
        lease: member.lease,
    };
    PeerView {
        cluster: view.cluster,
        revision: view.revision,
        members: view.members.into_values().map(member).collect(),
    }
}

fn decode_view(view: PeerView) -> View {
    let member = |member: PeerMember| {
        let PeerMember { address, weight, version, started, lease_ttl_ms, clients, name, lease } =
            member;
        let entry = Entry { address, weight, version, started, lease_ttl_ms, clients };
        (entry.address.as_str().into(), Member { entry, name, lease })
    };
    let members = view.members.into_iter().map(member).collect();
    View { cluster: view.cluster, revision: view.revision, members }
}

fn encode_identity(identity: Identity) -> PeerIdentity {
    let Identity { process, address, name, digest } = identity;
    PeerIdentity { process, address, name, digest }
}

fn decode_identity(identity: PeerIdentity) -> Identity {
    let PeerIdentity { process, address, name, digest } = identity;
    Identity { process, address, name, digest }
}

/// Rounded up, so that a short time does not become zero.
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

    fn view() -> View {
        let member = Member { entry: Entry::own("b:1", 2), name: 8, lease: 9 };
        View { cluster: 6, revision: 5, ..View::default() }.with(8, member)
    }

    #[test]
    fn requests_arrive_as_they_were() {
        let calls = [
            PeerCall::Get,
            PeerCall::Inherit { name: 7 },
            PeerCall::Remove,
            PeerCall::Clear,
            PeerCall::Set { value: Bytes::from_static(b"1"), ttl: Ttl::OfGroup, version: 0 },
            PeerCall::Set { value: Bytes::new(), ttl: Ttl::NoLimit, version: 0 },
            PeerCall::Set { value: Bytes::new(), ttl: Duration::from_millis(7).into(), version: 9 },
            PeerCall::Many {
                parts: vec![
                    Part { key: Bytes::from_static(b"Tom"), call: PeerCall::Get },
                    Part { key: Bytes::from_static(b"Sam"), call: PeerCall::Remove },
                ],
                most_bytes: 9,
            },
            PeerCall::Hello(Hello { from: "a:1".into(), digest: 5 }),
            PeerCall::Join { from: "a:1".into(), name: 7, view: view() },
            PeerCall::Vouch { from: "a:1".into(), name: 7, cluster: 6 },
            PeerCall::Handover {
                from: "a:1".into(),
                name: 7,
                entries: vec![HandedOver {
                    key: Bytes::from_static(b"k"),
                    value: Bytes::from_static(b"v"),
                    ttl: None,
                }],
            },
        ];
        for call in calls {
            let request = Request {
                group: Bytes::from_static(b"scores"),
                key: Bytes::from_static(b"Tom"),
                call,
                cluster: 6,
                revision: 5,
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
        let identity = Identity { process: 3, address: "b:1".into(), name: 8, digest: 9 };
        let stale = Answer { origin: Origin::Stale, ..value.clone() };
        for response in [
            Response::Value { answer: value, lent_ms: 7 },
            Response::Value { answer: stale, lent_ms: 0 },
            Response::NotHeld,
            Response::Done { count: 2, version: 4, name: 9 },
            Response::Overtaken { version: 4 },
            Response::NotHolder { reason: "why".into(), view: None },
            Response::NotHolder { reason: "why".into(), view: Some(view()) },
            Response::Acked { joined: true, identity: identity.clone() },
            Response::Vouched { name: 8 },
            Response::Many(vec![Ok(Response::NotHeld), Err(Error::NotFound)]),
            Response::Identity(identity),
        ] {
            let message = encode_response(1, Ok(response.clone()));
            assert!(!is_large_answer(&message));
            assert_eq!(decode_response(message), Ok(response));
        }
    }
}
