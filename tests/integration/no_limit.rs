//! Values that are set without a limit in time, into a group that has one.

use std::time::Duration;

use psycache::client::{Client, ClientConfig, Reason};
use psycache::proto::cache_client::CacheClient;
use psycache::proto::{SetEntry, SetManyRequest, SetRequest};
use psycache::value::Ttl;
use tonic::Code;

use crate::harness::{ServedNode, ending, stderr, stdout};

async fn client(node: &ServedNode) -> Client {
    Client::connect(ClientConfig::list([node.address()])).await.expect("it is an address")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_without_limit_has_none_at_any_node() {
    let nodes = ServedNode::pair(&["--ttl", "1m"]);
    let (asked, other) = (client(&nodes[0]).await, client(&nodes[1]).await);
    // Some keys of each node: alone, and in a message of many.
    let keys: Vec<String> = (0..20).map(|key| key.to_string()).collect();
    for key in &keys {
        asked.set("default", key, "1", Ttl::NoLimit).await.expect("it is set");
    }
    let more: Vec<_> = (20..40).map(|key| (key.to_string(), "1")).collect();
    let set = asked.set_many("default", &more, Ttl::NoLimit).await.expect("they are set");
    assert!(set.iter().all(Result::is_ok), "{set:?}");
    for key in keys.iter().chain(more.iter().map(|(key, _)| key)) {
        for client in [&asked, &other] {
            // A node that has borrowed the value says how long.
            let found = client.get("default", key).await.expect("it was set");
            assert_eq!(found.ttl, None, "{key}: {found:?}");
        }
    }
    asked.set("default", "0", "1", None).await.expect("it is set");
    assert!(asked.get("default", "0").await.expect("it was set").ttl.is_some(), "the group's");

    let set = nodes[0].run(["set", "default", "Ada", "1", "--ttl", "none"]);
    assert_eq!(ending(&set), (Some(0), ""));
    let got = nodes[1].run(["get", "default", "Ada", "--json"]);
    assert!(stdout(&got).contains("\"ttl_ms\":null"), "{}", stdout(&got));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_time_to_live_is_named() {
    let node = ServedNode::start(&[]);
    let client = client(&node).await;
    for (ttl, named) in
        [(Duration::from_nanos(7), "7ns"), (Duration::from_secs(3651 * 86_400), "3651 days")]
    {
        let refused = client.set("default", "Ada", "1", ttl).await.expect_err("out of reach");
        assert_eq!(refused.reason, Reason::InvalidArgument);
        assert!(refused.message.contains(named) && refused.message.contains("3650d"), "{refused}");
    }
    let refused = node.run(["set", "default", "Ada", "1", "--ttl", "3651d"]);
    assert_eq!(refused.status.code(), Some(2));
    for part in ["3651d", "--ttl", "or none"] {
        assert!(stderr(&refused).contains(part), "{}", stderr(&refused));
    }

    let mut calls = CacheClient::connect(format!("http://{}", node.address())).await.unwrap();
    let (group, key) = ("default".into(), "Ada".into());
    let both = SetRequest { group, key, ttl_ms: 5, no_expiry: true, ..SetRequest::default() };
    let refused = calls.set(both).await.expect_err("which of the two?");
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert!(refused.message().contains("no_expiry"), "{refused}");
    let both = SetEntry { key: "Ada".into(), ttl_ms: 5, no_expiry: true, ..SetEntry::default() };
    let both = SetManyRequest { group: "default".into(), entries: vec![both] };
    let refused = calls.set_many(both).await.expect_err("which of the two?");
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert!(refused.message().contains("no_expiry"), "{refused}");
}
