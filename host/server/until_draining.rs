//! Ends the calls of a service that is not ours when the node drains: its streams of
//! requests end then, as if the caller had closed them.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::future::{BoxFuture, FutureExt};
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::{Body as HttpBody, Service, http};
use tonic::server::NamedService;

use super::health::Health;

/// A service whose streams of requests end when the node drains.
#[derive(Clone, Debug)]
pub(super) struct UntilDraining<S> {
    pub(super) service: S,
    pub(super) health: Arc<Health>,
}

impl<S: NamedService> NamedService for UntilDraining<S> {
    const NAME: &'static str = S::NAME;
}

impl<S> Service<http::Request<Body>> for UntilDraining<S>
where
    S: Service<http::Request<Body>, Error = Infallible>,
{
    type Response = S::Response;
    type Error = Infallible;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let draining = self.health.draining().boxed();
        self.service.call(request.map(|body| Body::new(Requests { body, draining })))
    }
}

struct Requests {
    body: Body,
    draining: BoxFuture<'static, ()>,
}

impl HttpBody for Requests {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Status>>> {
        if self.draining.poll_unpin(cx).is_ready() {
            return Poll::Ready(None);
        }
        Pin::new(&mut self.body).poll_frame(cx)
    }
}
