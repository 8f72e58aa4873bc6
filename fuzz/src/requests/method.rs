//! The methods of a node, and what each takes and gives.

use arbitrary::{Arbitrary, Result, Unstructured};
use bytes::Bytes;
use prost::Message;
use psycache::proto::{
    ClearRequest, ClearResponse, GetManyRequest, GetManyResponse, GetRequest, GetResponse,
    PeerRequest, PeerResponse, RemoveManyRequest, RemoveManyResponse, RemoveRequest,
    RemoveResponse, SessionRequest, SessionResponse, SetManyRequest, SetManyResponse, SetRequest,
    SetResponse, StatusRequest, StatusResponse, SwapPolicyRequest, SwapPolicyResponse,
};

/// A method of one of the services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    GetMany,
    Set,
    SetMany,
    Remove,
    RemoveMany,
    Clear,
    Session,
    Exchange,
    Call,
    Status,
    SwapPolicy,
    Check,
    Watch,
    Reflection,
    Unknown,
}

const ALL: [Method; 16] = [
    Method::Get,
    Method::GetMany,
    Method::Set,
    Method::SetMany,
    Method::Remove,
    Method::RemoveMany,
    Method::Clear,
    Method::Session,
    Method::Exchange,
    Method::Call,
    Method::Status,
    Method::SwapPolicy,
    Method::Check,
    Method::Watch,
    Method::Reflection,
    Method::Unknown,
];

impl<'a> Arbitrary<'a> for Method {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        u.choose(&ALL).copied()
    }
}

fn is<M: Message + Default>(bytes: Bytes) -> bool {
    M::decode(bytes).is_ok()
}

impl Method {
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Get => "/psycache.v1.Cache/Get",
            Self::GetMany => "/psycache.v1.Cache/GetMany",
            Self::Set => "/psycache.v1.Cache/Set",
            Self::SetMany => "/psycache.v1.Cache/SetMany",
            Self::Remove => "/psycache.v1.Cache/Remove",
            Self::RemoveMany => "/psycache.v1.Cache/RemoveMany",
            Self::Clear => "/psycache.v1.Cache/Clear",
            Self::Session => "/psycache.v1.Cache/Session",
            Self::Exchange => "/psycache.v1.Peer/Exchange",
            Self::Call => "/psycache.v1.Peer/Call",
            Self::Status => "/psycache.v1.Admin/Status",
            Self::SwapPolicy => "/psycache.v1.Admin/SwapPolicy",
            Self::Check => "/grpc.health.v1.Health/Check",
            Self::Watch => "/grpc.health.v1.Health/Watch",
            Self::Reflection => "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
            Self::Unknown => "/psycache.v1.Cache/Reboot",
        }
    }

    /// Whether its service can read `request`. Of the services that are not this
    /// project's nothing is said.
    pub(super) fn takes(self, request: Bytes) -> bool {
        match self {
            Self::Get => is::<GetRequest>(request),
            Self::GetMany => is::<GetManyRequest>(request),
            Self::Set => is::<SetRequest>(request),
            Self::SetMany => is::<SetManyRequest>(request),
            Self::Remove => is::<RemoveRequest>(request),
            Self::RemoveMany => is::<RemoveManyRequest>(request),
            Self::Clear => is::<ClearRequest>(request),
            Self::Session => is::<SessionRequest>(request),
            Self::Exchange | Self::Call => is::<PeerRequest>(request),
            Self::Status => is::<StatusRequest>(request),
            Self::SwapPolicy => is::<SwapPolicyRequest>(request),
            Self::Check | Self::Watch | Self::Reflection | Self::Unknown => false,
        }
    }

    /// Whether `answer` is what its contract promises.
    pub(super) fn gives(self, answer: Bytes) -> bool {
        match self {
            Self::Get => is::<GetResponse>(answer),
            Self::GetMany => is::<GetManyResponse>(answer),
            Self::Set => is::<SetResponse>(answer),
            Self::SetMany => is::<SetManyResponse>(answer),
            Self::Remove => is::<RemoveResponse>(answer),
            Self::RemoveMany => is::<RemoveManyResponse>(answer),
            Self::Clear => is::<ClearResponse>(answer),
            Self::Session => SessionResponse::decode(answer).is_ok_and(|it| it.answer.is_some()),
            Self::Exchange | Self::Call => {
                PeerResponse::decode(answer).is_ok_and(|it| it.answer.is_some())
            }
            Self::Status => is::<StatusResponse>(answer),
            Self::SwapPolicy => is::<SwapPolicyResponse>(answer),
            Self::Check | Self::Watch | Self::Reflection => true,
            Self::Unknown => false,
        }
    }

    /// Whether it takes as many messages as there are.
    pub(super) fn is_streaming(self) -> bool {
        matches!(self, Self::Session | Self::Exchange | Self::SwapPolicy | Self::Reflection)
    }
}
