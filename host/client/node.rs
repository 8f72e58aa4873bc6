//! One node and the connection to it.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::yield_now;
use tokio::time::{Instant, timeout_at};
use tonic::{Status, Streaming};

use super::node_clock::NodeClock;
use super::{Error, Reason, call};
use crate::clock::Clock;
use crate::proto::cache_client::CacheClient;
use crate::proto::session_request::Call;
use crate::proto::session_response::Answer;
use crate::proto::{ClockRequest, SessionRequest, SessionResponse};
use crate::telemetry::propagation;
use crate::transport::dial::{Dialer, Link};
use crate::transport::multiplex::{Broken, Connection, Outgoing, Protocol};
use crate::transport::session::SESSION_WINDOW;

/// A message larger than this, in bytes, is sent as a separate call, so that it does not delay
/// small messages on the stream.
const LARGE_BYTES: usize = 64 << 10;

/// A node of the cluster. Dropping it closes the connection.
pub(super) struct Node {
    connection: Connection<SessionProtocol>,
    /// The client's own.
    clock: Clock,
}

/// The outcome of a call.
pub(super) enum CallOutcome {
    /// The node's answer, or its own error.
    Answered(Result<Answer, Error>),
    /// The node did not answer; another node may.
    Lost {
        /// Why.
        problem: String,
        /// Whether the node may still begin the call, or have executed it.
        lingers: bool,
    },
}

impl Node {
    pub(super) fn new(address: &str, max_value_bytes: usize, dialer: Dialer) -> Self {
        let max_message_bytes = max_value_bytes.saturating_add(LARGE_BYTES);
        let protocol = SessionProtocol { max_message_bytes, dialer };
        Self { connection: Connection::new(address, protocol), clock: Clock::monotonic() }
    }

    pub(super) fn address(&self) -> &str {
        self.connection.address()
    }

    /// Sends a call. The caller must stop waiting at `end`.
    pub(super) async fn ask(&self, call: Call, end: Instant) -> CallOutcome {
        if call.encoded_len() <= LARGE_BYTES {
            match self.connection.ask(false, |id| small(id, call.clone(), end, 0)).await {
                Ok(SessionResponse { answer: Some(Answer::Large(_)), .. }) => {}
                Ok(response) => return answered(response),
                Err(problem) => return lost(&problem, true),
            }
        }
        match self.connection.calls().await {
            Ok(calls) => beside(calls.cache, call, end, 0).await,
            Err(problem) => lost(&problem, false),
        }
    }

    /// Sends a call that the node must not begin after `over`, and must have ended then.
    pub(super) async fn ask_until(&self, call: Call, over: Instant) -> CallOutcome {
        let late = |_| lost("it did not answer in its time", true);
        timeout_at(over, self.asked_until(call, over)).await.unwrap_or_else(late)
    }

    async fn asked_until(&self, call: Call, over: Instant) -> CallOutcome {
        loop {
            let up = match self.connection.up().await {
                Ok(up) => up,
                Err(problem) => return lost(&problem, false),
            };
            let SessionCalls { cache, clock } = up.calls();
            let left = || over.saturating_duration_since(Instant::now());
            let Some(until_ms) = clock.after(left, &self.clock) else {
                let ask = |id| small(id, Call::Clock(ClockRequest {}), over, 0);
                match up.ask(false, ask).await {
                    Ok(SessionResponse { answer: Some(Answer::Clock(read)), .. }) => {
                        clock.note(read.now_ms, &self.clock);
                    }
                    Ok(response) => return answered(response),
                    Err(Broken::Unsent) => yield_now().await,
                    Err(Broken::Unread(problem) | Broken::Unanswered(problem)) => {
                        return lost(&problem, false);
                    }
                }
                continue;
            };
            if call.encoded_len() > LARGE_BYTES {
                return match beside(cache.clone(), call, over, until_ms).await {
                    // This end may be the one that gave it up.
                    CallOutcome::Answered(Err(error)) if error.is_late() => {
                        lost(&error.message, true)
                    }
                    outcome => outcome,
                };
            }
            match up.ask(false, |id| small(id, call.clone(), over, until_ms)).await {
                Ok(response) => return answered(response),
                // The keeper is about to publish that this stream has ended.
                Err(Broken::Unsent) => yield_now().await,
                Err(Broken::Unread(problem)) => return lost(&problem, false),
                Err(Broken::Unanswered(problem)) => return lost(&problem, true),
            }
        }
    }
}

/// The message of `call` on the stream.
fn small(id: u64, call: Call, end: Instant, until_ms: u64) -> SessionRequest {
    let within = end.saturating_duration_since(Instant::now());
    SessionRequest {
        id,
        timeout_ms: u32::try_from(within.as_millis()).unwrap_or(u32::MAX).max(1),
        traceparent: propagation::current(),
        inline_bytes: LARGE_BYTES as u64,
        until_ms,
        call: Some(call),
    }
}

fn lost(problem: &str, lingers: bool) -> CallOutcome {
    CallOutcome::Lost { problem: problem.to_owned(), lingers }
}

fn answered(response: SessionResponse) -> CallOutcome {
    match response.answer {
        Some(Answer::Failure(failure)) => failed(failure.into()),
        Some(answer) => CallOutcome::Answered(Ok(answer)),
        None => CallOutcome::Answered(Err(Error::strange(&"nothing"))),
    }
}

/// Makes `call` as a separate call, not on the stream.
async fn beside(calls: CacheClient<Link>, call: Call, end: Instant, until_ms: u64) -> CallOutcome {
    let within = end.saturating_duration_since(Instant::now());
    match call::unary(calls, call, (within, until_ms)).await {
        Ok(answer) => CallOutcome::Answered(Ok(answer)),
        Err(status) => match Error::told(&status) {
            Some(error) => failed(error),
            None => lost(status.message(), true),
        },
    }
}

/// Treats a node that is stopping as unreachable.
fn failed(error: Error) -> CallOutcome {
    match error.reason {
        Reason::Stopping => lost(&error.message, false),
        _ => CallOutcome::Answered(Err(error)),
    }
}

/// What belongs to one connection.
#[derive(Clone)]
struct SessionCalls {
    /// Calls beside the stream.
    cache: CacheClient<Link>,
    clock: Arc<NodeClock>,
}

/// `psycache.v1.Cache`, whose `Session` is the stream.
struct SessionProtocol {
    max_message_bytes: usize,
    dialer: Dialer,
}

impl Protocol for SessionProtocol {
    type Request = SessionRequest;
    type Response = SessionResponse;
    type Calls = SessionCalls;

    /// As many as a node works on. It sets none aside then, so it reads each cancellation.
    const AT_ONCE: usize = SESSION_WINDOW;

    /// A client has no other way to detect a node that hangs.
    const PING_EVERY: Option<Duration> = Some(Duration::from_millis(500));

    const UNUSED_FOR: Option<Duration> = None;

    fn dialer(&self) -> &Dialer {
        &self.dialer
    }

    fn calls(&self, link: Link) -> Self::Calls {
        let cache = CacheClient::new(link)
            .max_decoding_message_size(self.max_message_bytes)
            .max_encoding_message_size(self.max_message_bytes);
        SessionCalls { cache, clock: Arc::default() }
    }

    async fn open(
        mut calls: Self::Calls,
        outgoing: Outgoing<SessionRequest>,
    ) -> Result<Streaming<SessionResponse>, Status> {
        Ok(calls.cache.session(outgoing).await?.into_inner())
    }

    fn id(response: &SessionResponse) -> u64 {
        response.id
    }

    /// A large answer is requested with a separate call.
    fn piece(_: &SessionResponse) -> Option<usize> {
        None
    }

    fn joined(_: Vec<SessionResponse>, last: SessionResponse) -> SessionResponse {
        last
    }

    fn most_bytes(&self) -> usize {
        self.max_message_bytes
    }

    fn cancellation(id: u64) -> SessionRequest {
        SessionRequest { call: Some(Call::Cancel(id)), ..SessionRequest::default() }
    }

    fn probe(_: u64) -> Option<SessionRequest> {
        None
    }
}
