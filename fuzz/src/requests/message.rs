//! One message of a call: any bytes, or a request that somebody might send.

use arbitrary::{Arbitrary, Result, Unstructured};
use bytes::Bytes;
use prost::Message as _;
use psycache::proto::peer_request::Call;
use psycache::proto::session_request::Call as CacheCall;
use psycache::proto::swap_policy_request::Part;
use psycache::proto::{
    ClearRequest, GetManyRequest, GetRequest, PeerClear, PeerGet, PeerHandover, PeerHandoverEntry,
    PeerHello, PeerInherit, PeerJoin, PeerMember, PeerRemove, PeerRequest, PeerSet, PeerView,
    PeerVouch, RemoveManyRequest, RemoveRequest, SessionRequest, SetEntry, SetManyRequest,
    SetRequest, SwapPolicyHeader, SwapPolicyRequest,
};

use super::method::Method;

/// What one frame of a call carries.
#[derive(Debug)]
pub(super) enum Message {
    Bytes { flag: u8, bytes: Vec<u8> },
    Cache(Cache),
    InSession { id: u8, timeout_ms: u8, call: Option<Cache> },
    Peer { id: u8, timeout_ms: u8, group: Group, key: Key, call: Option<Peer> },
    Swap { group: Group, name: String, sha256: String, option: Option<(String, String)> },
    Component { bytes: Vec<u8>, times: u8 },
}

#[derive(Debug)]
pub(super) enum Cache {
    Get(Group, Key),
    GetMany(Group, Vec<Key>, Times),
    Set(Group, Key, Value),
    SetMany(Group, Vec<(Key, Value)>),
    Remove(Group, Key),
    RemoveMany(Group, Vec<Key>, Times),
    Clear(Group),
    Cancel(u8),
}

#[derive(Debug)]
pub(super) enum Peer {
    Get,
    Inherit,
    Set(Value),
    Remove,
    Clear,
    Handover(Address, Vec<(Key, Value)>),
    Hello(Address),
    Join(Address, Vec<Address>),
    Vouch(Address),
    Cancel(u8),
}

/// Of a node, as it says.
#[derive(Debug)]
pub(super) enum Address {
    /// It could be one.
    Good(u8),
    Other(Vec<u8>),
}

/// How often the keys of a call for many are repeated.
#[derive(Debug)]
pub(super) enum Times {
    Once,
    Often(u8),
    /// Beyond what a call may name.
    TooOften,
}

#[derive(Debug)]
pub(super) struct Value {
    length: u16,
    ttl_ms: u64,
}

#[derive(Debug)]
pub(super) enum Group {
    Scores,
    Notes,
    Other(Vec<u8>),
}

#[derive(Debug)]
pub(super) enum Key {
    Numbered(u8),
    /// One of those that the data source knows.
    Special(u8),
    Long(u16),
    Other(Vec<u8>),
}

impl<'a> Arbitrary<'a> for Cache {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(match u.int_in_range(0..=16)? {
            0..=4 => Self::Get(u.arbitrary()?, u.arbitrary()?),
            5 | 6 => Self::GetMany(u.arbitrary()?, u.arbitrary()?, u.arbitrary()?),
            7..=10 => Self::Set(u.arbitrary()?, u.arbitrary()?, u.arbitrary()?),
            11 | 12 => Self::Remove(u.arbitrary()?, u.arbitrary()?),
            13 => Self::RemoveMany(u.arbitrary()?, u.arbitrary()?, u.arbitrary()?),
            14 => Self::Clear(u.arbitrary()?),
            16 => Self::SetMany(u.arbitrary()?, u.arbitrary()?),
            _ => Self::Cancel(u.arbitrary()?),
        })
    }
}

impl<'a> Arbitrary<'a> for Address {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(if u.ratio(3, 4)? { Self::Good(u.arbitrary()?) } else { Self::Other(u.arbitrary()?) })
    }
}

impl<'a> Arbitrary<'a> for Peer {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(match u.int_in_range(0..=12)? {
            0..=2 => Self::Get,
            3 => Self::Inherit,
            4 | 5 => Self::Set(u.arbitrary()?),
            6 => Self::Remove,
            7 => Self::Clear,
            8 => Self::Handover(u.arbitrary()?, u.arbitrary()?),
            9 => Self::Hello(u.arbitrary()?),
            10 => Self::Join(u.arbitrary()?, u.arbitrary()?),
            11 => Self::Vouch(u.arbitrary()?),
            _ => Self::Cancel(u.arbitrary()?),
        })
    }
}

impl<'a> Arbitrary<'a> for Times {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(match u.int_in_range(0..=15)? {
            0 => Self::TooOften,
            1 | 2 => Self::Often(u.arbitrary()?),
            _ => Self::Once,
        })
    }
}

impl<'a> Arbitrary<'a> for Value {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let ttl_ms = if u.ratio(1, 4)? { u.arbitrary()? } else { 0 };
        Ok(Self { length: u.arbitrary()?, ttl_ms })
    }
}

impl<'a> Arbitrary<'a> for Group {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(match u.int_in_range(0..=7)? {
            0 => Self::Other(u.arbitrary()?),
            1 => Self::Notes,
            _ => Self::Scores,
        })
    }
}

impl<'a> Arbitrary<'a> for Key {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(match u.int_in_range(0..=7)? {
            0 => Self::Other(u.arbitrary()?),
            1 => Self::Long(u.arbitrary()?),
            2..=4 => Self::Special(u.arbitrary()?),
            _ => Self::Numbered(u.arbitrary()?),
        })
    }
}

const SPECIAL: [&str; 11] = [
    "missing",
    "down",
    "forbidden",
    "unusable",
    "late",
    "broken",
    "panics",
    "never",
    "large",
    "larger",
    "slow",
];

impl Message {
    /// One that a client of `method` may send.
    pub(super) fn of(method: Method, u: &mut Unstructured<'_>) -> Result<Self> {
        if u.ratio(1, 8)? {
            let flag = if u.ratio(1, 4)? { u.arbitrary()? } else { 0 };
            return Ok(Self::Bytes { flag, bytes: u.arbitrary()? });
        }
        Ok(match method {
            Method::Session => {
                let (id, timeout_ms) = (u.arbitrary()?, brief(u)?);
                Self::InSession { id, timeout_ms, call: u.arbitrary()? }
            }
            Method::Exchange | Method::Call => {
                let (id, timeout_ms) = (u.arbitrary()?, brief(u)?);
                let (group, key, call) = u.arbitrary()?;
                Self::Peer { id, timeout_ms, group, key, call }
            }
            Method::SwapPolicy if u.arbitrary()? => {
                let (group, name, sha256, option) = u.arbitrary()?;
                Self::Swap { group, name, sha256, option }
            }
            Method::SwapPolicy => {
                let (bytes, times) = u.arbitrary()?;
                Self::Component { bytes, times }
            }
            _ => Self::Cache(u.arbitrary()?),
        })
    }

    pub(super) fn flag(&self) -> u8 {
        match self {
            Self::Bytes { flag, .. } => *flag,
            _ => 0,
        }
    }

    pub(super) fn payload(&self) -> Bytes {
        let encoded = match self {
            Self::Bytes { bytes, .. } => bytes.clone(),
            Self::Cache(call) => match call.encode() {
                CacheCall::Get(call) => call.encode_to_vec(),
                CacheCall::GetMany(call) => call.encode_to_vec(),
                CacheCall::Set(call) => call.encode_to_vec(),
                CacheCall::SetMany(call) => call.encode_to_vec(),
                CacheCall::Remove(call) => call.encode_to_vec(),
                CacheCall::RemoveMany(call) => call.encode_to_vec(),
                CacheCall::Clear(call) => call.encode_to_vec(),
                CacheCall::Cancel(_) | CacheCall::Clock(_) => Vec::new(),
            },
            Self::InSession { id, timeout_ms, call } => SessionRequest {
                id: (*id).into(),
                timeout_ms: (*timeout_ms).into(),
                traceparent: String::new(),
                inline_bytes: 0,
                until_ms: 0,
                call: call.as_ref().map(Cache::encode),
            }
            .encode_to_vec(),
            Self::Peer { id, timeout_ms, group, key, call } => PeerRequest {
                id: (*id).into(),
                timeout_ms: (*timeout_ms).into(),
                traceparent: String::new(),
                cluster: 0,
                revision: 1,
                group: group.bytes(),
                key: key.bytes(),
                call: call.as_ref().map(Peer::encode),
            }
            .encode_to_vec(),
            Self::Swap { group, name, sha256, option } => {
                let options = option.iter().cloned().collect();
                let (name, sha256, group) = (name.clone(), sha256.clone(), group.bytes());
                let header = SwapPolicyHeader { group, name, sha256, options };
                SwapPolicyRequest { part: Some(Part::Header(header)) }.encode_to_vec()
            }
            Self::Component { bytes, times } => {
                let bytes = bytes.repeat((*times).into()).into();
                SwapPolicyRequest { part: Some(Part::Component(bytes)) }.encode_to_vec()
            }
        };
        encoded.into()
    }
}

/// Seldom so brief that a call has no chance.
fn brief(u: &mut Unstructured<'_>) -> Result<u8> {
    if u.ratio(1, 4)? { u.arbitrary() } else { Ok(u8::MAX) }
}

impl Cache {
    fn encode(&self) -> CacheCall {
        match self {
            Self::Get(group, key) => CacheCall::Get(GetRequest {
                group: group.bytes(),
                key: key.bytes(),
                may_lend: false,
            }),
            Self::GetMany(group, keys, times) => {
                CacheCall::GetMany(GetManyRequest { group: group.bytes(), keys: times.of(keys) })
            }
            Self::Set(group, key, value) => CacheCall::Set(SetRequest {
                group: group.bytes(),
                key: key.bytes(),
                value: value.bytes(),
                ttl_ms: value.ttl_ms,
                no_expiry: value.has_no_expiry(),
            }),
            Self::SetMany(group, entries) => {
                let entry = |(key, value): &(Key, Value)| SetEntry {
                    key: key.bytes(),
                    value: value.bytes(),
                    ttl_ms: value.ttl_ms,
                    no_expiry: value.has_no_expiry(),
                };
                let entries = entries.iter().map(entry).collect();
                CacheCall::SetMany(SetManyRequest { group: group.bytes(), entries })
            }
            Self::Remove(group, key) => {
                CacheCall::Remove(RemoveRequest { group: group.bytes(), key: key.bytes() })
            }
            Self::RemoveMany(group, keys, times) => CacheCall::RemoveMany(RemoveManyRequest {
                group: group.bytes(),
                keys: times.of(keys),
            }),
            Self::Clear(group) => CacheCall::Clear(ClearRequest { group: group.bytes() }),
            Self::Cancel(id) => CacheCall::Cancel((*id).into()),
        }
    }
}

impl Peer {
    fn encode(&self) -> Call {
        match self {
            Self::Get => Call::Get(PeerGet {}),
            Self::Inherit => Call::Inherit(PeerInherit { name: 1 }),
            Self::Set(value) => {
                let (ttl_ms, no_expiry) = (value.ttl_ms, value.has_no_expiry());
                Call::Set(PeerSet { value: value.bytes(), ttl_ms, no_expiry, version: 0 })
            }
            Self::Remove => Call::Remove(PeerRemove {}),
            Self::Clear => Call::Clear(PeerClear {}),
            Self::Handover(from, entries) => {
                let entry = |(key, value): &(Key, Value)| PeerHandoverEntry {
                    key: key.bytes(),
                    value: value.bytes(),
                    ttl_ms: value.ttl_ms,
                };
                let entries = entries.iter().map(entry).collect();
                Call::Handover(PeerHandover { entries, from: from.text(), name: 1 })
            }
            Self::Hello(from) => Call::Hello(PeerHello { from: from.text(), digest: 1 }),
            Self::Join(from, members) => {
                let member = |address: &Address| PeerMember {
                    address: address.text(),
                    weight: u32::MAX,
                    name: 1,
                    lease: 1,
                    ..PeerMember::default()
                };
                let members = members.iter().map(member).collect();
                let view = PeerView { cluster: 0, revision: i64::MAX, members };
                Call::Join(PeerJoin { from: from.text(), name: 1, view: Some(view) })
            }
            Self::Vouch(from) => Call::Vouch(PeerVouch { from: from.text(), name: 1, cluster: 0 }),
            Self::Cancel(id) => Call::Cancel((*id).into()),
        }
    }
}

impl Address {
    fn text(&self) -> String {
        match self {
            Self::Good(host) => format!("127.0.0.{host}:7400"),
            Self::Other(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        }
    }
}

impl Times {
    fn of(&self, keys: &[Key]) -> Vec<Bytes> {
        let times = match self {
            Self::Once => 1,
            Self::Often(times) => (*times).into(),
            Self::TooOften => 10_000 / keys.len().max(1) + 1,
        };
        let keys: Vec<Bytes> = keys.iter().map(Key::bytes).collect();
        keys.iter().cycle().take(keys.len() * times).cloned().collect()
    }
}

impl Value {
    /// Now and then both a limit and none, which is refused.
    fn has_no_expiry(&self) -> bool {
        self.length % 8 == 7
    }

    fn bytes(&self) -> Bytes {
        Bytes::from(vec![1; self.length.into()])
    }
}

impl Group {
    fn bytes(&self) -> Bytes {
        match self {
            Self::Scores => Bytes::from_static(b"scores"),
            Self::Notes => Bytes::from_static(b"notes"),
            Self::Other(bytes) => bytes.clone().into(),
        }
    }
}

impl Key {
    fn bytes(&self) -> Bytes {
        match self {
            Self::Numbered(number) => format!("key {number}").into(),
            Self::Special(pick) => SPECIAL[usize::from(*pick) % SPECIAL.len()].into(),
            Self::Long(length) => vec![b'k'; usize::from(*length % 1100)].into(),
            Self::Other(bytes) => bytes.clone().into(),
        }
    }
}
