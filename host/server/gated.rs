//! Refuses a call by its headers, before its message is read: a stranger's message takes no
//! memory.

use std::convert::Infallible;
use std::fmt;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::future::Either;
use tonic::body::Body;
use tonic::codegen::{Service, http};
use tonic::server::NamedService;

use super::status::status;
use crate::error::Error;

/// Says why a call may not go on.
type Check = Arc<dyn Fn(&http::Request<Body>) -> Result<(), Error> + Send + Sync>;

type Response = http::Response<Body>;

/// A service whose calls are checked.
#[derive(Clone)]
pub struct Gated<S> {
    service: S,
    check: Check,
}

impl<S> Gated<S> {
    pub(super) fn new(
        service: S,
        check: impl Fn(&http::Request<Body>) -> Result<(), Error> + Send + Sync + 'static,
    ) -> Self {
        Self { service, check: Arc::new(check) }
    }
}

impl<S: NamedService> NamedService for Gated<S> {
    const NAME: &'static str = S::NAME;
}

impl<S> Service<http::Request<Body>> for Gated<S>
where
    S: Service<http::Request<Body>, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Either<S::Future, Ready<Result<Response, Infallible>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        match (self.check)(&request) {
            Ok(()) => Either::Left(self.service.call(request)),
            Err(problem) => Either::Right(ready(Ok(status(&problem, b"").into_http()))),
        }
    }
}

impl<S: fmt::Debug> fmt::Debug for Gated<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gated").field("service", &self.service).finish_non_exhaustive()
    }
}
