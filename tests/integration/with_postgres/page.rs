//! What the page of `postgres` says, done as it stands there, and what a trace shows.

use opentelemetry_proto::tonic::trace::v1::span::SpanKind;

use super::{Database, PASSWORD, SCORES, client, node, shared, value};
use crate::harness::ServedNode;
use crate::outages::Source;
use crate::readme;
use crate::scores::assert_page_has_every_option;
use crate::traces::collector::Collector;
use crate::traces::{assert_attributes, one, stop};

const PAGE: &str = include_str!("../../../docs/postgres.md");

/// The one block of the page in `language`.
fn of_the_page(language: &str) -> &'static str {
    let mut blocks = readme::fenced(PAGE).filter(|(of, _)| *of == language);
    let (_, text) = blocks.next().unwrap();
    assert_eq!(blocks.next(), None);
    text
}

#[tokio::test]
async fn the_file_of_the_page_serves_from_a_database() {
    let folder = tempfile::tempdir().unwrap();
    let place = format!("localhost:{}", shared().port());
    let file = of_the_page("toml").replace("db.example:5432", &place);
    std::fs::write(folder.path().join("psycache.toml"), file).unwrap();
    std::fs::write(folder.path().join("ca.pem"), shared().system.authority.pem()).unwrap();
    let mut command = readme::shell("psycache serve --config psycache.toml", folder.path());
    command.env("DB_PASSWORD", PASSWORD);
    let node = ServedNode::spawn(command);
    assert_eq!(value(&client(&node).await, "Tom").await, "630");
}

#[test]
fn the_tour_of_the_readme_goes_through_a_database() {
    readme::tour("postgres", |serve, folder| {
        let serve = serve.replace("127.0.0.1:5432", &shared().address());
        let mut command = readme::shell(&serve, folder);
        command.env("DB_PASSWORD", PASSWORD);
        command
    });
}

#[tokio::test]
async fn the_least_privilege_of_the_page_is_enough() {
    let database = Database::start();
    database.sql("DROP OWNED BY psy; DROP USER psy");
    database.sql(&of_the_page("sql").replace("from the secret", PASSWORD));
    let node = node(&database, SCORES, &[]);
    assert_eq!(value(&client(&node).await, "Tom").await, "630");
}

#[test]
fn the_page_has_every_option() {
    let options = [("dsn", "postgres://psy@db"), ("query", "SELECT $1")];
    assert_page_has_every_option(PAGE, "postgres", &options);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_is_a_span_below_that_of_its_retriever() {
    let (collector, url) = Collector::grpc().await;
    let telemetry = ["--log", "error", "--otlp", &url, "--trace-ratio", "1"];
    let node = node(shared(), SCORES, &telemetry);
    assert_eq!(value(&client(&node).await, "Tom").await, "630");
    stop([node]).await;
    let spans = collector.spans();
    let retrieves = one(&spans, "retriever postgres", SpanKind::Internal);
    for name in ["connect school", "SELECT school"] {
        let span = one(&spans, name, SpanKind::Client);
        assert_eq!((&span.parent, &span.trace), (&retrieves.id, &retrieves.trace));
        assert_attributes(span, &[("db.system.name", "postgresql"), ("db.namespace", "school")]);
    }
    let query = one(&spans, "SELECT school", SpanKind::Client);
    assert_attributes(query, &[("db.query.text", SCORES)]);
    let shown = format!("{spans:?}");
    assert!(!shown.contains("Tom") && !shown.contains(PASSWORD), "{shown}");
}
