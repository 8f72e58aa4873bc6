//! One node and the connection to it.

use std::time::Duration;

use tokio::time::Instant;
use tonic::{Status, Streaming};

use super::{Error, Reason, call};
use crate::proto::cache_client::CacheClient;
use crate::proto::session_request::Call;
use crate::proto::session_response::Answer;
use crate::proto::{SessionRequest, SessionResponse};
use crate::telemetry::propagation;
use crate::transport::dial::{Dialer, Link};
use crate::transport::multiplex::{Connection, Outgoing, Protocol};

/// A message larger than this, in bytes, is sent as a separate call, so that it does not delay
/// small messages on the stream.
const LARGE_BYTES: usize = 64 << 10;

/// A node of the cluster. Dropping it closes the connection.
pub(super) struct Node(Connection<SessionProtocol>);

/// The outcome of a call.
pub(super) enum CallOutcome {
    /// The node's answer, or its own error.
    Answered(Result<Answer, Error>),
    /// The node did not answer, for this reason; another node may. The node may still have
    /// executed the call.
    Lost(String),
}

impl Node {
    pub(super) fn new(address: &str, max_value_bytes: usize, dialer: Dialer) -> Self {
        let max_message_bytes = max_value_bytes.saturating_add(LARGE_BYTES);
        Self(Connection::new(address, SessionProtocol { max_message_bytes, dialer }))
    }

    pub(super) fn address(&self) -> &str {
        self.0.address()
    }

    /// Sends a call. The caller must stop waiting at `end`.
    pub(super) async fn ask(&self, call: Call, end: Instant) -> CallOutcome {
        if call.encoded_len() <= LARGE_BYTES {
            match self.0.ask(false, |id| small(id, call.clone(), end)).await {
                Ok(SessionResponse { answer: Some(Answer::Large(_)), .. }) => {}
                Ok(response) => return answered(response),
                Err(problem) => return CallOutcome::Lost(problem.to_string()),
            }
        }
        match self.0.calls().await {
            Ok(calls) => beside(calls, call, end).await,
            Err(problem) => CallOutcome::Lost(problem.to_string()),
        }
    }
}

/// The message of `call` on the stream.
fn small(id: u64, call: Call, end: Instant) -> SessionRequest {
    let within = end.saturating_duration_since(Instant::now());
    SessionRequest {
        id,
        timeout_ms: u32::try_from(within.as_millis()).unwrap_or(u32::MAX).max(1),
        traceparent: propagation::current(),
        inline_bytes: LARGE_BYTES as u64,
        call: Some(call),
    }
}

fn answered(response: SessionResponse) -> CallOutcome {
    match response.answer {
        Some(Answer::Failure(failure)) => failed(failure.into()),
        Some(answer) => CallOutcome::Answered(Ok(answer)),
        None => CallOutcome::Answered(Err(Error::strange(&"nothing"))),
    }
}

/// Makes `call` as a separate call, not on the stream.
async fn beside(calls: CacheClient<Link>, call: Call, end: Instant) -> CallOutcome {
    let within = end.saturating_duration_since(Instant::now());
    match call::unary(calls, call, within).await {
        Ok(answer) => CallOutcome::Answered(Ok(answer)),
        Err(status) => match Error::told(&status) {
            Some(error) => failed(error),
            None => CallOutcome::Lost(status.message().to_owned()),
        },
    }
}

/// Treats a node that is stopping as unreachable.
fn failed(error: Error) -> CallOutcome {
    match error.reason {
        Reason::Stopping => CallOutcome::Lost(error.message),
        _ => CallOutcome::Answered(Err(error)),
    }
}

/// `psycache.v1.Cache`, whose `Session` is the stream.
struct SessionProtocol {
    max_message_bytes: usize,
    dialer: Dialer,
}

impl Protocol for SessionProtocol {
    type Request = SessionRequest;
    type Response = SessionResponse;
    type Calls = CacheClient<Link>;

    /// How many requests a node with the default window reads ahead of its answers.
    const AT_ONCE: usize = 512;

    /// A client has no other way to detect a node that hangs.
    const PING_EVERY: Option<Duration> = Some(Duration::from_millis(500));

    const UNUSED_FOR: Option<Duration> = None;

    fn dialer(&self) -> &Dialer {
        &self.dialer
    }

    fn calls(&self, link: Link) -> Self::Calls {
        CacheClient::new(link)
            .max_decoding_message_size(self.max_message_bytes)
            .max_encoding_message_size(self.max_message_bytes)
    }

    async fn open(
        mut calls: Self::Calls,
        outgoing: Outgoing<SessionRequest>,
    ) -> Result<Streaming<SessionResponse>, Status> {
        Ok(calls.session(outgoing).await?.into_inner())
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
