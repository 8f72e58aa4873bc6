//! The page for people on the HTTP port, its style and its script.

use std::convert::Infallible;
use std::io::Write;
use std::sync::Arc;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
    REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::sync::Semaphore;

use super::groups::Groups;
use super::operations::Operations;
use super::page::{self, History};
use crate::clock::Clock;

/// The page asks nobody but this node, and no other page shows it.
const ONLY_THIS_NODE: &str = "default-src 'none'; style-src 'self'; script-src 'self'; \
                              connect-src 'self'; img-src data:; base-uri 'none'; \
                              form-action 'none'; frame-ancestors 'none'";

/// What the page shows.
#[derive(Clone)]
pub(super) struct Shown {
    groups: Groups,
    operations: Arc<dyn Operations>,
    history: Arc<History>,
    /// One page is made at a time, so that those who ask often take one processor at most.
    rendering: Arc<Semaphore>,
}

impl Shown {
    pub(super) fn new(groups: Groups, operations: Arc<dyn Operations>) -> Self {
        let history = Arc::new(History::new(Clock::monotonic()));
        Self { groups, operations, history, rendering: Arc::new(Semaphore::new(1)) }
    }

    /// Keeps the history.
    pub(super) async fn follow(self) -> Infallible {
        let read = |at_ms| page::read(self.operations.as_ref(), &self.groups, at_ms);
        self.history.follow(read).await
    }

    fn render(&self, number: usize) -> String {
        let status = self.operations.status();
        let now_ms = self.history.now_ms();
        let readings = page::read(self.operations.as_ref(), &self.groups, now_ms);
        let statistics = |group: &str| {
            let group = self.groups.find(group);
            group.map_or_else(|_| Vec::new(), |group| group.parts().worker.status().statistics)
        };
        page::render(&status, &readings, &statistics, &self.history, number)
    }
}

/// The paths of the page.
pub(super) fn routes<S: Clone + Send + Sync + 'static>(shown: &Shown) -> Router<S> {
    Router::new()
        .route("/", get(document))
        .route("/page.css", get(async |headers| sent(&headers, "text/css", page::STYLE)))
        .route("/page.js", get(async |headers| sent(&headers, "text/javascript", page::SCRIPT)))
        .with_state(shown.clone())
}

/// The page. A number that is none gives the first one.
async fn document(
    State(shown): State<Shown>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    shown.groups.ask_statistics().await;
    let number = query.as_deref().and_then(|query| query.strip_prefix("page="));
    let number = number.and_then(|number| number.parse().ok()).unwrap_or(1);
    // Only a closed semaphore fails, and this one stays open.
    let turn = Arc::clone(&shown.rendering).acquire_owned().await;
    // Charts take milliseconds, in which this thread could answer many requests.
    let rendering = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        shown.render(number)
    });
    match rendering.await {
        Ok(html) => sent(&headers, "text/html", &html),
        // The node stops.
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

fn sent(headers: &HeaderMap, kind: &str, text: &str) -> Response {
    let mut response = ().into_response();
    let own = response.headers_mut();
    let kind = format!("{kind}; charset=utf-8");
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, ONLY_THIS_NODE),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-store"),
        (VARY, "accept-encoding"),
    ] {
        own.insert(name, HeaderValue::from_static(value));
    }
    own.insert(CONTENT_TYPE, kind.parse().expect("it has visible characters only"));
    let body = match takes_gzip(headers) {
        true => {
            own.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            gzip(text)
        }
        false => text.to_owned().into_bytes(),
    };
    *response.body_mut() = body.into();
    response
}

fn takes_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers.get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or("");
    accepted.split(',').any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, "q=1"));
        let weight = weight.trim().strip_prefix("q=").and_then(|weight| weight.parse::<f32>().ok());
        name.trim().eq_ignore_ascii_case("gzip") && weight.is_none_or(|weight| weight > 0.0)
    })
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    let written = encoder.write_all(text.as_bytes()).and_then(|()| encoder.finish());
    written.expect("writing to memory can't fail")
}
