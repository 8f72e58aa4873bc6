//! The service `psycache.v1.Admin`, which operators call.
//!
//! Each call asks who calls before it reads anything, checks the role once the group is known,
//! and records what it changed.

use std::sync::Arc;

use bytes::Bytes;
use futures::stream::{BoxStream, Stream, StreamExt};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request, Response, Status, Streaming};

use super::callers::{Callers, Guest};
use super::groups::Groups;
use super::health::Health;
use super::lasting::lasting;
use super::limit::restated;
use super::operations::{Operations, Reloaded};
use super::record_calls;
use super::recorded::{recorded, told};
use super::sent_policy::{self, refused};
use super::shadow_calls;
use super::status::status;
use super::trial_calls;
use crate::access::{Audited, Role};
use crate::proto::admin_server::{Admin, SERVICE_NAME};
use crate::proto::swap_policy_request::Part;
use crate::proto::{
    ListShadowsRequest, ListShadowsResponse, RecordRequest, RecordResponse, ReloadRequest,
    ReloadResponse, StartShadowRequest, StartShadowResponse, StatusRequest, StatusResponse,
    StopShadowRequest, StopShadowResponse, SwapPolicyRequest, SwapPolicyResponse, TryPolicyRequest,
    TryPolicyResponse,
};
use crate::telemetry::RpcSpan;
use crate::telemetry::propagation::Incoming;

pub(super) struct AdminService {
    pub(super) groups: Groups,
    pub(super) operations: Arc<dyn Operations>,
    pub(super) max_component_bytes: usize,
    pub(super) health: Arc<Health>,
    pub(super) callers: Callers,
}

#[tonic::async_trait]
impl Admin for AdminService {
    async fn status(
        &self,
        request: Request<StatusRequest>,
    ) -> Result<Response<StatusResponse>, Status> {
        let span = span(&request, "Status", b"");
        let show = async {
            self.of_node(&request, "Status")?;
            Ok(Response::new(self.operations.status()))
        };
        span.record(show, outcome).await
    }

    async fn swap_policy(
        &self,
        request: Request<Streaming<SwapPolicyRequest>>,
    ) -> Result<Response<SwapPolicyResponse>, Status> {
        let mut guest = self.guest(&request, "SwapPolicy")?;
        let (metadata, _, mut parts) = request.into_parts();
        let first = parts.message().await.map_err(restated)?.and_then(|request| request.part);
        let Some(Part::Header(header)) = first else {
            return Err(status(&refused("header", "it must come first"), b""));
        };
        let incoming = || Incoming::in_metadata(&metadata);
        let span = RpcSpan::serve(SERVICE_NAME, "SwapPolicy", &header.group, incoming);
        let swap = async {
            let group = header.group.clone();
            let admitted = guest.admit("SwapPolicy", Role::Admin, Some(&group));
            admitted.map_err(|error| status(&error, &group))?;
            let bytes = |request: SwapPolicyRequest| match request.part {
                Some(Part::Component(bytes)) => Some(bytes),
                _ => None,
            };
            let limit = self.max_component_bytes;
            let sent = sent_policy::read(header, parts, bytes, &self.groups, limit).await;
            let sent = sent.inspect_err(|refused| {
                guest.changed(Audited::Swap, &group, Err(refused.message()));
            });
            let (swap, operations) = (sent?, Arc::clone(&self.operations));
            let swap = async move { operations.swap_policy(swap).await };
            let swapped = recorded(guest, Audited::Swap, group, swap).await?;
            let duration_ms = swapped.took.as_millis() as u64;
            Ok(Response::new(SwapPolicyResponse { entries: swapped.entries, duration_ms }))
        };
        span.record(swap, outcome).await
    }

    type TryPolicyStream = BoxStream<'static, Result<TryPolicyResponse, Status>>;

    async fn try_policy(
        &self,
        request: Request<Streaming<TryPolicyRequest>>,
    ) -> Result<Response<Self::TryPolicyStream>, Status> {
        let span = span(&request, "TryPolicy", b"");
        let try_out = async {
            let guest = self.guest(&request, "TryPolicy")?;
            self.try_out(guest, request.into_inner()).await
        };
        span.record(try_out, outcome).await
    }

    type RecordStream = BoxStream<'static, Result<RecordResponse, Status>>;

    async fn record(
        &self,
        request: Request<RecordRequest>,
    ) -> Result<Response<Self::RecordStream>, Status> {
        let group = request.get_ref().group.clone();
        let span = span(&request, "Record", &group);
        let record = async {
            let guest = self.of_group(&request, "Record", &group)?;
            let parts = record_calls::record(&self.groups, request.into_inner());
            guest.changed(Audited::Record, &group, told(&parts));
            Ok(Response::new(self.lasting(parts?, guest, "Record", group)))
        };
        span.record(record, outcome).await
    }

    async fn reload(
        &self,
        request: Request<ReloadRequest>,
    ) -> Result<Response<ReloadResponse>, Status> {
        let span = span(&request, "Reload", b"");
        let reload = async {
            let guest = self.of_node(&request, "Reload")?;
            let operations = Arc::clone(&self.operations);
            let reload = async move { operations.reload().await };
            let reloaded = recorded(guest, Audited::Reload, Bytes::new(), reload).await;
            let Reloaded { changed, needs_restart } = reloaded?;
            Ok(Response::new(ReloadResponse { changed, needs_restart }))
        };
        span.record(reload, outcome).await
    }

    async fn start_shadow(
        &self,
        request: Request<Streaming<StartShadowRequest>>,
    ) -> Result<Response<StartShadowResponse>, Status> {
        let span = span(&request, "StartShadow", b"");
        let start = async {
            let guest = self.guest(&request, "StartShadow")?;
            self.shadow(guest, request.into_inner()).await
        };
        span.record(start, outcome).await
    }

    async fn list_shadows(
        &self,
        request: Request<ListShadowsRequest>,
    ) -> Result<Response<ListShadowsResponse>, Status> {
        let group = &request.get_ref().group;
        let span = span(&request, "ListShadows", group);
        let list = async {
            if group.is_empty() {
                self.of_node(&request, "ListShadows")?;
            } else {
                self.of_group(&request, "ListShadows", group)?;
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
        let span = span(&request, "StopShadow", group);
        let stop = async {
            let guest = self.of_group(&request, "StopShadow", group)?;
            let known = self.groups.of_request(group).map_err(|error| status(&error, group))?;
            let stopped = self.operations.stop_shadow(known.name());
            guest.changed(Audited::Shadow, group, Ok(()));
            Ok(Response::new(StopShadowResponse { stopped }))
        };
        span.record(stop, outcome).await
    }
}

impl AdminService {
    /// Who calls `method`, whatever its roles.
    fn guest<T>(&self, request: &Request<T>, method: &'static str) -> Result<Guest, Status> {
        let guest = self.callers.guest(request.metadata().as_ref(), request.extensions(), method);
        guest.map_err(|error| status(&error, b""))
    }

    /// Who calls `method`, and may do that for the whole node.
    fn of_node<T>(&self, request: &Request<T>, method: &'static str) -> Result<Guest, Status> {
        let mut guest = self.guest(request, method)?;
        let admitted = guest.admit(method, Role::Admin, None);
        admitted.map(|()| guest).map_err(|error| status(&error, b""))
    }

    /// Who calls `method`, and may do that for `group`.
    fn of_group<T>(
        &self,
        request: &Request<T>,
        method: &'static str,
        group: &[u8],
    ) -> Result<Guest, Status> {
        let mut guest = self.guest(request, method)?;
        let admitted = guest.admit(method, Role::Admin, Some(group));
        admitted.map(|()| guest).map_err(|error| status(&error, group))
    }

    async fn try_out(
        &self,
        mut guest: Guest,
        parts: Streaming<TryPolicyRequest>,
    ) -> Result<Response<BoxStream<'static, Result<TryPolicyResponse, Status>>>, Status> {
        let limit = self.max_component_bytes;
        let trial = trial_calls::read(parts, &self.groups, limit, &mut guest).await?;
        let group = Bytes::from(trial.swap.group.clone());
        let operations = Arc::clone(&self.operations);
        let begin = async move { operations.try_policy(trial).await };
        let news = recorded(guest.clone(), Audited::Trial, group.clone(), begin).await?;
        let news = ReceiverStream::new(news).map(trial_calls::told).map(Ok);
        Ok(Response::new(self.lasting(news, guest, "TryPolicy", group)))
    }

    async fn shadow(
        &self,
        mut guest: Guest,
        parts: Streaming<StartShadowRequest>,
    ) -> Result<Response<StartShadowResponse>, Status> {
        let limit = self.max_component_bytes;
        let start = shadow_calls::read(parts, &self.groups, limit, &mut guest).await?;
        let group = Bytes::from(start.group.clone());
        let operations = Arc::clone(&self.operations);
        let start = async move { operations.start_shadow(start).await };
        let started = recorded(guest, Audited::Shadow, group, start).await;
        started.map(|()| Response::new(StartShadowResponse {}))
    }

    /// Answers of `method` for as long as the caller may have them, and the node does not stop.
    fn lasting<T: Send + 'static>(
        &self,
        answers: impl Stream<Item = Result<T, Status>> + Send + 'static,
        guest: Guest,
        method: &'static str,
        group: Bytes,
    ) -> BoxStream<'static, Result<T, Status>> {
        let refused = guest.until_refused(method, Role::Admin, group);
        lasting(answers, refused, self.health.draining()).boxed()
    }
}

/// The span of a call of `method`.
fn span<T>(request: &Request<T>, method: &'static str, group: &[u8]) -> RpcSpan {
    RpcSpan::serve(SERVICE_NAME, method, group, || Incoming::in_metadata(request.metadata()))
}

/// What a span says of the end of a call.
fn outcome<T>(ended: &Result<T, Status>) -> (Code, String) {
    match ended {
        Ok(_) => (Code::Ok, String::new()),
        Err(status) => (status.code(), status.message().to_owned()),
    }
}
