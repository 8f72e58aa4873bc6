//! The service `grpc.health.v1.Health`, as its specification says: a service that does not
//! exist is NOT_FOUND for Check, and SERVICE_UNKNOWN for Watch.

use std::sync::Arc;

use futures::stream::{self, BoxStream};
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::WatchStream;
use tonic::codec::CompressionEncoding;
use tonic::{Request, Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_server::{self, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tonic_reflection::pb::{v1, v1alpha};

use super::health::{Health, Phase};
use super::status::status;
use crate::error::Error;
use crate::proto::{admin_server, cache_server, peer_server};

/// The services that are as healthy as the node. The empty name is the node as a whole.
const SERVICES: [&str; 7] = [
    "",
    cache_server::SERVICE_NAME,
    peer_server::SERVICE_NAME,
    admin_server::SERVICE_NAME,
    health_server::SERVICE_NAME,
    v1::server_reflection_server::SERVICE_NAME,
    v1alpha::server_reflection_server::SERVICE_NAME,
];

/// Answers from the [`Health`] of the node.
pub(super) struct HealthService(Arc<Health>);

impl HealthService {
    /// The service for a server.
    pub(super) fn serving(health: Arc<Health>) -> HealthServer<Self> {
        HealthServer::new(Self(health)).accept_compressed(CompressionEncoding::Gzip)
    }

    fn knows(&self, service: &str) -> bool {
        SERVICES.contains(&service) || self.0.has_group(service)
    }
}

#[tonic::async_trait]
impl health_server::Health for HealthService {
    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        let service = request.into_inner().service;
        if !self.knows(&service) {
            let why = "no such service; the names are those of the gRPC services and of the groups";
            return Err(Status::not_found(why));
        }
        Ok(Response::new(response(serving(self.0.phase()))))
    }

    type WatchStream = BoxStream<'static, Result<HealthCheckResponse, Status>>;

    /// Sends the status now and after each change. Ends when the node drains, so that a
    /// watch does not hold up its stop.
    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let is_known = self.knows(&request.into_inner().service);
        let mut told = None;
        let answers = WatchStream::new(self.0.phases()).map(move |phase| {
            let now = if is_known { serving(phase) } else { ServingStatus::ServiceUnknown };
            let changed = (told.replace(now) != Some(now)).then(|| Ok(response(now)));
            // tonic ends the stream after an error.
            let farewell = (phase == Phase::Draining).then(|| Err(status(&Error::Stopping, b"")));
            stream::iter(changed.into_iter().chain(farewell))
        });
        Ok(Response::new(Box::pin(futures::StreamExt::flatten(answers))))
    }
}

fn serving(phase: Phase) -> ServingStatus {
    if phase == Phase::Ready { ServingStatus::Serving } else { ServingStatus::NotServing }
}

fn response(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse { status: status.into() }
}
