//! Other nodes over gRPC: one connection each, and on it one stream that carries
//! all small requests.

mod counts;
mod failure;
mod protocol;
pub(crate) mod wire;

use std::pin::pin;
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::BoxFuture;
use prost::Message;
use tokio::time::timeout;
use tonic::Code;

use super::remote::{Reachability, Remote, RemoteError, Request, Response};
use crate::telemetry::RpcSpan;
use crate::transport::dial::Dialer;
use crate::transport::multiplex;
use crate::transport::multiplex::ConnectionState;
use counts::{Counts, RequestOutcome};
pub(crate) use protocol::AT_ONCE;
use protocol::PeerProtocol;

/// How many bytes `request` has on the wire.
#[must_use]
pub fn request_bytes(request: Request) -> u64 {
    wire::encode_request(request, 1, LONGEST_WAIT).encoded_len() as u64
}

type Asked = Result<Response, RemoteError>;

/// How long a caller waits before it asks for a sign of life, and then for the sign: a
/// quarter of its time, within these bounds. So a node that hangs costs about half of a
/// caller's time, and a slow source may use all of it.
const SHORTEST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_millis(500);

/// Another node. Dropping it closes the connection.
pub struct Peer {
    connection: multiplex::Connection<PeerProtocol>,
    counts: Counts,
}

impl Peer {
    /// The node at `address`. The first request connects to it. Values may have at most
    /// `max_value_bytes`.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[must_use]
    pub fn new(address: &str, max_value_bytes: usize) -> Self {
        Self::dialed(address, max_value_bytes, Dialer::default())
    }

    /// The same, whose connections `dialer` makes.
    pub(crate) fn dialed(address: &str, max_value_bytes: usize, dialer: Dialer) -> Self {
        let protocol = PeerProtocol { max_value_bytes, dialer };
        let connection = multiplex::Connection::new(address, protocol);
        Self { connection, counts: Counts::default() }
    }

    /// Waits for the answer as long as the node shows signs of life.
    async fn wait(&self, request: Request, within: Duration) -> (RequestOutcome, Asked) {
        let began = Instant::now();
        let wait = (within / 4).clamp(SHORTEST_WAIT, LONGEST_WAIT);
        let mut answer = pin!(self.exchange(request, began, within));
        let (mut heard, mut since, mut left) = (None, began, within);
        loop {
            if let Ok(answer) = timeout(left.min(wait), &mut answer).await {
                return (RequestOutcome::of(&answer), answer);
            }
            if left <= wait {
                return (RequestOutcome::Timeout, Err(RemoteError::Late));
            }
            // If this process was suspended, the answer may be waiting in the socket.
            if heard == Some(self.connection.heard()) && since.elapsed() < 2 * wait {
                let problem = format!("it does not answer: no sign of life for {wait:?}");
                return (RequestOutcome::Unreachable, Err(RemoteError::Unreachable(problem)));
            }
            heard = Some(self.connection.heard());
            self.connection.doubt();
            since = Instant::now();
            left = within.saturating_sub(since - began);
        }
    }

    async fn exchange(&self, request: Request, began: Instant, within: Duration) -> Asked {
        let unreachable = |problem: &str| RemoteError::Unreachable(problem.into());
        let left = || within.saturating_sub(began.elapsed());
        if wire::is_large(&request) {
            // On the heap: few requests are large, and the future of each would have room for it.
            return Box::pin(self.call(request, began, within)).await;
        }
        let lasts = request.call.is_change();
        let message = |id| wire::encode_request(request.clone(), id, left());
        let answer = self.connection.ask(lasts, message).await;
        wire::decode_response(answer.map_err(|problem| unreachable(&problem))?)
    }

    /// Sends a large request as a call of its own.
    async fn call(&self, request: Request, began: Instant, within: Duration) -> Asked {
        let unreachable = |problem: &str| RemoteError::Unreachable(problem.into());
        let calls = self.connection.calls().await;
        let mut calls = calls.map_err(|problem| unreachable(&problem))?;
        let left = within.saturating_sub(began.elapsed());
        let answer = calls.call(wire::encode_request(request, 0, left)).await;
        let answer = answer.map_err(|status| unreachable(status.message()))?;
        wire::decode_response(answer.into_inner())
    }
}

impl Remote for Peer {
    fn address(&self) -> &str {
        self.connection.address()
    }

    fn counts(&self) -> Vec<(&'static str, u64)> {
        self.counts.read()
    }

    fn reachability(&self) -> Reachability {
        match &*self.connection.state() {
            ConnectionState::Down(problem) => Reachability::Unreachable(problem.to_string()),
            ConnectionState::Up(_) => Reachability::Connected,
            ConnectionState::Connecting => Reachability::Connecting,
            ConnectionState::Idle => Reachability::Idle,
        }
    }

    fn ask(
        &self,
        request: Request,
        within: Duration,
    ) -> BoxFuture<'_, Result<Response, RemoteError>> {
        async move {
            let span =
                RpcSpan::ask(wire::SERVICE, request.call.method(), self.connection.address());
            let counted = self.counts.begin();
            let waits = pin!(self.wait(request, within));
            let (outcome, answer) = span.record(waits, ended).await;
            counted.end(outcome);
            answer
        }
        .boxed()
    }
}

/// How a request ended, for its span.
fn ended((outcome, answer): &(RequestOutcome, Asked)) -> (Code, String) {
    (outcome.code(), answer.as_ref().err().map_or_else(String::new, ToString::to_string))
}
