//! Accepts the connections of a listener and serves HTTP on them, until the node stops.

use std::convert::Infallible;
use std::error::Error;
use std::iter::successors;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tonic::body::Body;
use tonic::codegen::{Body as HttpBody, Service, http};

use super::admission::Admitted;
use super::caller::Caller;
use super::limits::ConnectionLimits;
use super::listener::Reason;
use super::service::OfConnection;
use crate::server::in_flight::InFlight;
use crate::server::incoming::Incoming;
use crate::tls::Stream;

/// Keepalive of an idle HTTP/2 connection, so that a client that lost its power does not hold a
/// session for ever.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// HTTP/2 flow control windows: bytes that a client may send before the server reads them.
/// They are large enough for a fast network and small enough for many clients.
const STREAM_WINDOW_BYTES: u32 = 1 << 20;
const CONNECTION_WINDOW_BYTES: u32 = 4 << 20;

/// How long a client that has asked nothing may take to leave once it was told to.
const FAREWELL: Duration = Duration::from_secs(1);

/// The least buffer of a connection of HTTP/1.
const LEAST_BUFFER_BYTES: usize = 8 << 10;

/// The version of HTTP that a listener speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server) enum HttpVersion {
    One,
    Two,
}

/// Serves until the sender of `stops` is dropped, then until all connections have ended. Each
/// ends after its calls in flight, or when this is dropped.
pub(in crate::server) async fn serve<S, A>(
    mut incoming: Incoming,
    version: HttpVersion,
    service: S,
    in_flight: InFlight,
    stops: watch::Receiver<()>,
) where
    S: Service<http::Request<Body>, Response = http::Response<A>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send + 'static,
    A: HttpBody<Data = Bytes> + Send + Unpin + 'static,
    A::Error: Into<Box<dyn Error + Send + Sync>> + Send + Sync,
{
    let builder = builder(version, incoming.limits());
    let mut connections = JoinSet::new();
    let mut stopped = std::pin::pin!(closed(stops.clone()));
    loop {
        tokio::select! {
            () = &mut stopped => break,
            Some(_) = connections.join_next() => {}
            (stream, admitted) = incoming.next() => {
                let account = Arc::clone(&admitted.account);
                let (names, address) = (stream.names(), admitted.address);
                let caller = Caller { names, address, memory: Arc::default(), account };
                let (service, in_flight) = (service.clone(), in_flight.clone());
                let service = OfConnection { service, caller, in_flight };
                let (builder, stops) = (builder.clone(), stops.clone());
                connections.spawn(connection(builder, stream, admitted, service, stops));
            }
        }
    }
    drop(incoming);
    while connections.join_next().await.is_some() {}
}

/// Serves one connection.
async fn connection<S, A>(
    builder: Builder<TokioExecutor>,
    stream: Stream,
    admitted: Admitted,
    service: OfConnection<S>,
    stops: watch::Receiver<()>,
) where
    S: Service<http::Request<Body>, Response = http::Response<A>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send + 'static,
    A: HttpBody<Data = Bytes> + Send + Unpin + 'static,
    A::Error: Into<Box<dyn Error + Send + Sync>> + Send + Sync,
{
    let service = TowerToHyperService::new(service);
    let mut served = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
    let account = &admitted.account;
    let mut ended = std::pin::pin!(account.ended());
    let mut is_silent = std::pin::pin!(account.asks_nothing(Duration::ZERO));
    let mut has_overstayed = std::pin::pin!(account.asks_nothing(FAREWELL));
    let mut stopped = std::pin::pin!(closed(stops));
    let (mut is_stopping, mut was_silent) = (false, false);
    loop {
        tokio::select! {
            served = &mut served => {
                if let Err(problem) = served {
                    match fault(&*problem) {
                        Some(Reason::FirstRequest) if was_silent => {}
                        Some(reason) => admitted.note(reason),
                        None => tracing::debug!(%problem, "A connection broke"),
                    }
                }
                return;
            }
            reason = &mut ended => return admitted.note(reason),
            // A client of HTTP/2 that keeps an idle connection learns of it by a GOAWAY, and is
            // answered if its first request is on the way.
            () = &mut is_silent, if !was_silent => {
                was_silent = true;
                admitted.note(Reason::FirstRequest);
                served.as_mut().graceful_shutdown();
            }
            () = &mut has_overstayed => return,
            () = &mut stopped, if !is_stopping => {
                is_stopping = true;
                served.as_mut().graceful_shutdown();
            }
        }
    }
}

fn builder(version: HttpVersion, limits: &ConnectionLimits) -> Builder<TokioExecutor> {
    let builder = Builder::new(TokioExecutor::new());
    let mut builder = match version {
        HttpVersion::One => builder.http1_only(),
        HttpVersion::Two => builder.http2_only(),
    };
    let most_headers = usize::try_from(limits.max_header_bytes).unwrap_or(usize::MAX);
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.first_request_timeout)
        .max_buf_size(most_headers.max(LEAST_BUFFER_BYTES));
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(KEEPALIVE_INTERVAL)
        .keep_alive_timeout(KEEPALIVE_TIMEOUT)
        .max_concurrent_streams(limits.max_streams)
        .max_header_list_size(u32::try_from(limits.max_header_bytes).unwrap_or(u32::MAX))
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES);
    builder
}

/// What the client did if the library ended its connection for that: it let the head of a request
/// of HTTP/1 wait, or sent frames of HTTP/2 that only a flood has.
fn fault(problem: &(dyn Error + 'static)) -> Option<Reason> {
    let mut causes = successors(Some(problem), |error: &&(dyn Error + 'static)| (*error).source());
    causes.find_map(|cause| {
        if let Some(flood) = cause.downcast_ref::<h2::Error>() {
            let is_calmed = flood.reason() == Some(h2::Reason::ENHANCE_YOUR_CALM);
            return (flood.is_library() && is_calmed).then_some(Reason::Flood);
        }
        // Of HTTP/2 it is the answer to a ping that is late.
        let late = cause.downcast_ref::<hyper::Error>().filter(|_| cause.source().is_none())?;
        late.is_timeout().then_some(Reason::FirstRequest)
    })
}

/// Waits until the sender is dropped.
async fn closed(mut signal: watch::Receiver<()>) {
    while signal.changed().await.is_ok() {}
}
