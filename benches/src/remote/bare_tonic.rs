//! A unary call and nothing else: the cost of a request and an answer in tonic.

use anyhow::{Context, Result};
use bytes::Bytes;
use psycache::proto::peer_client::PeerClient;
use psycache::proto::peer_server::{Peer, PeerServer};
use psycache::proto::{PeerGet, PeerRequest, PeerResponse, PeerValue, peer_request, peer_response};
use tonic::transport::{Channel, Server};
use tonic::{Request, Response, Status, Streaming};

use super::asker::{Asker, connect, listen, obey, runtime, value_bytes};

/// Answers with as many zeros as the key says.
struct Zeros(Bytes);

#[tonic::async_trait]
impl Peer for Zeros {
    type ExchangeStream = tokio_stream::Pending<Result<PeerResponse, Status>>;

    async fn exchange(
        &self,
        _: Request<Streaming<PeerRequest>>,
    ) -> Result<Response<Self::ExchangeStream>, Status> {
        Err(Status::unimplemented("this one has unary calls only"))
    }

    async fn call(&self, request: Request<PeerRequest>) -> Result<Response<PeerResponse>, Status> {
        let PeerRequest { id, key, .. } = request.into_inner();
        let bytes = std::str::from_utf8(&key).ok().and_then(|key| value_bytes(key).ok());
        let bytes = bytes.filter(|bytes| *bytes <= self.0.len());
        let bytes = bytes.ok_or_else(|| Status::invalid_argument("no key of this benchmark"))?;
        let value = PeerValue { value: self.0.slice(..bytes), ttl_ms: 0, lent_ms: 0, stale: false };
        Ok(Response::new(PeerResponse { id, answer: Some(peer_response::Answer::Value(value)) }))
    }
}

/// The server's process.
pub(super) fn serve(address: &str) -> Result<()> {
    let runtime = runtime()?;
    let incoming = listen(&runtime, address)?;
    let zeros = PeerServer::new(Zeros(vec![0; 1 << 20].into()));
    runtime.spawn(Server::builder().add_service(zeros).serve_with_incoming(incoming));
    obey(&runtime, Silent)
}

/// A process that answers only.
struct Silent;

impl Asker for Silent {
    async fn prepare(&self, _: &str) -> Result<bool> {
        Ok(false)
    }

    async fn get(&self, key: &str) -> Result<usize> {
        anyhow::bail!("nobody is asked for {key} here")
    }
}

struct Client(PeerClient<Channel>);

/// The client's process.
pub(super) fn ask(server: &str) -> Result<()> {
    let runtime = runtime()?;
    let channel = connect(&runtime, server)?;
    obey(&runtime, Client(PeerClient::new(channel)))
}

impl Asker for Client {
    async fn prepare(&self, key: &str) -> Result<bool> {
        self.get(key).await.map(|_| true)
    }

    async fn get(&self, key: &str) -> Result<usize> {
        let request = PeerRequest {
            group: Bytes::from_static(b"bench"),
            key: Bytes::copy_from_slice(key.as_bytes()),
            call: Some(peer_request::Call::Get(PeerGet {})),
            ..PeerRequest::default()
        };
        let answer = self.0.clone().call(request).await?.into_inner().answer;
        match answer.context("it answered nothing")? {
            peer_response::Answer::Value(value) => Ok(value.value.len()),
            other => anyhow::bail!("it answered {other:?}"),
        }
    }
}
