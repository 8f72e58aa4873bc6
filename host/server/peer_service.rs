//! What other nodes ask of this one. Answered here, never forwarded.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use futures::{FutureExt, Stream};
use hashbrown::HashMap;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use super::health::Health;
use super::status::outcome;
use crate::error::Error;
use crate::proto::peer_server::{Peer, PeerServer};
use crate::proto::{PeerRequest, PeerResponse, peer_request};
use crate::telemetry::RpcSpan;
use crate::telemetry::propagation::Incoming;
use crate::transport::peer::wire;
use crate::transport::remote::Local;

/// Requests of one stream that may wait for something at a time; further ones stay
/// in the stream's window, which holds the asker up.
const AT_ONCE: usize = 1_024;

/// Answers that wait to be sent.
const ANSWERS: usize = 256;

/// Serves `psycache.v1.Peer`.
pub struct PeerService {
    local: Arc<dyn Local>,
    health: Arc<Health>,
}

impl PeerService {
    /// The service that `local` answers for, until `health` says that the node
    /// drains: then streams end when what runs on them has.
    #[must_use]
    pub fn new(
        local: Arc<dyn Local>,
        health: Arc<Health>,
        max_value_bytes: usize,
    ) -> PeerServer<Self> {
        let longest = wire::message_bytes(max_value_bytes);
        PeerServer::new(Self { local, health })
            .max_decoding_message_size(longest)
            .max_encoding_message_size(longest)
    }
}

#[tonic::async_trait]
impl Peer for PeerService {
    type ExchangeStream = Pin<Box<dyn Stream<Item = Result<PeerResponse, Status>> + Send>>;

    async fn exchange(
        &self,
        request: Request<Streaming<PeerRequest>>,
    ) -> Result<Response<Self::ExchangeStream>, Status> {
        let (answers, sent) = mpsc::channel(ANSWERS);
        let exchange = Exchange {
            local: Arc::clone(&self.local),
            answers,
            running: JoinSet::new(),
            by_id: HashMap::new(),
        };
        let draining = self.health.draining();
        tokio::spawn(exchange.serve(request.into_inner(), draining));
        Ok(Response::new(Box::pin(ReceiverStream::new(sent))))
    }

    async fn call(&self, request: Request<PeerRequest>) -> Result<Response<PeerResponse>, Status> {
        let message = request.into_inner();
        Ok(Response::new(answer(Arc::clone(&self.local), message).await))
    }
}

/// One stream. Dropping it gives up what it asked for.
struct Exchange {
    local: Arc<dyn Local>,
    answers: mpsc::Sender<Result<PeerResponse, Status>>,
    /// Requests that had to wait; each ends with its id.
    running: JoinSet<u64>,
    by_id: HashMap<u64, AbortHandle>,
}

impl Exchange {
    async fn serve(
        mut self,
        mut requests: Streaming<PeerRequest>,
        draining: impl Future<Output = ()>,
    ) {
        let mut draining = pin!(draining);
        let mut takes_more = true;
        while takes_more || !self.running.is_empty() {
            tokio::select! {
                // First, so that places come free before more is taken on.
                biased;
                Some(ended) = self.running.join_next() => {
                    if let Ok(id) = ended {
                        self.by_id.remove(&id);
                    }
                }
                () = &mut draining, if takes_more => takes_more = false,
                message = requests.message(), if takes_more && self.running.len() < AT_ONCE => match message {
                    Ok(Some(message)) => self.take(message).await,
                    Ok(None) | Err(_) => return,
                },
                () = self.answers.closed() => return,
            }
        }
    }

    async fn take(&mut self, message: PeerRequest) {
        if let Some(peer_request::Call::Cancel(id)) = message.call {
            if let Some(running) = self.by_id.remove(&id) {
                running.abort();
            }
            return;
        }
        let id = message.id;
        let mut answer = answer(Arc::clone(&self.local), message).boxed();
        // What is in memory is answered here and now: a task for each would cost
        // more than the answer.
        match futures::poll!(&mut answer) {
            Poll::Ready(answer) => {
                // A closed stream shows in `serve`.
                let _ = self.answers.send(Ok(wire::without_large_value(answer))).await;
            }
            Poll::Pending => {
                let answers = self.answers.clone();
                let running = self.running.spawn(async move {
                    let answer = wire::without_large_value(answer.await);
                    let _ = answers.send(Ok(answer)).await;
                    id
                });
                self.by_id.insert(id, running);
            }
        }
    }
}

async fn answer(local: Arc<dyn Local>, mut message: PeerRequest) -> PeerResponse {
    let id = message.id;
    let traceparent = std::mem::take(&mut message.traceparent);
    let Some((request, within)) = wire::decode_request(message) else {
        let problem = "it asks for something that this version does not know".into();
        let error = Error::InvalidArgument { argument: "call", problem };
        return wire::encode_response(id, Err(error));
    };
    let incoming = || Incoming::in_text(&traceparent);
    let method = request.call.method();
    let span = RpcSpan::serve_node(wire::SERVICE, method, &request.group, incoming);
    let late = |_| Err(Error::DeadlineExceeded { after: within });
    let answer =
        async { timeout(within, local.answer(request, within)).await.unwrap_or_else(late) };
    let response = span.record(answer, outcome).await;
    wire::encode_response(id, response)
}
