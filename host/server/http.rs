//! The HTTP server for monitoring: /metrics, /healthz and /readyz, and the page for people.
//! Nothing here changes the node.

use std::fmt::Write;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Extension, Request, State};
use axum::http::header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::sync::watch;

use super::callers::{Callers, Guest};
use super::connections::{self, Caller, HttpVersion};
use super::groups::Groups;
use super::health::{Health, Phase};
use super::http_token::shown_token;
use super::in_flight::InFlight;
use super::incoming::Incoming;
use super::operations::Operations;
#[cfg(feature = "page")]
use super::page_http;
use super::status::in_http;
use crate::access::{Role, Shown};
use crate::error::Error;
use crate::proto::StatusResponse;
use crate::telemetry::{Exposition, Metrics};

/// The parts of a node that the pages read.
#[derive(Clone)]
pub(super) struct Watched {
    pub(super) groups: Groups,
    pub(super) health: Arc<Health>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) operations: Arc<dyn Operations>,
    pub(super) callers: Callers,
}

/// Serves until the sender of `stops` is dropped, then finishes the requests in flight.
pub(super) async fn serve(incoming: Incoming, watched: Watched, stops: watch::Receiver<()>) {
    let probes = Router::new().route("/healthz", get(live)).route("/readyz", get(ready));
    let shown = Router::new().route("/metrics", get(metrics));
    #[cfg(feature = "page")]
    let page = page_http::Shown::new(watched.groups.clone(), Arc::clone(&watched.operations));
    #[cfg(feature = "page")]
    let (shown, followed) = (shown.merge(page_http::routes(&page)), page.follow());
    #[cfg(not(feature = "page"))]
    let followed = std::future::pending::<std::convert::Infallible>();
    let shown = shown.route_layer(middleware::from_fn_with_state(watched.clone(), may_read));
    let pages = probes.merge(shown).fallback(unknown).with_state(watched);
    tokio::select! {
        () = connections::serve(incoming, HttpVersion::One, pages, InFlight::default(), stops) => {}
        never = followed => match never {},
    }
}

async fn metrics(State(watched): State<Watched>, headers: HeaderMap) -> Response {
    watched.groups.ask_statistics().await;
    let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or("");
    let exposition = Exposition::accepted_by(accept);
    let text = watched.metrics.text(exposition);
    ([(CONTENT_TYPE, exposition.content_type())], text).into_response()
}

/// What who asks shows; probes have nothing to show.
fn shown(caller: &Caller, headers: &HeaderMap) -> Result<Shown, Error> {
    Ok(Shown::new(shown_token(headers)?.as_deref(), Arc::clone(&caller.names)))
}

fn guest(callers: &Callers, caller: &Caller, headers: &HeaderMap) -> Result<Guest, Error> {
    callers.known(shown(caller, headers)?, Some(caller.address))
}

/// Lets only those read what follows who may read the metrics.
async fn may_read(
    State(watched): State<Watched>,
    Extension(caller): Extension<Caller>,
    request: Request,
    next: Next,
) -> Response {
    let page = format!("GET {}", request.uri().path());
    match admit(&watched.callers, &caller, request.headers(), &page) {
        Ok(()) => next.run(request).await,
        Err(problem) => refused(&problem),
    }
}

fn admit(callers: &Callers, caller: &Caller, headers: &HeaderMap, page: &str) -> Result<(), Error> {
    match guest(callers, caller, headers) {
        Ok(mut guest) => {
            if callers.are_asked() {
                caller.account.becomes_known();
            }
            guest.admit(page, Role::Metrics, None)
        }
        Err(problem) => {
            let shown = shown(caller, headers).unwrap_or_default();
            let stranger = callers.stranger(&shown, Some(caller.address));
            stranger.refused(page, &problem);
            Err(problem)
        }
    }
}

fn refused(problem: &Error) -> Response {
    let mut response = (in_http(problem), format!("{problem}\n")).into_response();
    match problem {
        Error::Unauthenticated { .. } => {
            // A browser asks for the name and the password of the second.
            for scheme in ["Bearer realm=\"psycache\"", "Basic realm=\"psycache\""] {
                response.headers_mut().append(WWW_AUTHENTICATE, HeaderValue::from_static(scheme));
            }
        }
        Error::RateLimited { retry_after, .. } => {
            let seconds = HeaderValue::from(retry_after.as_secs() + 1);
            response.headers_mut().insert(RETRY_AFTER, seconds);
        }
        _ => {}
    }
    response
}

async fn unknown() -> (StatusCode, String) {
    let page = if cfg!(feature = "page") { "/, " } else { "" };
    let known =
        format!("there is no such page; this port has {page}/metrics, /healthz and /readyz\n");
    (StatusCode::NOT_FOUND, known)
}

async fn live() -> &'static str {
    "live\n"
}

/// Whether the node should receive requests, and if not, why. A failed policy or an
/// unreachable registry does not make the node unready, because it still serves requests.
/// The page only lists them, for those who may read the metrics.
async fn ready(
    State(watched): State<Watched>,
    Extension(caller): Extension<Caller>,
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
            let guest = guest(&watched.callers, &caller, &headers);
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
