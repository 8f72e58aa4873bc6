//! Replaces tonic's status for a message that is too long by the status of `TooLarge`.
//!
//! tonic refuses a message by its length prefix, before a service sees it, with
//! OUT_OF_RANGE. For callers this is the same error as a value that is too large for its
//! group.

use std::convert::Infallible;
use std::task::{Context, Poll};

use futures::TryFutureExt;
use futures::future::MapOk;
use tonic::body::Body;
use tonic::codegen::{Service, http};
use tonic::server::NamedService;
use tonic::{Code, Status};

use super::status::status;
use crate::error::Error;

/// Bytes by which a message may exceed the value in it: key, group, framing.
const OVERHEAD: usize = 64 << 10;

/// The longest message for values of at most `max_value_bytes`.
pub(super) fn max_message_bytes(max_value_bytes: usize) -> usize {
    max_value_bytes.saturating_add(OVERHEAD)
}

/// Converts tonic's status for a message that is too long into our own. Any other status
/// is returned as it is.
pub(super) fn restated(refused: Status) -> Status {
    if refused.code() != Code::OutOfRange {
        return refused;
    }
    let numbers = refused.message().split(|c: char| !c.is_ascii_digit());
    let mut numbers = numbers.filter_map(|digits| digits.parse().ok());
    match (numbers.next(), numbers.next()) {
        (Some(bytes), Some(limit)) => {
            let what = "the longest message that this node takes";
            status(&Error::TooLarge { bytes, limit, what }, b"")
        }
        _ => Status::resource_exhausted(refused.message()),
    }
}

/// A service whose refusals of long messages are [`restated`].
#[derive(Clone, Debug)]
pub(super) struct Restating<S>(pub(super) S);

impl<S: NamedService> NamedService for Restating<S> {
    const NAME: &'static str = S::NAME;
}

type Response = http::Response<Body>;

impl<S> Service<http::Request<Body>> for Restating<S>
where
    S: Service<http::Request<Body>, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = MapOk<S::Future, fn(Response) -> Response>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        self.0.call(request).map_ok(|response| {
            // A call that was refused before its handler ran has its status in the headers.
            match Status::from_header_map(response.headers()) {
                Some(refused) if refused.code() == Code::OutOfRange => {
                    restated(refused).into_http()
                }
                _ => response,
            }
        })
    }
}
