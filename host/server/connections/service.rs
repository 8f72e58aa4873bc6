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
        let call = Call::begin(&self.caller.account, self.in_flight.begin());
        let mut request = request.map(|body| Body::new(Requests::new(body, Arc::clone(&call))));
        let unfinished = Unfinished { call, is_finished: false };
        request.extensions_mut().insert(self.caller.clone());
        let answer = self.service.call(request);
        answer.map(|answer| Ok(Answers::of(answer?, unfinished))).boxed()
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "#[tokio::test] blocks on its runtime")]
mod tests {
    use std::convert::Infallible;
    use std::future::{Ready, ready};

    use http_body_util::{BodyExt, Full};

    use super::super::account::Account;
    use super::*;

    /// Answers with one part.
    struct Whole;

    impl Service<http::Request<Body>> for Whole {
        type Response = http::Response<Full<Bytes>>;
        type Error = Infallible;
        type Future = Ready<Result<Self::Response, Infallible>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, _: http::Request<Body>) -> Self::Future {
            ready(Ok(http::Response::new(Full::new(Bytes::from_static(b"a part")))))
        }
    }

    #[tokio::test]
    async fn a_call_is_in_flight_until_the_transport_has_written_its_answer() {
        let (in_flight, account) = (InFlight::default(), Account::of_no_listener());
        let address = "127.0.0.1:1".parse().expect("an address");
        let caller = Caller { names: Arc::default(), address, memory: Arc::default(), account };
        let mut service = OfConnection { service: Whole, caller, in_flight: in_flight.clone() };
        let answer = service.call(http::Request::new(Full::new(Bytes::new()))).await;
        let mut body = answer.expect("it answers").into_body();
        let part = body.frame().await.expect("a part").expect("no error").into_data();
        assert!(body.frame().await.is_none(), "the transport has all of it");
        drop(body);

        assert_eq!(in_flight.running(), 1, "the part is not written yet");
        drop(part.expect("data"));
        assert_eq!(in_flight.running(), 0);
    }
}
