//! Plain HTTP for machines that watch: /metrics, /healthz, /readyz.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::TcpListener;

use super::admin_service::Operations;
use super::groups::Groups;
use super::health::{Health, Phase};
use crate::proto::StatusResponse;
use crate::telemetry::{Exposition, Metrics};

/// How long a scrape waits for policies to tell of themselves; of one that is busy
/// for longer stands there what it told before.
const STATISTICS_WAIT: Duration = Duration::from_millis(100);

/// What is told about.
#[derive(Clone)]
pub(super) struct Watched {
    pub(super) groups: Groups,
    pub(super) health: Arc<Health>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) operations: Arc<dyn Operations>,
}

/// Answers until `stop` ends, then finishes what is in flight.
pub(super) async fn serve(
    listener: TcpListener,
    watched: Watched,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let pages = Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(live))
        .route("/readyz", get(ready))
        .with_state(watched);
    axum::serve(listener, pages).with_graceful_shutdown(stop).await
}

async fn metrics(State(watched): State<Watched>, headers: HeaderMap) -> impl IntoResponse {
    watched.groups.ask_statistics(STATISTICS_WAIT).await;
    let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or("");
    let exposition = Exposition::accepted_by(accept);
    let text = watched.metrics.text(exposition);
    ([(CONTENT_TYPE, exposition.content_type())], text)
}

async fn live() -> &'static str {
    "live\n"
}

/// Whether to send requests here, and why not. A policy that failed and a registry
/// that does not answer are no reasons: the node answers all the same, so they are
/// only named.
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

/// A line each if the registry does not answer, and if the node does not hold its keys.
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

/// A line for each group whose policy does not decide.
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
