//! The span of one call, on the server and on the client.

use std::pin::pin;

use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt;
use tonic::Code;
use tracing::field::Empty;
use tracing::{Instrument, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::propagation::{Incoming, Parent};
use super::traces::{self, Chosen, Roots};
use super::{GetResult, spans};
use crate::host_port::HostPort;

/// The span of a call, or nothing if the call has none.
#[derive(Clone, Debug)]
pub(crate) struct RpcSpan(Option<Span>);

impl RpcSpan {
    /// Opens the server span of an application's call of `method` (`Get`) of `service`
    /// (`psycache.v1.Cache`). It is a child of the caller's span. Of the calls without one,
    /// a share starts a new trace. `incoming` is called only if it is needed.
    #[must_use]
    pub(crate) fn serve<'a>(
        service: &'static str,
        method: &'static str,
        group: &[u8],
        incoming: impl FnOnce() -> Incoming<'a>,
    ) -> Self {
        Self::open("grpc", service, method, group, traces::choose(Roots::ByRatio, incoming))
    }

    /// Opens the server span of a Redis client's `command`. Such a client has no span that it
    /// could be the child of.
    #[must_use]
    pub(crate) fn serve_redis(command: &'static str, group: &str) -> Self {
        let chosen = traces::choose(Roots::ByRatio, Incoming::default);
        Self::open("redis", "redis", command, group.as_bytes(), chosen)
    }

    /// Opens the server span of a call by another node. It never starts a trace, because the
    /// node that received the application's request has decided whether there is one.
    #[must_use]
    pub(crate) fn serve_node<'a>(
        service: &'static str,
        method: &'static str,
        group: &[u8],
        incoming: impl FnOnce() -> Incoming<'a>,
    ) -> Self {
        Self::open("grpc", service, method, group, traces::choose(Roots::Never, incoming))
    }

    fn open(
        system: &'static str,
        service: &'static str,
        method: &'static str,
        group: &[u8],
        chosen: Option<Chosen>,
    ) -> Self {
        let Some(Chosen { parent, sampled }) = chosen else {
            return Self(None);
        };
        let span = tracing::info_span!(
            target: "psycache::rpc",
            "rpc",
            otel.name = format!("{service}/{method}"),
            otel.kind = if sampled { "server" } else { "internal" },
            rpc.system = system,
            rpc.service = service,
            rpc.method = method,
            rpc.grpc.status_code = Empty,
            psycache.group = &*String::from_utf8_lossy(group),
            psycache.result = Empty,
            cache.hit = Empty,
            "error.type" = Empty,
            otel.status_code = Empty,
            otel.status_description = Empty,
        );
        if let Some(Parent(parent)) = parent {
            // This fails only if no layer records the span.
            let _ = span.set_parent(Context::new().with_remote_span_context(parent));
        }
        Self(Some(span))
    }

    /// Opens the client span of a call of `method` of `service` to another node, as a child
    /// of the current span.
    #[must_use]
    pub(crate) fn ask(service: &'static str, method: &'static str, address: &str) -> Self {
        if !spans::is_traced() {
            return Self(None);
        }
        let server = HostPort::parse(address);
        Self(Some(tracing::info_span!(
            target: "psycache::rpc",
            "rpc",
            otel.name = format!("{service}/{method}"),
            otel.kind = "client",
            rpc.system = "grpc",
            rpc.service = service,
            rpc.method = method,
            rpc.grpc.status_code = Empty,
            server.address = server.map_or(address, |server| server.host),
            // The bridge to OpenTelemetry writes an unsigned number as text.
            server.port = server.map(|server| i64::from(server.port)),
            "error.type" = Empty,
            otel.status_code = Empty,
            otel.status_description = Empty,
        )))
    }

    /// Whether the call has none.
    #[must_use]
    pub(crate) fn is_none(&self) -> bool {
        self.0.is_none()
    }

    /// Records the result of a get.
    pub(crate) fn got(&self, result: GetResult) {
        if let Some(span) = &self.0 {
            span.record("psycache.result", result.label());
            span.record("cache.hit", result.is_from_memory());
        }
    }

    /// Runs `call` inside the span and records its status. `code` returns the status code
    /// and the error message of the result. `NotFound` is not recorded as an error.
    pub(crate) async fn record<T>(
        &self,
        call: impl Future<Output = T>,
        code: impl FnOnce(&T) -> (Code, String),
    ) -> T {
        // Pinned here, since each place that awaited `call` itself would make room for it.
        let mut call = pin!(call);
        let Some(span) = &self.0 else {
            return call.await;
        };
        let unended = Unended(span);
        let answer = call.as_mut().instrument(span.clone()).await;
        std::mem::forget(unended);
        let (code, words) = code(&answer);
        span.record("rpc.grpc.status_code", code as i64);
        if !matches!(code, Code::Ok | Code::NotFound) {
            span.record("error.type", format!("{code:?}"));
            spans::fail(span, &words);
        }
        answer
    }
}

/// Records the status "cancelled" when dropped: a caller that gives up drops its call.
struct Unended<'a>(&'a Span);

impl Drop for Unended<'_> {
    fn drop(&mut self) {
        self.0.record("rpc.grpc.status_code", Code::Cancelled as i64);
    }
}
