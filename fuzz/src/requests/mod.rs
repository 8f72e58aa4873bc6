//! Calls of every method, several at a time: bytes as they may come out of a
//! connection, or messages with something in them, answered by the services of a
//! real node. Only the transport below them is left out.
//!
//! Every call gets an end that its client can understand, and afterwards the
//! stores hold what their entries weigh, within the capacity.

mod call;
mod contract;
mod message;
mod method;
pub(crate) mod server;

use arbitrary::{Arbitrary, Unstructured};

use call::Call;
use server::Server;

/// Most calls at a time.
const CALLS: usize = 8;

/// Runs one input.
///
/// # Panics
/// A call ends in a way that the contract does not know, or bytes are lost.
pub fn run(input: &[u8]) {
    let Ok(calls) = Vec::<Call>::arbitrary_take_rest(Unstructured::new(input)) else {
        return;
    };
    Server::shared().answer(calls.into_iter().take(CALLS));
}
