//! What the page of `redis` says, done as it stands there, and what a trace shows.

use opentelemetry_proto::tonic::trace::v1::span::SpanKind;

use super::{PASSWORD, Server, client, node, value};
use crate::harness::ServedNode;
use crate::readme;
use crate::scores::assert_page_has_every_option;
use crate::traces::collector::Collector;
use crate::traces::{assert_attributes, one, stop};

const PAGE: &str = include_str!("../../../docs/redis.md");

/// The one block of the page in `language`.
fn of_the_page(language: &str) -> &'static str {
    let mut blocks = readme::fenced(PAGE).filter(|(of, _)| *of == language);
    let (_, text) = blocks.next().unwrap();
    assert_eq!(blocks.next(), None);
    text
}

#[tokio::test]
async fn the_file_and_the_user_of_the_page_are_enough() {
    let server = Server::start();
    server.does(&["ACL", "DELUSER", "psy"]);
    let user = of_the_page("redis").replace("from-the-secret", PASSWORD);
    server.does(&user.split_whitespace().collect::<Vec<_>>());
    let folder = tempfile::tempdir().unwrap();
    let file = of_the_page("toml").replace("cache.example:6380", &server.tls_place());
    std::fs::write(folder.path().join("psycache.toml"), file).unwrap();
    std::fs::write(folder.path().join("ca.pem"), server.authority.pem()).unwrap();
    let mut command = readme::shell("psycache serve --config psycache.toml", folder.path());
    command.env("REDIS_PASSWORD", PASSWORD);
    let node = ServedNode::spawn(command);
    assert_eq!(value(&client(&node).await, "Tom").await, "630");
}

#[test]
fn the_page_has_every_option() {
    assert_page_has_every_option(PAGE, "redis", &[("dsn", "redis://db")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_is_a_span_below_that_of_its_retriever() {
    let server = Server::start();
    let (collector, url) = Collector::grpc().await;
    let telemetry = ["--log", "error", "--otlp", &url, "--trace-ratio", "1"];
    let node = node(&server, &[], &telemetry);
    assert_eq!(value(&client(&node).await, "Tom").await, "630");
    stop([node]).await;
    let spans = collector.spans();
    let retrieves = one(&spans, "retriever redis", SpanKind::Internal);
    for name in ["connect 0", "GET 0"] {
        let span = one(&spans, name, SpanKind::Client);
        assert_eq!((&span.parent, &span.trace), (&retrieves.id, &retrieves.trace));
        assert_attributes(span, &[("db.system.name", "redis"), ("db.namespace", "0")]);
    }
    let shown = format!("{spans:?}");
    assert!(!shown.contains("Tom") && !shown.contains(PASSWORD), "{shown}");
}
