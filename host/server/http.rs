//! The HTTP server for monitoring: /metrics, /healthz and /readyz, and the page for people.
//! Nothing here changes the node.

use std::fmt::Write;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::get;

use super::admin_service::Operations;
use super::groups::Groups;
use super::health::{Health, Phase};
use super::incoming::Incoming;
#[cfg(feature = "page")]
use super::page_http;
use crate::proto::StatusResponse;
use crate::telemetry::{Exposition, Metrics};
use crate::tls::Stream;

/// The parts of a node that the pages read.
#[derive(Clone)]
pub(super) struct Watched {
    pub(super) groups: Groups,
    pub(super) health: Arc<Health>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) operations: Arc<dyn Operations>,
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
        .with_state(watched.clone());
    #[cfg(feature = "page")]
    let shown = page_http::Shown::new(watched.groups, watched.operations);
    #[cfg(feature = "page")]
    let (pages, followed) = (pages.merge(page_http::routes(&shown)), shown.follow());
    #[cfg(not(feature = "page"))]
    let followed = std::future::pending::<std::convert::Infallible>();
    tokio::select! {
        served = axum::serve(incoming, pages).with_graceful_shutdown(stop) => served,
        never = followed => match never {},
    }
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

async fn metrics(State(watched): State<Watched>, headers: HeaderMap) -> impl IntoResponse {
    watched.groups.ask_statistics().await;
    let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or("");
    let exposition = Exposition::accepted_by(accept);
    let text = watched.metrics.text(exposition);
    ([(CONTENT_TYPE, exposition.content_type())], text)
}

async fn live() -> &'static str {
    "live\n"
}

/// Whether the node should receive requests, and if not, why. A failed policy or an
/// unreachable registry does not make the node unready, because it still serves requests.
/// The page only lists them.
async fn ready(State(watched): State<Watched>) -> (StatusCode, String) {
    match watched.health.phase() {
        Phase::Starting => {
            let why = "not ready: the other nodes are not known yet\n";
            (StatusCode::SERVICE_UNAVAILABLE, why.into())
        }
        Phase::Leaving | Phase::Draining => {
            (StatusCode::SERVICE_UNAVAILABLE, "not ready: the node is stopping\n".into())
        }
        Phase::Ready => {
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
