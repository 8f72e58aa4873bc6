//! The HTTP server for monitoring: /metrics, /healthz and /readyz.

use std::fmt::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::extract::connect_info::{ConnectInfo, Connected};
use axum::http::header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::serve::IncomingStream;

use super::callers::{Callers, Guest, token};
use super::groups::Groups;
use super::health::{Health, Phase};
use super::incoming::Incoming;
use super::operations::Operations;
use super::status::in_http;
use crate::access::{Role, Shown};
use crate::error::Error;
use crate::proto::StatusResponse;
use crate::telemetry::{Exposition, Metrics};
use crate::tls::Stream;

/// How long a scrape waits for the statistics of the policies. For a policy that takes
/// longer, the page shows its previous statistics.
const STATISTICS_WAIT: Duration = Duration::from_millis(100);

/// The parts of a node that the pages read.
#[derive(Clone)]
pub(super) struct Watched {
    pub(super) groups: Groups,
    pub(super) health: Arc<Health>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) operations: Arc<dyn Operations>,
    pub(super) callers: Callers,
}

/// The address of a client.
#[derive(Clone, Copy)]
struct Client(SocketAddr);

impl Connected<IncomingStream<'_, Incoming>> for Client {
    fn connect_info(stream: IncomingStream<'_, Incoming>) -> Self {
        Self(*stream.remote_addr())
    }
}

/// Serves until `stop` resolves, then finishes the requests in flight.
pub(super) async fn serve(
    incoming: Incoming,
    watched: Watched,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let pages = Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(live))
        .route("/readyz", get(ready))
        .with_state(watched);
    let pages = pages.into_make_service_with_connect_info::<Client>();
    axum::serve(incoming, pages).with_graceful_shutdown(stop).await
}

impl axum::serve::Listener for Incoming {
    type Io = Stream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Stream, SocketAddr) {
        self.next().await
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        Incoming::local_addr(self)
    }
}

async fn metrics(
    State(watched): State<Watched>,
    ConnectInfo(client): ConnectInfo<Client>,
    headers: HeaderMap,
) -> Response {
    if let Err(problem) = admit(&watched.callers, client, &headers) {
        return refused(&problem);
    }
    watched.groups.ask_statistics(STATISTICS_WAIT).await;
    let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or("");
    let exposition = Exposition::accepted_by(accept);
    let text = watched.metrics.text(exposition);
    ([(CONTENT_TYPE, exposition.content_type())], text).into_response()
}

/// Who asks; probes have nothing to show.
fn guest(callers: &Callers, client: Client, headers: &HeaderMap) -> Result<Guest, Error> {
    callers.known(Shown::new(token(headers)?, Arc::default()), Some(client.0))
}

/// Checks that who asks may read the metrics.
fn admit(callers: &Callers, client: Client, headers: &HeaderMap) -> Result<(), Error> {
    const PAGE: &str = "GET /metrics";
    match guest(callers, client, headers) {
        Ok(mut guest) => guest.admit(PAGE, Role::Metrics, None),
        Err(problem) => {
            let shown = token(headers).map(|token| Shown::new(token, Arc::default()));
            callers.stranger(&shown.unwrap_or_default(), Some(client.0)).refused(PAGE, &problem);
            Err(problem)
        }
    }
}

fn refused(problem: &Error) -> Response {
    let mut response = (in_http(problem), format!("{problem}\n")).into_response();
    match problem {
        Error::Unauthenticated { .. } => {
            let scheme = HeaderValue::from_static("Bearer realm=\"psycache\"");
            response.headers_mut().insert(WWW_AUTHENTICATE, scheme);
        }
        Error::RateLimited { retry_after, .. } => {
            let seconds = HeaderValue::from(retry_after.as_secs() + 1);
            response.headers_mut().insert(RETRY_AFTER, seconds);
        }
        _ => {}
    }
    response
}

async fn live() -> &'static str {
    "live\n"
}

/// Whether the node should receive requests, and if not, why. A failed policy or an
/// unreachable registry does not make the node unready, because it still serves requests.
/// The page only lists them, for those who may read the metrics.
async fn ready(
    State(watched): State<Watched>,
    ConnectInfo(client): ConnectInfo<Client>,
    headers: HeaderMap,
) -> (StatusCode, String) {
    match watched.health.phase() {
        Phase::Starting => {
            let why = "not ready: the other nodes are not known yet\n";
            (StatusCode::SERVICE_UNAVAILABLE, why.into())
        }
        Phase::Leaving | Phase::Draining => {
            (StatusCode::SERVICE_UNAVAILABLE, "not ready: the node is stopping\n".into())
        }
        Phase::Ready => {
            let guest = guest(&watched.callers, client, &headers);
            if !guest.is_ok_and(|guest| guest.allows(Role::Metrics)) {
                return (StatusCode::OK, "ready\n".into());
            }
            let status = watched.operations.status();
            (StatusCode::OK, format!("ready\n{}{}", out_of_touch(&status), ailing(status)))
        }
    }
}

/// One line if the registry does not answer, and one if the node does not hold its keys.
fn out_of_touch(status: &StatusResponse) -> String {
    let Some(registry) = &status.registry else { return String::new() };
    let mut lines = String::new();
    if !registry.connected {
        lines += &format!("registry {}: out of touch: {}\n", registry.kind, registry.problem);
    }
    if registry.state != "holds" {
        lines += &format!("keys: the node is {}, so it caches nothing for long\n", registry.state);
    }
    lines
}

/// One line for each group whose policy is not running.
fn ailing(status: StatusResponse) -> String {
    let mut lines = String::new();
    for group in status.groups {
        let policy = group.policy.unwrap_or_default();
        if policy.state != "running" {
            writeln!(
                lines,
                "group {}: policy {} is {}: {}",
                group.name, policy.name, policy.state, policy.problem
            )
            .expect("writing to a string can't fail");
        }
    }
    lines
}
