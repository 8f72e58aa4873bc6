//! A collector of traces, as OTLP has it, that keeps what it gets.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode as SpanStatus;
use parking_lot::Mutex;
use prost::Message;
use tokio::net::TcpListener;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

/// A span as it arrived.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Span {
    pub(crate) trace: String,
    pub(crate) id: String,
    /// Empty for none.
    pub(crate) parent: String,
    pub(crate) name: String,
    pub(crate) kind: SpanKind,
    /// Values as text.
    pub(crate) attributes: BTreeMap<String, String>,
    /// The attributes that are whole numbers, and not text.
    pub(crate) numbers: BTreeSet<String>,
    /// Spans that it points to.
    pub(crate) links: Vec<String>,
    pub(crate) failed: bool,
    pub(crate) words: String,
    pub(crate) took_ns: u64,
    /// Attributes of the process.
    pub(crate) resource: BTreeMap<String, String>,
}

impl Span {
    /// An attribute's value as text, empty if it is not there.
    pub(crate) fn attribute(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }
}

/// What arrived so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Collector(Arc<Mutex<Vec<Span>>>);

impl Collector {
    /// Listens for gRPC. Gives the URL for `--otlp` too.
    pub(crate) async fn grpc() -> (Self, String) {
        let collector = Self::default();
        let (listener, url) = listener().await;
        let server = Server::builder().add_service(TraceServiceServer::new(collector.clone()));
        tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
        (collector, url)
    }

    /// The same for HTTP.
    pub(crate) async fn http() -> (Self, String) {
        let collector = Self::default();
        let (listener, url) = listener().await;
        let pages = Router::new().route("/v1/traces", post(take)).with_state(collector.clone());
        tokio::spawn(async { axum::serve(listener, pages).await });
        (collector, format!("{url}/v1/traces"))
    }

    /// The spans of one trace.
    pub(crate) fn trace(&self, trace: &str) -> Vec<Span> {
        let all = self.0.lock();
        all.iter().filter(|span| span.trace == trace).cloned().collect()
    }

    /// All spans.
    pub(crate) fn spans(&self) -> Vec<Span> {
        self.0.lock().clone()
    }

    fn keep(&self, export: ExportTraceServiceRequest) {
        for of_process in export.resource_spans {
            let resource = texts(of_process.resource.map_or_else(Vec::new, |r| r.attributes));
            let spans = of_process.scope_spans.into_iter().flat_map(|scope| scope.spans);
            self.0.lock().extend(spans.map(|span| Span {
                trace: hex(&span.trace_id),
                id: hex(&span.span_id),
                parent: hex(&span.parent_span_id),
                kind: span.kind(),
                took_ns: span.end_time_unix_nano - span.start_time_unix_nano,
                name: span.name,
                numbers: numbers(&span.attributes),
                attributes: texts(span.attributes),
                links: span.links.iter().map(|link| hex(&link.span_id)).collect(),
                failed: span.status.as_ref().is_some_and(|s| s.code() == SpanStatus::Error),
                words: span.status.map_or_else(String::new, |status| status.message),
                resource: resource.clone(),
            }));
        }
    }
}

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.keep(request.into_inner());
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

async fn take(State(collector): State<Collector>, body: Bytes) -> (StatusCode, Vec<u8>) {
    match ExportTraceServiceRequest::decode(body) {
        Ok(export) => {
            collector.keep(export);
            (StatusCode::OK, ExportTraceServiceResponse::default().encode_to_vec())
        }
        Err(_) => (StatusCode::BAD_REQUEST, Vec::new()),
    }
}

async fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

fn numbers(attributes: &[KeyValue]) -> BTreeSet<String> {
    let value = |pair: &KeyValue| pair.value.as_ref().and_then(|value| value.value.clone());
    let is_number = |pair: &&KeyValue| matches!(value(pair), Some(Value::IntValue(_)));
    attributes.iter().filter(is_number).map(|pair| pair.key.clone()).collect()
}

fn texts(attributes: Vec<KeyValue>) -> BTreeMap<String, String> {
    let text = |value: Option<AnyValue>| match value.and_then(|value| value.value) {
        Some(Value::StringValue(text)) => text,
        Some(Value::BoolValue(value)) => value.to_string(),
        Some(Value::IntValue(value)) => value.to_string(),
        Some(Value::DoubleValue(value)) => value.to_string(),
        other => format!("{other:?}"),
    };
    attributes.into_iter().map(|pair| (pair.key, text(pair.value))).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
