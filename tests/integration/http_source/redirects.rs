//! Redirects: followed a few times, to where the operator allows it, without secrets.

use super::{NOT_FOUND, REJECTED, Site, client, node, refused, serve, value};
use crate::harness::ServedNode;

#[tokio::test]
async fn a_redirect_is_followed_and_keeps_its_connection() {
    let site = Site::start().await;
    let node = node(&site, "/to/{key}", &[]);
    let client = client(&node).await;
    assert_eq!(value(&client, "/scores/Tom").await, "630");
    assert_eq!(value(&client, "../scores/Jack").await, "589");
    assert_eq!(value(&client, &format!("{}/scores/Sam#part", site.url())).await, "567");
    refused(&client, "/scores/Nobody", NOT_FOUND, &[]).await;
    assert_eq!(site.connections(), 1);
}

#[tokio::test]
async fn redirects_have_an_end() {
    let site = Site::start().await;
    // Each leads to the next, which is one longer than is followed.
    let nested = |times: usize| {
        (0..times).fold("/scores/Tom".to_owned(), |place, _| {
            format!("/to/{}", place.replace('%', "%25").replace('/', "%2F"))
        })
    };
    let three = node(&site, "/to/{key}", &[]);
    let client = client(&three).await;
    assert_eq!(value(&client, &nested(2)).await, "630");
    refused(&client, &nested(3), REJECTED, &[site.place(), "more than 3 times"]).await;
    let none = node(&site, "/to/{key}", &[("max-redirects", "0")]);
    let parts = [site.place(), "more than 0 times", "max-redirects"];
    let client = crate::scores::client(&none).await;
    refused(&client, "/scores/Tom", REJECTED, &parts).await;
}

#[tokio::test]
async fn a_redirect_to_where_the_node_may_not_go_is_refused_with_the_flag() {
    let (site, other) = (Site::start().await, Site::start().await);
    let node = node(&site, "/to/{key}", &[]);
    let client = client(&node).await;
    let flag = format!("--allow-net {}", other.place());
    refused(&client, &format!("{}/scores/Tom", other.url()), REJECTED, &[&flag]).await;
    let name = "http://metadata.invalid/latest";
    let parts = ["look up `metadata.invalid`", "--allow-net metadata.invalid:80"];
    refused(&client, name, REJECTED, &parts).await;
    for place in ["file:///etc/passwd", "gopher://127.0.0.1/", "http://u:p@127.0.0.1/", "http://"] {
        refused(&client, place, REJECTED, &["it redirects, but"]).await;
    }
    assert_eq!((other.connections(), other.requests().len()), (0, 0));
}

#[tokio::test]
async fn a_secret_is_not_sent_to_where_a_redirect_leads() {
    let (site, other) = (Site::start().await, Site::start().await);
    let mut command = serve(&site, "/to/{key}", &[("header.x-name", "of mine")]);
    command.args(["--allow-net", other.place()]);
    let node = ServedNode::spawn(command);
    let client = client(&node).await;
    let of = |site: &Site, name: &str| format!("{}/header/{name}", site.url());
    assert_eq!(value(&client, &of(&site, "authorization")).await, super::TOKEN);
    assert_eq!(value(&client, &of(&other, "x-name")).await, "of mine");
    refused(&client, &of(&other, "authorization"), NOT_FOUND, &[]).await;
}
