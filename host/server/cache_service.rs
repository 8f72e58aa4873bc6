//! The service `psycache.v1.Cache`, which applications call.

use std::sync::Arc;

use tonic::{Request, Response, Status, Streaming};

use super::cache_call::{CacheCall, CallContext, SERVICE};
use super::callers::Callers;
use super::config::ServerConfig;
use super::connections::{Account, Caller, held_request, response};
use super::deadline::Limit;
use super::groups::Groups;
use super::health::Health;
use super::session::Session;
use super::status::{outcome, status};
use crate::clock::Clock;
use crate::proto::cache_server::Cache;
use crate::proto::{
    ClearRequest, ClearResponse, GetManyRequest, GetManyResponse, GetRequest, GetResponse,
    RemoveManyRequest, RemoveManyResponse, RemoveRequest, RemoveResponse, SessionRequest,
    SetManyRequest, SetManyResponse, SetRequest, SetResponse,
};
use crate::telemetry::RpcSpan;
use crate::telemetry::propagation::Incoming;

/// Serves every group of the node.
pub(super) struct CacheService {
    pub(super) groups: Groups,
    pub(super) config: ServerConfig,
    pub(super) health: Arc<Health>,
    pub(super) callers: Callers,
    /// For the limits that callers give in it.
    pub(super) clock: Clock,
}

impl CacheService {
    async fn unary<C: CacheCall>(
        &self,
        request: Request<C>,
    ) -> Result<Response<C::Answer>, Status> {
        let (metadata, extensions, call) = request.into_parts();
        let _held = held_request(&extensions, &call);
        let incoming = || Incoming::in_metadata(&metadata);
        let span = RpcSpan::serve(SERVICE, C::METHOD, call.group(), incoming);
        let (headers, group) = (metadata.as_ref(), call.group());
        let run = async {
            let note = self.callers.admit(headers, &extensions, C::METHOD, C::NEEDS, group)?;
            let limit = Limit::of(&metadata, self.config.request_timeout, &self.clock)?;
            let group = self.groups.of_request(group)?;
            call.run(group, CallContext { limit, span: &span, note }).await
        };
        let answer = span.record(run, outcome).await;
        answer.map(response).map_err(|error| status(&error, call.group()))
    }
}

#[tonic::async_trait]
impl Cache for CacheService {
    async fn get(&self, request: Request<GetRequest>) -> Result<Response<GetResponse>, Status> {
        self.unary(request).await
    }

    async fn get_many(
        &self,
        request: Request<GetManyRequest>,
    ) -> Result<Response<GetManyResponse>, Status> {
        self.unary(request).await
    }

    async fn set(&self, request: Request<SetRequest>) -> Result<Response<SetResponse>, Status> {
        self.unary(request).await
    }

    async fn set_many(
        &self,
        request: Request<SetManyRequest>,
    ) -> Result<Response<SetManyResponse>, Status> {
        self.unary(request).await
    }

    async fn remove(
        &self,
        request: Request<RemoveRequest>,
    ) -> Result<Response<RemoveResponse>, Status> {
        self.unary(request).await
    }

    async fn remove_many(
        &self,
        request: Request<RemoveManyRequest>,
    ) -> Result<Response<RemoveManyResponse>, Status> {
        self.unary(request).await
    }

    async fn clear(
        &self,
        request: Request<ClearRequest>,
    ) -> Result<Response<ClearResponse>, Status> {
        self.unary(request).await
    }

    type SessionStream = Session;

    async fn session(
        &self,
        request: Request<Streaming<SessionRequest>>,
    ) -> Result<Response<Session>, Status> {
        let guest =
            self.callers.guest(request.metadata().as_ref(), request.extensions(), "Session");
        let guest = guest.map_err(|error| status(&error, b""))?;
        let account =
            request.extensions().get::<Caller>().map(|caller| Arc::clone(&caller.account));
        let account = account.unwrap_or_else(Account::of_no_listener);
        let (groups, draining) = (self.groups.clone(), self.health.drain_watch());
        let limits = (&self.config, self.clock.clone());
        let requests = request.into_inner();
        let session = Session::new(requests, groups, limits, guest, account, draining);
        Ok(Response::new(session))
    }
}
