//! The stream between nodes.

use std::time::Duration;

use bytes::Bytes;
use tonic::{Status, Streaming};

use super::wire;
use crate::proto::peer_client::PeerClient;
use crate::proto::peer_response::Answer;
use crate::proto::{PeerRequest, PeerResponse};
use crate::transport::dial::{Dialer, Link};
use crate::transport::multiplex::{Outgoing, Protocol};
use crate::transport::remote::{Hello, PeerCall, Request};

/// The most requests of one stream that are handled concurrently. The caller obeys this
/// limit, so that the callee can read on while its answers are taken, cancellations above all.
pub(crate) const AT_ONCE: usize = 1_024;

/// Time limit of a probe at the callee, which answers it at once.
const PROBE_WITHIN: Duration = Duration::from_secs(1);

/// `psycache.v1.Peer`.
pub(super) struct PeerProtocol {
    pub(super) max_value_bytes: usize,
    pub(super) dialer: Dialer,
}

impl Protocol for PeerProtocol {
    type Request = PeerRequest;
    type Response = PeerResponse;
    type Calls = PeerClient<Link>;

    const AT_ONCE: usize = AT_ONCE;

    /// A node may have a connection to each of many nodes, so an unused one must cost
    /// nothing. Callers that wait for a node detect that it hangs.
    const PING_EVERY: Option<Duration> = None;

    /// An unused connection is closed before the other end pings, see `server::serve`.
    const UNUSED_FOR: Option<Duration> = Some(Duration::from_secs(12));

    fn dialer(&self) -> &Dialer {
        &self.dialer
    }

    fn calls(&self, link: Link) -> Self::Calls {
        let longest = wire::message_bytes(self.max_value_bytes);
        PeerClient::new(link).max_decoding_message_size(longest).max_encoding_message_size(longest)
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

    fn piece(response: &PeerResponse) -> Option<usize> {
        matches!(response.answer, Some(Answer::Piece(_))).then(|| wire::piece_bytes(response))
    }

    fn joined(pieces: Vec<PeerResponse>, last: PeerResponse) -> PeerResponse {
        wire::joined(pieces, last)
    }

    fn most_bytes(&self) -> usize {
        self.max_value_bytes
    }

    fn cancellation(id: u64) -> PeerRequest {
        wire::cancellation(id)
    }

    fn probe(id: u64) -> Option<PeerRequest> {
        let call = PeerCall::Hello(Hello::default());
        let (group, key) = (Bytes::new(), Bytes::new());
        let request = Request { group, key, call, cluster: 0, revision: 0 };
        Some(wire::encode_request(request, id, PROBE_WITHIN))
    }
}
