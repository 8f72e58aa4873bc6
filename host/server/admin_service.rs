//! `psycache.v1.Admin`: what operators ask of this node.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::future::BoxFuture;
use sha2::{Digest, Sha256};
use tonic::{Request, Response, Status, Streaming};

use super::groups::Groups;
use super::limit::restated;
use super::status::status;
use crate::error::Error;
use crate::proto::admin_server::Admin;
use crate::proto::swap_policy_request::Part;
use crate::proto::{
    StatusRequest, StatusResponse, SwapPolicyHeader, SwapPolicyRequest, SwapPolicyResponse,
};

/// What an operator may see and do. The node implements it, because only the node
/// knows both groups and plugins.
pub trait Operations: Send + Sync + 'static {
    /// The node as it sees itself and its cluster, read without waiting for
    /// anyone.
    fn status(&self) -> StatusResponse;

    /// Replaces the policy of a group that exists while it serves.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] with the argument `component`, `name` or
    /// `options` for a plugin that can't be used; the old policy stays.
    fn swap_policy(&self, swap: PolicySwap) -> BoxFuture<'_, Result<PolicySwapped, Error>>;
}

/// A policy that an operator sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicySwap {
    /// The group that gets it.
    pub group: String,
    /// What it is called in status and metrics; a built-in's name if there is no
    /// component.
    pub name: String,
    /// The component, checked against its digest; `None`: the built-in `name`.
    pub component: Option<Bytes>,
    /// Name and value, in the order of the names.
    pub options: Vec<(String, String)>,
}

/// What a swap did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicySwapped {
    /// Entries handed to the new policy.
    pub entries: u64,
    /// From the old policy's last step to the new one's first.
    pub took: Duration,
}

pub(super) struct AdminService {
    pub(super) groups: Groups,
    pub(super) operations: Arc<dyn Operations>,
    pub(super) max_component_bytes: usize,
}

#[tonic::async_trait]
impl Admin for AdminService {
    async fn status(&self, _: Request<StatusRequest>) -> Result<Response<StatusResponse>, Status> {
        Ok(Response::new(self.operations.status()))
    }

    async fn swap_policy(
        &self,
        request: Request<Streaming<SwapPolicyRequest>>,
    ) -> Result<Response<SwapPolicyResponse>, Status> {
        let mut parts = request.into_inner();
        let first = parts.message().await.map_err(restated)?.and_then(|request| request.part);
        let Some(Part::Header(header)) = first else {
            return Err(status(&refused("header", "it must come first"), b""));
        };
        let group = header.group.clone();
        let told = |error: Error| status(&error, &group);
        let known = self.groups.of_request(&group).map_err(told)?;
        let name = known.config().name.clone();
        let component = self.component(&mut parts).await.map_err(|refusal| match refusal {
            Refusal::Ours(error) => told(error),
            Refusal::Transport(status) => restated(status),
        })?;
        let swap = checked(name, header, component).map_err(told)?;
        let swapped = self.operations.swap_policy(swap).await.map_err(told)?;
        Ok(Response::new(SwapPolicyResponse {
            entries: swapped.entries,
            duration_ms: swapped.took.as_millis() as u64,
        }))
    }
}

enum Refusal {
    Ours(Error),
    Transport(Status),
}

impl AdminService {
    /// The component's bytes; none if none were sent.
    async fn component(
        &self,
        parts: &mut Streaming<SwapPolicyRequest>,
    ) -> Result<BytesMut, Refusal> {
        let mut component = BytesMut::new();
        while let Some(request) = parts.message().await.map_err(Refusal::Transport)? {
            let Some(Part::Component(part)) = request.part else {
                let problem = "only parts of the component may follow the header";
                return Err(Refusal::Ours(refused("component", problem)));
            };
            component.extend_from_slice(&part);
            if component.len() > self.max_component_bytes {
                return Err(Refusal::Ours(Error::TooLarge {
                    bytes: component.len() as u64,
                    limit: self.max_component_bytes as u64,
                    what: "the longest component that this node takes",
                }));
            }
        }
        Ok(component)
    }
}

fn checked(
    group: String,
    header: SwapPolicyHeader,
    component: BytesMut,
) -> Result<PolicySwap, Error> {
    let built_in = component.is_empty();
    if header.name.is_empty() {
        return Err(refused("name", "it is empty; name a built-in or the component's file"));
    }
    if built_in != header.sha256.is_empty() {
        let problem = "it goes with a component, and only with one; a built-in has neither";
        return Err(refused("sha256", problem));
    }
    if !built_in {
        let digest = hexadecimal(&Sha256::digest(&component));
        if !digest.eq_ignore_ascii_case(&header.sha256) {
            let problem = format!("the component that arrived has {digest}; send it again");
            return Err(refused("sha256", problem));
        }
    }
    let mut options: Vec<_> = header.options.into_iter().collect();
    options.sort();
    let component = (!built_in).then(|| component.freeze());
    Ok(PolicySwap { group, name: header.name, component, options })
}

fn refused(argument: &'static str, problem: impl Into<String>) -> Error {
    Error::InvalidArgument { argument, problem: problem.into() }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string can't fail");
        text
    })
}
