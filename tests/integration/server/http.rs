//! The pages for machines that watch.

use std::net::SocketAddr;

use psycache::server::ServerConfig;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{served, starting};

/// Status line and headers, and the body.
pub(crate) async fn page(http: SocketAddr, path: &str) -> (String, String) {
    page_as(http, path, "*/*").await
}

async fn page_as(http: SocketAddr, path: &str, accept: &str) -> (String, String) {
    let mut stream = TcpStream::connect(http).await.unwrap();
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {http}\r\nAccept: {accept}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer has a head");
    (head.to_owned(), body.to_owned())
}

#[tokio::test]
async fn readiness_follows_the_node_and_says_why() {
    let served = starting(ServerConfig::default()).await;
    let (head, body) = page(served.http, "/readyz").await;
    assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
    assert!(body.contains("other nodes are not known"), "{body}");
    assert!(page(served.http, "/healthz").await.0.starts_with("HTTP/1.1 200 "));

    served.health.ready();
    let (head, body) = page(served.http, "/readyz").await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    assert_eq!(body, "ready\n");

    served.health.drain();
    let (head, body) = page(served.http, "/readyz").await;
    assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
    assert!(body.contains("stopping"), "{body}");
    assert!(page(served.http, "/healthz").await.0.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn the_metrics_are_openmetrics_and_count_what_happened() {
    let served = served().await;
    for _ in 0..3 {
        served.get("Tom").await.unwrap();
    }
    served.get("missing").await.unwrap_err();
    let (head, body) = page(served.http, "/metrics").await;
    let content_type = "content-type: text/plain; version=0.0.4; charset=utf-8";
    assert!(head.to_lowercase().contains(content_type), "{head}");
    for line in [
        r#"psycache_gets_total{group="scores",result="hit"} 2"#,
        r#"psycache_gets_total{group="scores",result="miss"} 2"#,
        r#"psycache_gets_total{group="notes",result="hit"} 0"#,
        r#"psycache_get_seconds_count{group="scores",result="hit"} 2"#,
        r#"psycache_get_seconds_count{group="scores",result="miss"} 2"#,
        r#"psycache_loads_total{group="scores",source="retriever",outcome="found"} 1"#,
        r#"psycache_loads_total{group="scores",source="retriever",outcome="not-found"} 1"#,
        r#"psycache_load_seconds_count{group="scores",source="retriever"} 2"#,
        r#"psycache_entries{group="scores"} 2"#,
        r#"psycache_capacity_bytes{group="scores"} 1048576"#,
        r#"psycache_policy_info{group="scores",policy="lru",state="running"} 1"#,
        r#"psycache_evictions_total{group="scores",reason="fallback"} 0"#,
    ] {
        assert!(body.lines().any(|found| found == line), "{line}\nis not in\n{body}");
    }
    let wanted = "application/openmetrics-text; version=1.0.0";
    let (head, body) = page_as(served.http, "/metrics", wanted).await;
    let content_type = "content-type: application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert!(head.to_lowercase().contains(content_type), "{head}");
    assert!(body.ends_with("# EOF\n"));
}
