//! Many requests at a time on one stream of one connection: how nodes ask each
//! other, and how applications ask nodes.
//!
//! A unary call costs a dozen times the processor time of a message on a stream
//! that is open: headers, a task, a timer and several allocations on both sides.

mod connection;
mod outgoing;
mod receive;
mod signals;
mod stream;

#[cfg(test)]
mod tests;

pub(crate) use connection::{Connection, ConnectionState};
pub(crate) use outgoing::Outgoing;

use std::time::Duration;

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

    /// Requests on the stream at a time; further ones wait here. The other end works
    /// on so many and reads on, so that a cancellation is never behind a request that
    /// is not read.
    const AT_ONCE: usize;

    /// How often a connection is asked whether it lives, while nothing is asked on it
    /// too. `None`: never, which asks for a [`probe`](Self::probe).
    const PING_EVERY: Option<Duration>;

    /// A connection on which nothing was asked for so long, or twice that, is closed.
    /// `None`: it is kept.
    const UNUSED_FOR: Option<Duration>;

    /// The calls on a connection.
    fn calls(&self, channel: Channel) -> Self::Calls;

    /// Opens the stream on which `outgoing` is sent.
    fn open(
        calls: Self::Calls,
        outgoing: Outgoing<Self::Request>,
    ) -> impl Future<Output = Result<Streaming<Self::Response>, Status>> + Send;

    /// The id of the request that is answered.
    fn id(response: &Self::Response) -> u64;

    /// The bytes of an answer of which more is to come; `None`: this is all, or the last.
    fn piece(response: &Self::Response) -> Option<usize>;

    /// The whole of an answer that came in pieces.
    fn joined(pieces: Vec<Self::Response>, last: Self::Response) -> Self::Response;

    /// The most bytes that the pieces of one answer may have.
    fn most_bytes(&self) -> usize;

    /// The message that nobody waits for the answer to `id` any more.
    fn cancellation(id: u64) -> Self::Request;

    /// A request that the other end answers at once, whatever else it does. `None`:
    /// there is none.
    fn probe(id: u64) -> Option<Self::Request>;
}
