//! Other nodes over gRPC: one connection each, and on it one stream that carries
//! all small requests.
//!
//! A unary call costs a dozen times the processor time of a message on a stream
//! that is open: headers, a task, a timer and several allocations on both sides.

mod breaker;
mod exchange;
mod failure;
mod link;
pub(crate) mod wire;

use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout};

use super::remote::{Link, Remote, RemoteError, Request, Response};
use crate::clock::Clock;
use breaker::Breaker;
use link::{State, Up};
use wire::Decoded;

/// Another node. Dropping it closes the connection.
pub struct Peer {
    address: String,
    state: watch::Receiver<State>,
    breaker: Breaker,
    clock: Clock,
    connection: AbortHandle,
}

impl Peer {
    /// Begins to connect to `address`, and goes on for as long as this lives.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[must_use]
    pub fn connect(address: &str) -> Self {
        let (show, state) = watch::channel(State::Connecting);
        let connection = tokio::spawn(link::keep(address.to_owned(), show));
        Self {
            address: address.to_owned(),
            state,
            breaker: Breaker::default(),
            clock: Clock::monotonic(),
            connection: connection.abort_handle(),
        }
    }

    /// A connection that works; waits only for the first attempt.
    async fn up(&self) -> Result<Up, RemoteError> {
        let known = self.state.borrow().clone();
        let state = match known {
            State::Connecting => {
                let mut state = self.state.clone();
                let settled = state.wait_for(|state| !matches!(state, State::Connecting)).await;
                settled.map_or(State::Connecting, |state| state.clone())
            }
            settled => settled,
        };
        match state {
            State::Up(up) => Ok(up),
            State::Down(problem) => Err(RemoteError::Unreachable(problem.to_string())),
            State::Connecting => Err(RemoteError::Unreachable("the node is stopping".into())),
        }
    }

    async fn exchange(&self, request: Request, within: Duration) -> Result<Response, RemoteError> {
        let end = Instant::now() + within;
        let up = self.up().await?;
        if !wire::is_large(&request) {
            let answer =
                up.exchange.ask(request.clone(), within).await.map_err(|exchange::Broken| {
                    RemoteError::Unreachable("the connection broke before it answered".into())
                })?;
            if let Decoded::Answer(answer) = wire::decode_response(answer) {
                return answer;
            }
        }
        let rest = end.saturating_duration_since(Instant::now());
        let message = wire::encode_request(request, 0, rest);
        let answer = up.client.clone().call(message).await;
        let answer = answer.map_err(|status| RemoteError::Unreachable(status.message().into()))?;
        match wire::decode_response(answer.into_inner()) {
            Decoded::Answer(answer) => answer,
            Decoded::Large => Err(RemoteError::Unreachable("it sends no large values".into())),
        }
    }
}

impl Remote for Peer {
    fn address(&self) -> &str {
        &self.address
    }

    fn link(&self) -> Link {
        match &*self.state.borrow() {
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
            if !self.breaker.admits(self.clock.now_ms()) {
                let problem = "it has left several requests in a row unanswered";
                return Err(RemoteError::Unreachable(problem.into()));
            }
            match timeout(within, self.exchange(request, within)).await {
                Ok(answer) => {
                    if !matches!(answer, Err(RemoteError::Unreachable(_))) {
                        self.breaker.answered();
                    }
                    answer
                }
                Err(_) => {
                    self.breaker.unanswered(self.clock.now_ms());
                    Err(RemoteError::Unreachable(format!("no answer within {within:?}")))
                }
            }
        }
        .boxed()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.connection.abort();
    }
}
