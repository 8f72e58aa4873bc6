//! The stream between nodes.

use tonic::transport::Channel;
use tonic::{Status, Streaming};

use super::wire;
use crate::proto::peer_client::PeerClient;
use crate::proto::{PeerRequest, PeerResponse};
use crate::transport::multiplex::{Outgoing, Protocol};

/// `psycache.v1.Peer`.
pub(super) struct PeerProtocol {
    pub(super) max_value_bytes: usize,
}

impl Protocol for PeerProtocol {
    type Request = PeerRequest;
    type Response = PeerResponse;
    type Calls = PeerClient<Channel>;

    fn calls(&self, channel: Channel) -> Self::Calls {
        let longest = wire::message_bytes(self.max_value_bytes);
        PeerClient::new(channel)
            .max_decoding_message_size(longest)
            .max_encoding_message_size(longest)
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

    fn cancellation(id: u64) -> PeerRequest {
        wire::cancellation(id)
    }
}
