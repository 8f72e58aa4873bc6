//! The service of one connection: its calls are counted, and know who makes them.

use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::future::{BoxFuture, FutureExt};
use tonic::body::Body;
use tonic::codegen::{Body as HttpBody, Service, http};

use super::answers::{Answers, Unfinished};
use super::call::Call;
use super::caller::Caller;
use super::requests::Requests;
use crate::server::in_flight::InFlight;

#[derive(Clone, Debug)]
pub(super) struct OfConnection<S> {
    pub(super) service: S,
    pub(super) caller: Caller,
    pub(super) in_flight: InFlight,
}

impl<S, B, A> Service<http::Request<B>> for OfConnection<S>
where
    S: Service<http::Request<Body>, Response = http::Response<A>>,
    S::Future: Send + 'static,
    B: HttpBody<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    A: HttpBody<Data = Bytes> + Unpin,
{
    type Response = http::Response<Answers<A>>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Self::Response, S::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let call = Call::begin(&self.caller.account);
        let mut request = request.map(|body| Body::new(Requests::new(body, Arc::clone(&call))));
        let unfinished = Unfinished { call, is_finished: false, _running: self.in_flight.begin() };
        request.extensions_mut().insert(self.caller.clone());
        let answer = self.service.call(request);
        answer.map(|answer| Ok(Answers::of(answer?, unfinished))).boxed()
    }
}
