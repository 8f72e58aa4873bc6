//! What the retriever asks of the database, in the trace of the get that needs it.

use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use tonic::Code;

use super::{PASSWORD, SCORES, client, node, refused, shared, value};
use crate::traces::collector::{Collector, Span};
use crate::traces::{assert_attributes, one, stop};

/// The spans of one get of Tom, which `query` answers or not.
async fn traced(query: &str, refusal: Option<(Code, &str)>) -> Vec<Span> {
    let (collector, url) = Collector::grpc().await;
    let telemetry = ["--log", "error", "--otlp", &url, "--trace-ratio", "1"];
    let node = node(shared(), query, &telemetry);
    let client = client(&node).await;
    match refusal {
        None => assert_eq!(value(&client, "Tom").await, "630"),
        Some(refusal) => refused(&client, "Tom", refusal, &[]).await,
    }
    drop(client);
    stop([node]).await;
    let spans = collector.spans();
    assert!(!format!("{spans:?}").contains(PASSWORD), "a trace shows the password");
    spans
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_is_a_span_below_that_of_its_retriever() {
    let spans = traced(SCORES, None).await;
    let retrieves = one(&spans, "retriever mysql", SpanKind::Internal);
    let (host, port) = shared().address().rsplit_once(':').map(owned).unwrap();
    for name in ["connect school", "SELECT school"] {
        let span = one(&spans, name, SpanKind::Client);
        assert_eq!((&span.parent, &span.trace), (&retrieves.id, &retrieves.trace));
        assert!(!span.failed && span.took_ns <= retrieves.took_ns, "{span:#?}");
        assert_attributes(
            span,
            &[
                ("db.system.name", "mysql"),
                ("db.namespace", "school"),
                ("db.operation.name", name.split_whitespace().next().unwrap()),
                ("server.address", &host),
                ("server.port", &port),
            ],
        );
    }
    let query = one(&spans, "SELECT school", SpanKind::Client);
    assert_attributes(query, &[("db.query.text", SCORES)]);
    assert!(spans.iter().all(|span| !format!("{:?}", span.attributes).contains("Tom")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_fails_says_why_in_its_span() {
    let query = "SELECT (SELECT score FROM student WHERE name <> ?)";
    let spans = traced(query, Some((Code::PermissionDenied, "SOURCE_REJECTED"))).await;
    let span = one(&spans, "SELECT school", SpanKind::Client);
    assert!(span.failed && span.words.contains("more than 1 row"), "{span:#?}");
    assert!(!one(&spans, "connect school", SpanKind::Client).failed);
}

fn owned((host, port): (&str, &str)) -> (String, String) {
    (host.to_owned(), port.to_owned())
}
