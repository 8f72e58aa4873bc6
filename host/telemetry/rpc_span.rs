//! The span of one call that a server answers.

use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt;
use tonic::Code;
use tracing::field::Empty;
use tracing::{Instrument, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::propagation::Parent;
use super::traces;

/// The span of a call, where the call is traced.
#[derive(Clone, Debug)]
pub struct RpcSpan(Option<Span>);

impl RpcSpan {
    /// Opens the span of a call of `method` (`Get`) of `service`
    /// (`psycache.v1.Cache`), below the caller's if it sent one. `parent` is asked
    /// only where there is a collector at all.
    #[must_use]
    pub fn open(
        service: &'static str,
        method: &'static str,
        parent: impl FnOnce() -> Option<Parent>,
    ) -> Self {
        let Some(parent) = traces::choose(parent) else {
            return Self(None);
        };
        let span = tracing::info_span!(
            target: "psycache::rpc",
            "rpc",
            otel.name = format!("{service}/{method}"),
            otel.kind = "server",
            rpc.system = "grpc",
            rpc.service = service,
            rpc.method = method,
            rpc.grpc.status_code = Empty,
            otel.status_code = Empty,
            otel.status_description = Empty,
        );
        if let Some(Parent(parent)) = parent {
            // It can only fail where no layer wants the span.
            let _ = span.set_parent(Context::new().with_remote_span_context(parent));
        }
        Self(Some(span))
    }

    /// Runs `call` inside the span and notes how it ended: `code` says with which
    /// status, and in which words if it is an error. That a key does not exist is
    /// an answer, and no error.
    pub async fn record<T>(
        self,
        call: impl Future<Output = T>,
        code: impl FnOnce(&T) -> (Code, String),
    ) -> T {
        let Some(span) = self.0 else {
            return call.await;
        };
        let answer = call.instrument(span.clone()).await;
        let (code, words) = code(&answer);
        span.record("rpc.grpc.status_code", code as i64);
        if !matches!(code, Code::Ok | Code::NotFound) {
            span.record("otel.status_code", "ERROR");
            span.record("otel.status_description", words);
        }
        answer
    }
}
