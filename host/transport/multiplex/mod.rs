//! Multiplexes many requests on one stream of one connection, between nodes and from
//! applications to nodes.
//!
//! A unary call costs a dozen times the processor time of a message on an open stream:
//! headers, a task, a timer and several allocations on both sides.

mod connection;
mod receive;
mod signals;
mod stream;

#[cfg(test)]
mod tests;

pub(crate) use connection::{Connection, ConnectionState};
pub(crate) use stream::{Broken, Outgoing};

use std::time::Duration;

use tonic::{Status, Streaming};

use super::dial::{Dialer, Link};

/// What goes over the stream, and how one is opened.
pub(crate) trait Protocol: Send + Sync + 'static {
    /// A message to the other end.
    type Request: Send + 'static;
    /// A message from it.
    type Response: Send + 'static;
    /// Calls on the same connection outside of the stream.
    type Calls: Clone + Send + Sync + 'static;

    /// The most requests on the stream at a time. Further ones wait at this end. The
    /// other end handles this many concurrently and reads on while its answers are taken, so a
    /// cancellation never waits behind an unread request.
    const AT_ONCE: usize;

    /// How often the connection is pinged, also while there are no requests. `None`:
    /// never, which requires a [`probe`](Self::probe).
    const PING_EVERY: Option<Duration>;

    /// A connection without requests is closed after this time, or at most twice this
    /// time. `None`: it stays open.
    const UNUSED_FOR: Option<Duration>;

    /// How the connection is made.
    fn dialer(&self) -> &Dialer;

    /// The calls on a connection.
    fn calls(&self, link: Link) -> Self::Calls;

    /// Opens the stream on which `outgoing` is sent.
    fn open(
        calls: Self::Calls,
        outgoing: Outgoing<Self::Request>,
    ) -> impl Future<Output = Result<Streaming<Self::Response>, Status>> + Send;

    /// The id of the request that is answered.
    fn id(response: &Self::Response) -> u64;

    /// The bytes of a piece of an answer, if more pieces follow; `None`: this is the
    /// whole answer, or its last piece.
    fn piece(response: &Self::Response) -> Option<usize>;

    /// Joins the pieces of an answer.
    fn joined(pieces: Vec<Self::Response>, last: Self::Response) -> Self::Response;

    /// The most bytes that the pieces of one answer may have.
    fn most_bytes(&self) -> usize;

    /// The message that cancels the request `id`.
    fn cancellation(id: u64) -> Self::Request;

    /// A request that the other end answers at once, even if it is busy. `None`: there is
    /// none.
    fn probe(id: u64) -> Option<Self::Request>;
}
