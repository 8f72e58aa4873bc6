//! What the page of `http` says, done as it stands there, and what a trace shows.

use opentelemetry_proto::tonic::trace::v1::span::SpanKind;

use super::{Site, TOKEN, client, value};
use crate::harness::ServedNode;
use crate::readme;
use crate::scores::assert_page_has_every_option;
use crate::traces::collector::Collector;
use crate::traces::{assert_attributes, one, stop};

const PAGE: &str = include_str!("../../../docs/http.md");

#[tokio::test]
async fn the_file_of_the_page_serves_from_a_server() {
    let site = Site::start().await;
    let mut blocks = readme::fenced(PAGE).filter(|(of, _)| *of == "toml");
    let (_, file) = blocks.next().unwrap();
    let file = file.replace("https://api.example", site.url());
    let file = file.replace("api.example:443", site.place());
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("psycache.toml"), file).unwrap();
    let mut command = readme::shell("psycache serve --config psycache.toml", folder.path());
    command.env("API_TOKEN", TOKEN);
    let node = ServedNode::spawn(command);
    assert_eq!(value(&client(&node).await, "Tom").await, "630");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tour_of_the_readme_goes_through_a_server() {
    let site = Site::start().await;
    readme::tour("http", |serve, folder| {
        let serve = serve.replace("https://api.example", site.url());
        readme::shell(&serve.replace("api.example:443", site.place()), folder)
    });
    assert_eq!(site.requests(), ["/scores/Tom", "/scores/Nobody", "/scores/Tom"]);
}

#[test]
fn the_page_has_every_option() {
    assert_page_has_every_option(PAGE, "http", &[("url", "http://a/{key}")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_a_span_below_that_of_its_retriever() {
    let site = Site::start().await;
    let (collector, url) = Collector::grpc().await;
    let mut command = super::serve(&site, "/scores/{key}", &[]);
    command.args(["--log", "error", "--otlp", &url, "--trace-ratio", "1"]);
    let node = ServedNode::spawn(command);
    assert_eq!(value(&client(&node).await, "Tom").await, "630");
    stop([node]).await;
    let spans = collector.spans();
    let retrieves = one(&spans, "retriever http", SpanKind::Internal);
    let span = one(&spans, "GET", SpanKind::Client);
    assert_eq!((&span.parent, &span.trace), (&retrieves.id, &retrieves.trace));
    let attributes = [
        ("http.request.method", "GET"),
        ("url.template", "/scores/{key}"),
        ("http.response.status_code", "200"),
    ];
    assert_attributes(span, &attributes);
    let shown = format!("{spans:?}");
    assert!(!shown.contains("Tom") && !shown.contains(super::TOKEN), "{shown}");
}
