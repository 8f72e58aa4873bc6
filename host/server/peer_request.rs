//! One request of another node, from its message to the response.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::status::outcome;
use crate::error::Error;
use crate::own_task::{contained, contained_now};
use crate::proto::{PeerRequest, PeerResponse};
use crate::telemetry::RpcSpan;
use crate::telemetry::propagation::Incoming;
use crate::transport::peer::wire;
use crate::transport::remote::{Local, Request};

/// A decoded request.
pub(super) struct Asked {
    id: u64,
    request: Request,
    within: Duration,
    span: RpcSpan,
}

impl Asked {
    /// Decodes `message`. If this version does not know the request, the error is the
    /// response to send.
    pub(super) fn read(mut message: PeerRequest) -> Result<Self, PeerResponse> {
        let id = message.id;
        let traceparent = std::mem::take(&mut message.traceparent);
        let Some((request, within)) = wire::decode_request(message) else {
            let problem = "it asks for something that this version does not know".into();
            let error = Error::InvalidArgument { argument: "call", problem };
            return Err(wire::encode_response(id, Err(error)));
        };
        let incoming = || Incoming::in_text(&traceparent);
        let method = request.call.method();
        let span = RpcSpan::serve_node(wire::SERVICE, method, &request.group, incoming);
        Ok(Self { id, request, within, span })
    }

    pub(super) fn may_be_given_up(&self) -> bool {
        !self.request.call.is_change()
    }

    /// The response, if it is in memory. One that is traced takes the usual way, with its span.
    pub(super) fn answer_from_memory(&self, local: &dyn Local) -> Option<PeerResponse> {
        if !self.span.is_none() {
            return None;
        }
        let answer = contained_now(|| local.answer_from_memory(&self.request)).transpose()?;
        Some(wire::encode_response(self.id, answer.and_then(|answer| answer)))
    }

    /// Executes the request. Its time limit applies only if the request may be given up;
    /// any other request runs to its end. A panic is this request's error, wherever it is polled.
    pub(super) async fn answer(self, local: Arc<dyn Local>) -> PeerResponse {
        let limit = if self.may_be_given_up() { self.within } else { Duration::MAX };
        let Self { id, request, within, span } = self;
        let late = |_| Err(Error::DeadlineExceeded { after: within });
        let answer = async {
            let work = contained(async { local.answer(request, within).await });
            timeout(limit, work).await.map_or_else(late, |ended| ended.and_then(|answer| answer))
        };
        let response = span.record(answer, outcome).await;
        wire::encode_response(id, response)
    }
}
