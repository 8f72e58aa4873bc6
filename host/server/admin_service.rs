//! The service `psycache.v1.Admin`, which operators call.

use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request, Response, Status, Streaming};

use super::groups::Groups;
use super::health::Health;
use super::limit::restated;
use super::record_calls;
use super::sent_policy::{PolicySwap, Refusal, checked, grow, refused};
use super::shadow_calls::{self, GroupShadow, ShadowStart};
use super::status::status;
use super::trial_calls::{self, PolicyTrial, TrialNews};
use crate::error::Error;
use crate::proto::admin_server::{Admin, SERVICE_NAME};
use crate::proto::swap_policy_request::Part;
use crate::proto::{
    ListShadowsRequest, ListShadowsResponse, RecordRequest, RecordResponse, ReloadRequest,
    ReloadResponse, StartShadowRequest, StartShadowResponse, StatusRequest, StatusResponse,
    StopShadowRequest, StopShadowResponse, SwapPolicyHeader, SwapPolicyRequest, SwapPolicyResponse,
    TryPolicyRequest, TryPolicyResponse,
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

    /// Tries a policy for an existing group. What happens is told until its end. A caller
    /// who drops the receiver ends the trial, unless it has swapped.
    ///
    /// # Errors
    /// As [`swap_policy`](Self::swap_policy), and [`Error::Unavailable`] while another swap runs.
    fn try_policy(
        &self,
        trial: PolicyTrial,
    ) -> BoxFuture<'_, Result<mpsc::Receiver<TrialNews>, Error>>;

    /// Reads the settings again, and applies each setting that can change while the node runs.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] with the argument `settings` if they have a mistake. Nothing
    /// changes then.
    fn reload(&self) -> BoxFuture<'_, Result<Reloaded, Error>>;

    /// Starts a shadow of an existing group. One that it has ends.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] with the argument `policy`, `capacity`, `component`, `name` or
    /// `options`. A shadow that the group has goes on then.
    fn start_shadow(&self, start: ShadowStart) -> BoxFuture<'_, Result<(), Error>>;

    /// The shadows that run, by the name of their group.
    fn shadows(&self) -> Vec<GroupShadow>;

    /// Ends the shadow of a group. Returns whether there was one.
    fn stop_shadow(&self, group: &str) -> bool;
}

/// What became of changed settings. They are named as in the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reloaded {
    /// Settings that are in effect now.
    pub changed: Vec<String>,
    /// Settings that take effect when the node is restarted.
    pub needs_restart: Vec<String>,
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
    pub(super) health: Arc<Health>,
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

    type TryPolicyStream = BoxStream<'static, Result<TryPolicyResponse, Status>>;

    async fn try_policy(
        &self,
        request: Request<Streaming<TryPolicyRequest>>,
    ) -> Result<Response<Self::TryPolicyStream>, Status> {
        let (metadata, _, parts) = request.into_parts();
        let incoming = || Incoming::in_metadata(&metadata);
        let span = RpcSpan::serve(SERVICE_NAME, "TryPolicy", b"", incoming);
        span.record(self.try_out(parts), outcome).await
    }

    type RecordStream = BoxStream<'static, Result<RecordResponse, Status>>;

    async fn record(
        &self,
        request: Request<RecordRequest>,
    ) -> Result<Response<Self::RecordStream>, Status> {
        let (metadata, _, request) = request.into_parts();
        let incoming = || Incoming::in_metadata(&metadata);
        let span = RpcSpan::serve(SERVICE_NAME, "Record", &request.group, incoming);
        let record = async {
            let parts = record_calls::record(&self.groups, request)?;
            // A node that stops does not wait for it.
            Ok(Response::new(parts.take_until(self.health.draining()).boxed()))
        };
        span.record(record, outcome).await
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

    async fn start_shadow(
        &self,
        request: Request<Streaming<StartShadowRequest>>,
    ) -> Result<Response<StartShadowResponse>, Status> {
        let (metadata, _, parts) = request.into_parts();
        let incoming = || Incoming::in_metadata(&metadata);
        let span = RpcSpan::serve(SERVICE_NAME, "StartShadow", b"", incoming);
        span.record(self.shadow(parts), outcome).await
    }

    async fn list_shadows(
        &self,
        request: Request<ListShadowsRequest>,
    ) -> Result<Response<ListShadowsResponse>, Status> {
        let group = &request.get_ref().group;
        let incoming = || Incoming::in_metadata(request.metadata());
        let span = RpcSpan::serve(SERVICE_NAME, "ListShadows", group, incoming);
        let list = async {
            if !group.is_empty() {
                self.groups.of_request(group).map_err(|error| status(&error, group))?;
            }
            let mut shadows = self.operations.shadows();
            shadows.retain(|shadow| group.is_empty() || shadow.group.as_bytes() == *group);
            let shadows = shadows.into_iter().map(shadow_calls::shown).collect();
            Ok(Response::new(ListShadowsResponse { shadows }))
        };
        span.record(list, outcome).await
    }

    async fn stop_shadow(
        &self,
        request: Request<StopShadowRequest>,
    ) -> Result<Response<StopShadowResponse>, Status> {
        let group = &request.get_ref().group;
        let incoming = || Incoming::in_metadata(request.metadata());
        let span = RpcSpan::serve(SERVICE_NAME, "StopShadow", group, incoming);
        let stop = async {
            let known = self.groups.of_request(group).map_err(|error| status(&error, group))?;
            let stopped = self.operations.stop_shadow(known.name());
            Ok(Response::new(StopShadowResponse { stopped }))
        };
        span.record(stop, outcome).await
    }
}

impl AdminService {
    async fn try_out(
        &self,
        parts: Streaming<TryPolicyRequest>,
    ) -> Result<Response<BoxStream<'static, Result<TryPolicyResponse, Status>>>, Status> {
        let trial = trial_calls::read(parts, &self.groups, self.max_component_bytes).await?;
        let group = trial.swap.group.clone();
        let news = self.operations.try_policy(trial).await;
        let news = news.map_err(|error| status(&error, group.as_bytes()))?;
        let told = ReceiverStream::new(news).map(trial_calls::told).map(Ok);
        // A node that stops does not wait for it.
        Ok(Response::new(told.take_until(self.health.draining()).boxed()))
    }

    async fn shadow(
        &self,
        parts: Streaming<StartShadowRequest>,
    ) -> Result<Response<StartShadowResponse>, Status> {
        let start = shadow_calls::read(parts, &self.groups, self.max_component_bytes).await?;
        let group = start.group.clone();
        let started = self.operations.start_shadow(start).await;
        started.map_err(|error| status(&error, group.as_bytes()))?;
        Ok(Response::new(StartShadowResponse {}))
    }

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
        let SwapPolicyHeader { name: policy, sha256, options, .. } = header;
        let swap = checked(name, policy, &sha256, options, component).map_err(told)?;
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
            grow(&mut component, &part, self.max_component_bytes).map_err(Refusal::Ours)?;
        }
        Ok(component)
    }
}
