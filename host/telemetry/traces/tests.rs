//! Spans as an exporter gets them.
#![allow(
    clippy::disallowed_methods,
    reason = "a test is a main: #[tokio::test] blocks on its runtime"
)]

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::trace::Status;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData};
use parking_lot::Mutex;
use tonic::Code;
use tracing_subscriber::layer::SubscriberExt;

use super::*;
use crate::telemetry::{RpcSpan, propagation, spans};

const SAMPLED: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// Keeps the spans that would have been sent.
#[derive(Clone, Debug, Default)]
struct Sent(Arc<Mutex<Vec<SpanData>>>);

impl opentelemetry_sdk::trace::SpanExporter for Sent {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.0.lock().extend(batch);
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// The spans of `work`, traced where the parent is and never otherwise.
async fn spans_of(work: impl Future<Output = ()>) -> Vec<SpanData> {
    let sent = Sent::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(sent.clone());
    RATIO.get_or_init(|| 0.0);
    let traces = Traces::new(provider, "a:1");
    let subscriber = tracing_subscriber::registry().with(traces.layer());
    {
        let _current = tracing::subscriber::set_default(subscriber);
        work.await;
    }
    traces.shutdown();
    sent.0.lock().split_off(0)
}

async fn call(traceparent: &str, code: Code) {
    let incoming = || propagation::Incoming::in_text(traceparent);
    let span = RpcSpan::serve("psycache.v1.Cache", "Get", b"scores", incoming);
    let load = async { spans::flight("scores").in_scope(propagation::current) };
    let sent_on = span.record(load, |_| (code, "words".into())).await;
    match traceparent {
        SAMPLED => assert_eq!(sent_on[..36], SAMPLED[..36]),
        // Another test may want the log lines of single requests meanwhile.
        _ => assert!(!sent_on.ends_with("-01"), "{sent_on}"),
    }
}

fn attribute(span: &SpanData, name: &str) -> String {
    let found = span.attributes.iter().find(|pair| pair.key.as_str() == name);
    found.map_or_else(String::new, |pair| pair.value.to_string())
}

#[tokio::test]
async fn a_call_below_a_recorded_parent_is_a_server_span_with_its_load_below() {
    let spans = spans_of(call(SAMPLED, Code::Ok)).await;
    let [load, rpc] = spans.as_slice() else { panic!("{spans:?}") };
    assert_eq!(rpc.name, "psycache.v1.Cache/Get");
    assert_eq!(rpc.span_kind, SpanKind::Server);
    assert_eq!(rpc.span_context.trace_id().to_string(), &SAMPLED[3..35]);
    assert_eq!(rpc.parent_span_id.to_string(), &SAMPLED[36..52]);
    assert_eq!(attribute(rpc, "rpc.system"), "grpc");
    assert_eq!(attribute(rpc, "rpc.service"), "psycache.v1.Cache");
    assert_eq!(attribute(rpc, "rpc.method"), "Get");
    assert_eq!(attribute(rpc, "psycache.group"), "scores");
    assert_eq!(attribute(rpc, "rpc.grpc.status_code"), "0");
    assert_eq!(rpc.status, Status::Unset);
    assert_eq!(load.parent_span_id, rpc.span_context.span_id());
}

#[tokio::test]
async fn an_error_sets_the_status_and_a_missing_key_does_not() {
    let spans = spans_of(async {
        call(SAMPLED, Code::Unavailable).await;
        call(SAMPLED, Code::NotFound).await;
    })
    .await;
    let calls: Vec<_> = spans.iter().filter(|span| span.name.ends_with("Get")).collect();
    assert_eq!(calls.len(), 2);
    assert!(matches!(calls[0].status, Status::Error { .. }), "{:?}", calls[0].status);
    assert_eq!(attribute(calls[0], "rpc.grpc.status_code"), "14");
    assert_eq!(calls[1].status, Status::Unset);
    assert_eq!(attribute(calls[1], "rpc.grpc.status_code"), "5");
}

#[tokio::test]
async fn what_is_not_chosen_leaves_no_span() {
    let spans = spans_of(async {
        call("", Code::Ok).await;
        call(&SAMPLED.replace("-01", "-00"), Code::Ok).await;
    })
    .await;
    assert!(spans.is_empty(), "{spans:?}");
}

#[test]
fn an_address_that_is_no_url_is_refused_with_the_mend() {
    let config = TelemetryConfig { otlp: Some("not a url".into()), ..TelemetryConfig::default() };
    let error = Traces::start(&config, "a:1").unwrap_err().to_string();
    assert!(error.contains("write http://HOST:4317"), "{error}");
}
