//! Other nodes over gRPC: one connection each, and on it one stream that carries
//! all small requests.

mod breaker;
mod counts;
mod failure;
mod protocol;
pub(crate) mod wire;

use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::time::{Instant, timeout};
use tonic::Code;

use super::remote::{Link, Remote, RemoteError, Request, Response};
use crate::clock::Clock;
use crate::telemetry::RpcSpan;
use crate::transport::multiplex;
use crate::transport::multiplex::{Broken, State};
use breaker::Breaker;
use counts::{Counts, Outcome};
use protocol::PeerProtocol;
use wire::Decoded;

type Asked = Result<Response, RemoteError>;

/// Another node. Dropping it closes the connection.
pub struct Peer {
    link: multiplex::Link<PeerProtocol>,
    breaker: Breaker,
    counts: Counts,
    clock: Clock,
}

impl Peer {
    /// Begins to connect to `address`, and goes on for as long as this lives. Values
    /// of at most `max_value_bytes` are passed.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[must_use]
    pub fn connect(address: &str, max_value_bytes: usize) -> Self {
        Self {
            link: multiplex::Link::connect(address, PeerProtocol { max_value_bytes }),
            breaker: Breaker::default(),
            counts: Counts::default(),
            clock: Clock::monotonic(),
        }
    }

    /// Asks, unless the breaker knows better.
    async fn admit(&self, request: Request, within: Duration) -> (Outcome, Asked) {
        // A change goes out in any case: a node that answers again must not miss
        // it for the second until the next probe.
        if !request.call.must_arrive() && !self.breaker.admits(self.clock.now_ms()) {
            let problem = "it has left several requests in a row unanswered";
            return (Outcome::Refused, Err(RemoteError::Unreachable(problem.into())));
        }
        let mut wait = Wait { peer: self, since: Instant::now(), over: false };
        match timeout(within, self.exchange(request, within)).await {
            Ok(answer) => {
                wait.over = true;
                if !matches!(answer, Err(RemoteError::Unreachable(_))) {
                    self.breaker.answered();
                }
                (Outcome::of(&answer), answer)
            }
            Err(_) => {
                let problem = format!("no answer within {within:?}");
                (Outcome::Timeout, Err(RemoteError::Unreachable(problem)))
            }
        }
    }

    async fn exchange(&self, request: Request, within: Duration) -> Asked {
        let end = Instant::now() + within;
        let unreachable = |problem: &str| RemoteError::Unreachable(problem.into());
        let up = self.link.up().await.map_err(|problem| unreachable(&problem))?;
        if !wire::is_large(&request) {
            let message = |id| wire::encode_request(request.clone(), id, within);
            let answer = up
                .exchange
                .ask(message)
                .await
                .map_err(|Broken| unreachable("the connection broke before it answered"))?;
            if let Decoded::Answer(answer) = wire::decode_response(answer) {
                return answer;
            }
        }
        let rest = end.saturating_duration_since(Instant::now());
        let message = wire::encode_request(request, 0, rest);
        let answer = up.calls.clone().call(message).await;
        let answer = answer.map_err(|status| unreachable(status.message()))?;
        match wire::decode_response(answer.into_inner()) {
            Decoded::Answer(answer) => answer,
            Decoded::Large => Err(unreachable("it sends no large values")),
        }
    }
}

impl Remote for Peer {
    fn address(&self) -> &str {
        self.link.address()
    }

    fn counts(&self) -> Vec<(&'static str, u64)> {
        self.counts.read()
    }

    fn link(&self) -> Link {
        match &*self.link.state() {
            State::Down(problem) => Link::Unreachable(problem.to_string()),
            _ if self.breaker.is_open() => Link::Unreachable("it does not answer in time".into()),
            State::Up(_) => Link::Connected,
            State::Connecting => Link::Connecting,
        }
    }

    fn ask(
        &self,
        request: Request,
        within: Duration,
    ) -> BoxFuture<'_, Result<Response, RemoteError>> {
        async move {
            let span = RpcSpan::ask(wire::SERVICE, request.call.method(), self.link.address());
            let counted = self.counts.begin();
            let (outcome, answer) = span.record(self.admit(request, within), ended).await;
            counted.end(outcome);
            answer
        }
        .boxed()
    }
}

/// A request without an answer so far. Whoever gives it up, at its deadline or
/// because another answer came first, has waited in vain.
struct Wait<'a> {
    peer: &'a Peer,
    since: Instant,
    over: bool,
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        if !self.over {
            self.peer.breaker.unanswered(self.peer.clock.now_ms(), self.since.elapsed());
        }
    }
}

/// How a request ended, for its span.
fn ended((outcome, answer): &(Outcome, Asked)) -> (Code, String) {
    (outcome.code(), answer.as_ref().err().map_or_else(String::new, ToString::to_string))
}
