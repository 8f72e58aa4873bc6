//! What each method needs: a method of the protocol that is not here fails the test.

use bytes::Bytes;
use prost::Message;
use psycache::access::Role;
use psycache::proto::session_request::Call;
use psycache::proto::{
    ClearRequest, GetManyRequest, GetRequest, ListShadowsRequest, RecordRequest, RemoveManyRequest,
    RemoveRequest, SessionRequest, SetEntry, SetManyRequest, SetRequest, ShadowHeader,
    StartShadowRequest, StopShadowRequest, SwapPolicyHeader, SwapPolicyRequest, TryPolicyHeader,
    TryPolicyRequest, start_shadow_request, swap_policy_request, try_policy_request,
};

use super::GROUP;

/// What a caller needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Needs {
    Nothing,
    /// To be in the file.
    Account,
    Group(Role),
    Node(Role),
    /// To be another node.
    Peer,
}

impl Needs {
    /// Whether a caller with this role for the groups of this pattern has it; `None` for one that
    /// is not in the file.
    pub(super) fn has(self, caller: Option<(Role, &str)>) -> bool {
        let is_role = |needed: Role, role: Role| {
            role == needed || needed == Role::Metrics && role == Role::Admin
        };
        match (self, caller) {
            (Self::Nothing, _) | (Self::Account, Some(_)) => true,
            (Self::Peer, _) | (_, None) => false,
            (Self::Group(needed), Some((role, pattern))) => {
                is_role(needed, role) && ["*", "scores-*", "scores-1"].contains(&pattern)
            }
            (Self::Node(needed), Some((role, pattern))) => is_role(needed, role) && pattern == "*",
        }
    }
}

/// A method, what it needs, and a message for [`GROUP`].
pub(super) type Method = (&'static str, Needs, Vec<u8>);

/// Every method of every service.
pub(super) fn methods() -> Vec<Method> {
    let (read, write) = (Needs::Group(Role::Read), Needs::Group(Role::Write));
    let (admin, node) = (Needs::Group(Role::Admin), Needs::Node(Role::Admin));
    let session = SessionRequest { call: Some(get()), ..SessionRequest::default() };
    let group = || Bytes::from_static(GROUP.as_bytes());
    let list = ListShadowsRequest { group: group() };
    vec![
        ("psycache.v1.Cache/Get", read, message(&get())),
        ("psycache.v1.Cache/GetMany", read, message(&get_many())),
        ("psycache.v1.Cache/Set", write, message(&set())),
        ("psycache.v1.Cache/SetMany", write, message(&set_many())),
        ("psycache.v1.Cache/Remove", write, message(&remove())),
        ("psycache.v1.Cache/RemoveMany", write, message(&remove_many())),
        ("psycache.v1.Cache/Clear", Needs::Group(Role::Clear), message(&clear())),
        ("psycache.v1.Cache/Session", Needs::Account, session.encode_to_vec()),
        ("psycache.v1.Admin/Status", node, Vec::new()),
        ("psycache.v1.Admin/SwapPolicy", admin, swap()),
        ("psycache.v1.Admin/TryPolicy", admin, try_out()),
        ("psycache.v1.Admin/Reload", node, Vec::new()),
        ("psycache.v1.Admin/StartShadow", admin, shadow()),
        ("psycache.v1.Admin/ListShadows", admin, list.encode_to_vec()),
        ("psycache.v1.Admin/ListShadows", node, Vec::new()),
        (
            "psycache.v1.Admin/Record",
            admin,
            RecordRequest { group: group(), for_ms: 1, ..RecordRequest::default() }.encode_to_vec(),
        ),
        (
            "psycache.v1.Admin/StopShadow",
            admin,
            StopShadowRequest { group: group() }.encode_to_vec(),
        ),
        ("psycache.v1.Peer/Exchange", Needs::Peer, Vec::new()),
        ("psycache.v1.Peer/Call", Needs::Peer, Vec::new()),
        ("grpc.health.v1.Health/Check", Needs::Nothing, Vec::new()),
        ("grpc.health.v1.Health/Watch", Needs::Nothing, Vec::new()),
        ("grpc.reflection.v1.ServerReflection/ServerReflectionInfo", Needs::Account, Vec::new()),
        (
            "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
            Needs::Account,
            Vec::new(),
        ),
    ]
}

/// The calls of a session.
pub(super) fn calls() -> Vec<(Needs, Call)> {
    let (read, write) = (Needs::Group(Role::Read), Needs::Group(Role::Write));
    vec![
        (read, get()),
        (read, get_many()),
        (write, set()),
        (write, set_many()),
        (write, remove()),
        (write, remove_many()),
        (Needs::Group(Role::Clear), clear()),
    ]
}

fn group() -> Bytes {
    Bytes::from_static(GROUP.as_bytes())
}

fn key() -> Bytes {
    Bytes::from_static(b"Ada")
}

fn get() -> Call {
    Call::Get(GetRequest { group: group(), key: key(), may_lend: false })
}

fn get_many() -> Call {
    Call::GetMany(GetManyRequest { group: group(), keys: vec![key()] })
}

fn set() -> Call {
    Call::Set(SetRequest { group: group(), key: key(), value: key(), ..SetRequest::default() })
}

fn set_many() -> Call {
    let entries = vec![SetEntry { key: key(), value: key(), ..SetEntry::default() }];
    Call::SetMany(SetManyRequest { group: group(), entries })
}

fn remove() -> Call {
    Call::Remove(RemoveRequest { group: group(), key: key() })
}

fn remove_many() -> Call {
    Call::RemoveMany(RemoveManyRequest { group: group(), keys: vec![key()] })
}

fn clear() -> Call {
    Call::Clear(ClearRequest { group: group() })
}

/// The message of a call outside of a session.
fn message(call: &Call) -> Vec<u8> {
    match call {
        Call::Get(call) => call.encode_to_vec(),
        Call::GetMany(call) => call.encode_to_vec(),
        Call::Set(call) => call.encode_to_vec(),
        Call::SetMany(call) => call.encode_to_vec(),
        Call::Remove(call) => call.encode_to_vec(),
        Call::RemoveMany(call) => call.encode_to_vec(),
        Call::Clear(call) => call.encode_to_vec(),
        Call::Cancel(_) | Call::Clock(_) => panic!("a session only"),
    }
}

fn header() -> SwapPolicyHeader {
    SwapPolicyHeader { group: group(), name: "lru".into(), ..SwapPolicyHeader::default() }
}

fn swap() -> Vec<u8> {
    let part = Some(swap_policy_request::Part::Header(header()));
    SwapPolicyRequest { part }.encode_to_vec()
}

fn try_out() -> Vec<u8> {
    let header = TryPolicyHeader { swap: Some(header()), better_by: 0.5, for_ms: 1 };
    TryPolicyRequest { part: Some(try_policy_request::Part::Header(header)) }.encode_to_vec()
}

fn shadow() -> Vec<u8> {
    let header = ShadowHeader { group: group(), capacities: vec![1.0], keep_ms: 1 };
    let part = Some(start_shadow_request::Part::Header(header));
    StartShadowRequest { part }.encode_to_vec()
}
