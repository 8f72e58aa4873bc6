//! What becomes of each answer of a server.

use futures::future::join_all;
use psycache::proto::Origin;
use tokio::net::TcpListener;

use super::{
    BAD_VALUE, INVALID_KEY, LATE, NOT_FOUND, REJECTED, Site, TOKEN, UNAVAILABLE, assert_secret,
    client, get, node, refused, serve, serve_by, value,
};
use crate::harness::ServedNode;
use crate::patience::{soon, until};

const TTL: [(&str, &str); 1] = [("ttl-from-cache-control", "true")];

#[tokio::test]
async fn a_value_is_got_once_on_one_connection_and_its_absence_is_remembered() {
    let site = Site::start().await;
    let node = node(&site, "/scores/{key}", &[]);
    let client = client(&node).await;
    for answer in join_all((0..15).map(|_| get(&client, "Tom"))).await {
        assert_eq!(answer.unwrap().value, "630");
    }
    assert_eq!(get(&client, "Tom").await.unwrap().origin(), Origin::Hit);
    for _ in 0..3 {
        refused(&client, "Nobody", NOT_FOUND, &["no such key"]).await;
    }
    assert_eq!(value(&client, "Jack").await, "589");
    assert_eq!(site.requests(), ["/scores/Tom", "/scores/Nobody", "/scores/Jack"]);
    assert_eq!(site.connections(), 1);
}

#[tokio::test]
async fn a_key_is_percent_encoded_and_never_leads_elsewhere() {
    let site = Site::start().await;
    let node = node(&site, "/scores/{key}", &[]);
    let client = client(&node).await;
    assert_eq!(value(&client, "a/b ü?").await, "any");
    refused(&client, "../status/200", NOT_FOUND, &[]).await;
    refused(&client, "..", INVALID_KEY, &["segment"]).await;
    let asked = ["/scores/a%2Fb%20%C3%BC%3F", "/scores/..%2Fstatus%2F200"];
    assert_eq!(site.requests(), asked);
}

#[tokio::test]
async fn a_body_in_chunks_is_the_value() {
    let site = Site::start().await;
    let node = node(&site, "/chunked/{key}", &[]);
    let client = client(&node).await;
    for text in ["a", "some more text, a byte in each chunk"] {
        assert_eq!(value(&client, text).await, text);
    }
    assert_eq!(site.connections(), 1);
}

#[tokio::test]
async fn each_status_is_told_by_what_a_retry_can_mend() {
    let site = Site::start().await;
    let node = node(&site, "/status/{key}", &[]);
    let client = client(&node).await;
    assert_eq!(value(&client, "203").await, "a remark");
    assert_eq!(value(&client, "204").await, "");
    for status in ["404", "410"] {
        refused(&client, status, NOT_FOUND, &[]).await;
    }
    for status in ["408", "429", "500", "502", "503", "504"] {
        refused(&client, status, UNAVAILABLE, &[site.place(), status]).await;
    }
    for status in ["400", "401", "403", "405", "300", "304", "451"] {
        refused(&client, status, REJECTED, &[site.place(), status]).await;
    }
    refused(&client, "403", REJECTED, &["403 Forbidden", "authorization=env:NAME"]).await;
}

#[tokio::test]
async fn the_time_to_live_is_that_of_cache_control_where_it_is_asked_for() {
    let site = Site::start().await;
    let asked = node(&site, "/cached/{key}", &TTL);
    let client = client(&asked).await;
    for (directives, least, most) in
        [("max-age=60", 30_000, 40_000), ("s-maxage=1020, max-age=5", 900_000, 1_000_000)]
    {
        let ttl = get(&client, directives).await.unwrap().ttl_ms;
        assert!((least..=most).contains(&ttl), "{directives}: {ttl}");
        assert_eq!(get(&client, directives).await.unwrap().origin(), Origin::Hit);
    }
    for directives in ["no-store", "private, max-age=60", "max-age=20"] {
        for _ in 0..2 {
            let answer = get(&client, directives).await.unwrap();
            assert_eq!(answer.origin(), Origin::Loaded, "{directives}");
        }
    }
    let not_asked = node(&site, "/cached/{key}", &[]);
    let client = crate::scores::client(&not_asked).await;
    assert_eq!(value(&client, "no-store").await, "value");
    assert_eq!(get(&client, "no-store").await.unwrap().origin(), Origin::Hit);
}

#[tokio::test]
async fn headers_of_options_and_secrets_are_sent() {
    let site = Site::start().await;
    let more = [("header.X-Name", "of mine"), ("header.Accept", "text/plain")];
    let node = node(&site, "/header/{key}", &more);
    let client = client(&node).await;
    for (name, expected) in [
        ("authorization", TOKEN),
        ("x-name", "of mine"),
        ("accept", "text/plain"),
        ("user-agent", "psycache"),
        ("accept-encoding", "identity"),
        ("host", site.place()),
    ] {
        assert_eq!(value(&client, name).await, expected, "{name}");
    }
}

#[tokio::test]
async fn no_secret_is_ever_shown() {
    let site = Site::start().await;
    for path in ["/scores/{key}", "/status/401?{key}", "/to/%2F%2Fa.invalid%2F?{key}"] {
        let mut command = serve(&site, path, &[]);
        command.args(["--log", "trace"]);
        assert_secret(ServedNode::spawn(command), "correct-horse-battery").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_of_100_mb_is_refused_by_its_size_and_the_node_serves_on() {
    let site = Site::start().await;
    let mut command = serve(&site, "/zeros/{key}", &[]);
    command.args(["--load-timeout", "20s"]);
    let node = ServedNode::spawn(command);
    let client = client(&node).await;
    refused(&client, "104857600", BAD_VALUE, &["can't be cached", "64 MiB"]).await;
    assert_eq!(value(&client, "3").await, "000");
    let large = node.run(["get", "scores", "67108000", "--timeout", "60s"]);
    assert_eq!(large.stdout.len(), 67_108_000, "{}", String::from_utf8_lossy(&large.stderr));
}

#[tokio::test]
async fn what_is_encoded_without_being_asked_is_no_value() {
    let site = Site::start().await;
    let node = node(&site, "/zipped/{key}", &[]);
    refused(&client(&node).await, "Tom", BAD_VALUE, &["encoded as `gzip`"]).await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable_until_it_is() {
    let site = Site::start().await;
    let node = node(&site, "/scores/{key}", &[]);
    let client = client(&node).await;
    assert_eq!(value(&client, "Tom").await, "630");
    let place = site.stop();
    until("its port is closed", async || tokio::net::TcpStream::connect(&*place).await.is_err())
        .await;
    refused(&client, "Jack", UNAVAILABLE, &[&place, "refused"]).await;
    assert_eq!(value(&client, "Tom").await, "630");
}

#[tokio::test]
async fn a_server_that_says_nothing_costs_no_more_than_the_load_has() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let place = listener.local_addr().unwrap().to_string();
    let mut command = serve_by(&format!("http://{place}/{{key}}"), &[]);
    command.args(["--allow-net", &place, "--load-timeout", "300ms"]);
    let node = ServedNode::spawn(command);
    soon("it is given up", refused(&client(&node).await, "Tom", LATE, &["300 ms"])).await;
}
