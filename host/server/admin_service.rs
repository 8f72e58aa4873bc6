//! The service `psycache.v1.Admin`, which operators call.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::future::BoxFuture;
use sha2::{Digest, Sha256};
use tonic::{Code, Request, Response, Status, Streaming};

use super::groups::Groups;
use super::limit::restated;
use super::status::status;
use crate::error::Error;
use crate::proto::admin_server::{Admin, SERVICE_NAME};
use crate::proto::swap_policy_request::Part;
use crate::proto::{
    ReloadRequest, ReloadResponse, StatusRequest, StatusResponse, SwapPolicyHeader,
    SwapPolicyRequest, SwapPolicyResponse,
};
use crate::telemetry::RpcSpan;
use crate::telemetry::propagation::Incoming;

/// The operations of the admin service. The node implements them, because only it has both
/// the groups and the plugins.
pub trait Operations: Send + Sync + 'static {
    /// The status of the node and its view of the cluster. Does not wait for a worker or
    /// for another node.
    fn status(&self) -> StatusResponse;

    /// Replaces the policy of an existing group, which keeps serving.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] with the argument `component`, `name` or
    /// `options` if the plugin can't be used. The old policy then stays.
    fn swap_policy(&self, swap: PolicySwap) -> BoxFuture<'_, Result<PolicySwapped, Error>>;

    /// Reads the settings again, and applies each setting that can change while the node runs.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] with the argument `settings` if they have a mistake. Nothing
    /// changes then.
    fn reload(&self) -> BoxFuture<'_, Result<Reloaded, Error>>;
}

/// What became of changed settings. They are named as in the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reloaded {
    /// Settings that are in effect now.
    pub changed: Vec<String>,
    /// Settings that take effect when the node is restarted.
    pub needs_restart: Vec<String>,
}

/// A request to replace the policy of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicySwap {
    /// Name of the group.
    pub group: String,
    /// Name in status and metrics. Without a component it names a built-in policy.
    pub name: String,
    /// The component, checked against its digest; `None` for the built-in policy `name`.
    pub component: Option<Bytes>,
    /// Names and values, sorted by name.
    pub options: Vec<(String, String)>,
}

/// The result of a swap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicySwapped {
    /// Entries handed to the new policy.
    pub entries: u64,
    /// How long the swap took.
    pub took: Duration,
}

pub(super) struct AdminService {
    pub(super) groups: Groups,
    pub(super) operations: Arc<dyn Operations>,
    pub(super) max_component_bytes: usize,
}

#[tonic::async_trait]
impl Admin for AdminService {
    async fn status(
        &self,
        request: Request<StatusRequest>,
    ) -> Result<Response<StatusResponse>, Status> {
        let incoming = || Incoming::in_metadata(request.metadata());
        let span = RpcSpan::serve(SERVICE_NAME, "Status", b"", incoming);
        span.record(async { Ok(Response::new(self.operations.status())) }, outcome).await
    }

    async fn swap_policy(
        &self,
        request: Request<Streaming<SwapPolicyRequest>>,
    ) -> Result<Response<SwapPolicyResponse>, Status> {
        let (metadata, _, mut parts) = request.into_parts();
        let first = parts.message().await.map_err(restated)?.and_then(|request| request.part);
        let Some(Part::Header(header)) = first else {
            return Err(status(&refused("header", "it must come first"), b""));
        };
        let incoming = || Incoming::in_metadata(&metadata);
        let span = RpcSpan::serve(SERVICE_NAME, "SwapPolicy", &header.group, incoming);
        span.record(self.swap(header, parts), outcome).await
    }

    async fn reload(
        &self,
        request: Request<ReloadRequest>,
    ) -> Result<Response<ReloadResponse>, Status> {
        let incoming = || Incoming::in_metadata(request.metadata());
        let span = RpcSpan::serve(SERVICE_NAME, "Reload", b"", incoming);
        let reload = async {
            let Reloaded { changed, needs_restart } =
                self.operations.reload().await.map_err(|error| status(&error, b""))?;
            Ok(Response::new(ReloadResponse { changed, needs_restart }))
        };
        span.record(reload, outcome).await
    }
}

impl AdminService {
    async fn swap(
        &self,
        header: SwapPolicyHeader,
        mut parts: Streaming<SwapPolicyRequest>,
    ) -> Result<Response<SwapPolicyResponse>, Status> {
        let group = header.group.clone();
        let told = |error: Error| status(&error, &group);
        let known = self.groups.of_request(&group).map_err(told)?;
        let name = known.name().to_owned();
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

/// What a span says of the end of a call.
fn outcome<T>(ended: &Result<T, Status>) -> (Code, String) {
    match ended {
        Ok(_) => (Code::Ok, String::new()),
        Err(status) => (status.code(), status.message().to_owned()),
    }
}

enum Refusal {
    Ours(Error),
    Transport(Status),
}

impl AdminService {
    /// Reads the bytes of the component; empty if none were sent.
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
