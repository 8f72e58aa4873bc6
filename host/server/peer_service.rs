//! The service `psycache.v1.Peer`, which other nodes call. Its requests are never forwarded.

use std::sync::Arc;

use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt};
use tonic::{Request, Response, Status, Streaming};

use super::gated::Gated;
use super::health::Health;
use super::peer_gate::PeerGate;
use super::peer_request::Asked;
use super::peer_stream::PeerStream;
use super::status::status;
use crate::own_task::in_own_task;
use crate::proto::peer_server::{Peer, PeerServer};
use crate::proto::{PeerRequest, PeerResponse};
use crate::transport::peer::wire;
use crate::transport::remote::Local;

/// Serves `psycache.v1.Peer`.
pub struct PeerService {
    local: Arc<dyn Local>,
    health: Arc<Health>,
    /// For streams that stay open.
    gate: PeerGate,
}

impl PeerService {
    /// A service that passes requests to `local`. When `health` is draining, a stream takes no more
    /// requests, and ends when its running requests have ended. `gate` refuses strangers before
    /// their messages are read.
    #[must_use]
    pub fn new(
        local: Arc<dyn Local>,
        health: Arc<Health>,
        gate: PeerGate,
        max_value_bytes: usize,
    ) -> Gated<PeerServer<Self>> {
        let longest = wire::message_bytes(max_value_bytes);
        let service = PeerServer::new(Self { local, health, gate: gate.clone() })
            .max_decoding_message_size(longest)
            .max_encoding_message_size(longest);
        Gated::new(service, move |request| gate.check(request))
    }
}

#[tonic::async_trait]
impl Peer for PeerService {
    type ExchangeStream = BoxStream<'static, Result<PeerResponse, Status>>;

    async fn exchange(
        &self,
        request: Request<Streaming<PeerRequest>>,
    ) -> Result<Response<Self::ExchangeStream>, Status> {
        let refused = self.gate.until_refused("Exchange", request.extensions()).boxed();
        let (local, draining) = (Arc::clone(&self.local), self.health.drain_watch());
        let stream = PeerStream::new(local, request.into_inner(), draining, refused);
        Ok(Response::new(stream.boxed()))
    }

    async fn call(&self, request: Request<PeerRequest>) -> Result<Response<PeerResponse>, Status> {
        let asked = match Asked::read(request.into_inner()) {
            Ok(asked) => asked,
            Err(refusal) => return Ok(Response::new(refusal)),
        };
        let may_be_given_up = asked.may_be_given_up();
        let answer = asked.answer(Arc::clone(&self.local));
        if may_be_given_up {
            return Ok(Response::new(answer.await));
        }
        // A change that has begun must run to its end.
        let ended = in_own_task(answer).await;
        ended.map(Response::new).map_err(|lost| status(&lost, b""))
    }
}
