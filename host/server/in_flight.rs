//! Counts the gRPC calls in flight, so that a server that stops waits for calls and not for
//! connections. A connection without a call may stay open for ever.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::future::{BoxFuture, FutureExt};
use tokio::sync::Notify;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::{Body as HttpBody, Service, http};

/// A stopping server has no more calls if none comes within this time after the last one.
/// Calls that clients sent before they learned of the stop may be on their way.
const QUIET: Duration = Duration::from_millis(500);

/// The number of calls in flight.
#[derive(Clone, Debug, Default)]
pub(super) struct InFlight(Arc<Calls>);

#[derive(Debug, Default)]
struct Calls {
    /// The counters guard no data, so their operations are relaxed.
    running: AtomicUsize,
    /// All calls that have begun. It wraps.
    begun: AtomicUsize,
    /// Told when `running` falls to 0.
    none: Notify,
}

impl InFlight {
    /// Wraps a service so that its calls are counted here.
    pub(super) fn counting<S>(&self, service: S) -> Counting<S> {
        Counting { service, calls: self.clone() }
    }

    /// Waits until no call has been in flight for [`QUIET`].
    pub(super) async fn ended(&self) {
        loop {
            let none = self.0.none.notified();
            let begun = self.0.begun.load(Ordering::Relaxed);
            if self.0.running.load(Ordering::Relaxed) > 0 {
                none.await;
                continue;
            }
            tokio::time::sleep(QUIET).await;
            if self.0.begun.load(Ordering::Relaxed) == begun {
                return;
            }
        }
    }

    fn begin(&self) -> Call {
        self.0.running.fetch_add(1, Ordering::Relaxed);
        self.0.begun.fetch_add(1, Ordering::Relaxed);
        Call(Arc::clone(&self.0))
    }
}

/// A call in flight. Ends when it is dropped.
#[derive(Debug)]
struct Call(Arc<Calls>);

impl Drop for Call {
    fn drop(&mut self) {
        if self.0.running.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.0.none.notify_waiters();
        }
    }
}

/// A service whose calls are counted, each until its response was sent.
#[derive(Clone, Debug)]
pub(super) struct Counting<S> {
    service: S,
    calls: InFlight,
}

impl<S> Service<http::Request<Body>> for Counting<S>
where
    S: Service<http::Request<Body>, Response = http::Response<Body>>,
    S::Future: Send + 'static,
{
    type Response = http::Response<Counted>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Self::Response, S::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let call = self.calls.begin();
        let response = self.service.call(request);
        response.map(|answer| Ok(answer?.map(|body| Counted { body, _call: call }))).boxed()
    }
}

/// The body of a response; its call is in flight until it is dropped.
#[derive(Debug)]
pub(super) struct Counted {
    body: Body,
    _call: Call,
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Status>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.size_hint()
    }
}
