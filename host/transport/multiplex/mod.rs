//! Many requests at a time on one stream of one connection: how nodes ask each
//! other, and how applications ask nodes.
//!
//! A unary call costs a dozen times the processor time of a message on a stream
//! that is open: headers, a task, a timer and several allocations on both sides.

mod exchange;
mod link;

pub(crate) use exchange::{Broken, Outgoing};
pub(crate) use link::{Link, State};

use tonic::transport::Channel;
use tonic::{Status, Streaming};

/// What goes over the stream, and how one is opened.
pub(crate) trait Protocol: Send + Sync + 'static {
    /// A message to the other end.
    type Request: Send + 'static;
    /// A message from it.
    type Response: Send + 'static;
    /// Calls on the same connection outside of the stream.
    type Calls: Clone + Send + Sync + 'static;

    /// The calls on a connection.
    fn calls(&self, channel: Channel) -> Self::Calls;

    /// Opens the stream on which `outgoing` is sent.
    fn open(
        calls: Self::Calls,
        outgoing: Outgoing<Self::Request>,
    ) -> impl Future<Output = Result<Streaming<Self::Response>, Status>> + Send;

    /// The id of the request that is answered.
    fn id(response: &Self::Response) -> u64;

    /// The message that nobody waits for the answer to `id` any more.
    fn cancellation(id: u64) -> Self::Request;
}
