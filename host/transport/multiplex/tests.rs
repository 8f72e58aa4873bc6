//! The life of a connection that is hardly used, on real sockets.
#![allow(
    clippy::disallowed_methods,
    reason = "a test is a main: #[tokio::test] blocks on its runtime"
)]

use std::sync::Arc;
use std::time::Duration;

use futures::stream::{BoxStream, StreamExt};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc};
use tokio_stream::wrappers::{TcpListenerStream, UnboundedReceiverStream};
use tonic::transport::Server;
use tonic::{Request, Response, Status, Streaming};

use super::{Connection, ConnectionState, Outgoing, Protocol};
use crate::proto::peer_client::PeerClient;
use crate::proto::peer_server::{Peer, PeerServer};
use crate::proto::{PeerRequest, PeerResponse};
use crate::transport::dial::{Dialer, Link};

/// Closes what nobody used for a moment.
#[derive(Default)]
struct Hasty(Dialer);

impl Protocol for Hasty {
    type Request = PeerRequest;
    type Response = PeerResponse;
    type Calls = PeerClient<Link>;

    const AT_ONCE: usize = 1;
    const PING_EVERY: Option<Duration> = None;
    const UNUSED_FOR: Option<Duration> = Some(Duration::from_millis(20));

    fn dialer(&self) -> &Dialer {
        &self.0
    }

    fn calls(&self, link: Link) -> Self::Calls {
        PeerClient::new(link)
    }

    async fn open(
        mut calls: Self::Calls,
        outgoing: Outgoing<PeerRequest>,
    ) -> Result<Streaming<PeerResponse>, Status> {
        Ok(calls.exchange(outgoing).await?.into_inner())
    }

    fn id(response: &PeerResponse) -> u64 {
        response.id
    }

    fn piece(_: &PeerResponse) -> Option<usize> {
        None
    }

    fn joined(_: Vec<PeerResponse>, last: PeerResponse) -> PeerResponse {
        last
    }

    fn most_bytes(&self) -> usize {
        0
    }

    fn cancellation(id: u64) -> PeerRequest {
        PeerRequest { id, ..PeerRequest::default() }
    }

    fn probe(_: u64) -> Option<PeerRequest> {
        None
    }
}

#[derive(Debug, PartialEq)]
enum Seen {
    Opened,
    Asked,
    Ended,
}

/// Answers everything as soon as it may.
struct Node {
    seen: mpsc::UnboundedSender<Seen>,
    /// Answers that may be given.
    answers: Arc<Semaphore>,
}

#[tonic::async_trait]
impl Peer for Node {
    type ExchangeStream = BoxStream<'static, Result<PeerResponse, Status>>;

    async fn exchange(
        &self,
        request: Request<Streaming<PeerRequest>>,
    ) -> Result<Response<Self::ExchangeStream>, Status> {
        let (seen, answers) = (self.seen.clone(), Arc::clone(&self.answers));
        let (answer, answered) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            let mut requests = request.into_inner();
            let tell = |what| drop(seen.send(what));
            tell(Seen::Opened);
            while let Ok(Some(message)) = requests.message().await {
                tell(Seen::Asked);
                answers.acquire().await.expect("it is never closed").forget();
                let response = PeerResponse { id: message.id, answer: None };
                drop(answer.send(Ok(response)));
            }
            tell(Seen::Ended);
        });
        Ok(Response::new(UnboundedReceiverStream::new(answered).boxed()))
    }

    async fn call(&self, _: Request<PeerRequest>) -> Result<Response<PeerResponse>, Status> {
        Err(Status::unimplemented("it is not asked"))
    }
}

struct Between {
    link: Arc<Connection<Hasty>>,
    seen: mpsc::UnboundedReceiver<Seen>,
    answers: Arc<Semaphore>,
}

impl Between {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound").to_string();
        let (seen, sees) = mpsc::unbounded_channel();
        let answers = Arc::new(Semaphore::new(0));
        let node = Node { seen, answers: Arc::clone(&answers) };
        let server = Server::builder().add_service(PeerServer::new(node));
        tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
        Self { link: Arc::new(Connection::new(&address, Hasty::default())), seen: sees, answers }
    }

    /// One request, to its answer.
    async fn asked(&self) -> u64 {
        self.answers.add_permits(1);
        let ask = |id| PeerRequest { id, ..PeerRequest::default() };
        self.link.ask(false, ask).await.expect("it is answered").id
    }

    async fn sees(&mut self, what: Seen) {
        assert_eq!(self.seen.recv().await, Some(what));
    }
}

#[tokio::test]
async fn a_connection_that_nobody_used_is_closed_and_made_again_when_asked() {
    let mut between = Between::start().await;
    for _ in 0..3 {
        between.asked().await;
        for what in [Seen::Opened, Seen::Asked, Seen::Ended] {
            between.sees(what).await;
        }
    }
    assert!(!matches!(&*between.link.state(), ConnectionState::Down(_)), "that is no failure");
}

#[tokio::test]
async fn a_request_that_meets_the_end_of_a_connection_is_answered_by_the_next() {
    let mut between = Between::start().await;
    // As soon as the node knows of the end: the keeper may not have shown it yet.
    for _ in 0..20 {
        between.asked().await;
        while between.seen.recv().await != Some(Seen::Ended) {}
    }
}

#[tokio::test]
async fn a_connection_that_somebody_waits_on_is_kept() {
    let mut between = Between::start().await;
    let link = Arc::clone(&between.link);
    let ask = |id| PeerRequest { id, ..PeerRequest::default() };
    let asking = tokio::spawn(async move { link.ask(false, ask).await });
    between.sees(Seen::Opened).await;
    between.sees(Seen::Asked).await;
    // Meanwhile another connection comes to its end for want of requests, twice.
    let mut other = Between::start().await;
    for _ in 0..2 {
        other.asked().await;
        while other.seen.recv().await != Some(Seen::Ended) {}
    }
    assert!(between.seen.try_recv().is_err(), "nothing was closed");
    between.answers.add_permits(1);
    assert!(asking.await.expect("no panic").is_ok());
}
