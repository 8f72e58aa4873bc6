//! Many keys in one call are one message to each other owner.

use psycache::client::{Client, ClientConfig};

use super::scrape::Scrape;
use crate::harness::ServedNode;

/// Requests of `node` to `other` that were answered.
async fn messages(node: &ServedNode, other: &ServedNode) -> f64 {
    let answered = [("peer", other.address()), ("outcome", "ok")];
    Scrape::of(node).await.value("psycache_peer_requests_total", &answered)
}

#[tokio::test(flavor = "multi_thread")]
async fn many_keys_are_one_message_to_their_owner() {
    let [node, other] = ServedNode::pair(&[]);
    let at = |node: &ServedNode| Client::connect(ClientConfig::list([node.address()]));
    let client = at(&node).await.expect("it is an address");
    let entries: Vec<(String, String)> =
        (0..300).map(|number| (format!("user:{number}"), format!("value {number}"))).collect();
    let keys: Vec<&str> = entries.iter().map(|(key, _)| key.as_str()).collect();

    // From now on the node knows the number of the owner's latest change.
    client.set_many("default", &entries, None).await.expect("the node answers");
    let before = messages(&node, &other).await;
    let set = client.set_many("default", &entries, None).await.expect("the node answers");
    assert!(set.iter().all(Result::is_ok), "{set:?}");
    assert_eq!(messages(&node, &other).await - before, 1.0);

    let found = client.get_many("default", &keys).await.expect("the node answers");
    for ((_, value), found) in entries.iter().zip(found) {
        assert_eq!(found.expect("it was set").value, value.as_bytes());
    }
    assert_eq!(messages(&node, &other).await - before, 2.0);

    // The owner has them, not the node that was asked.
    let elsewhere = at(&other).await.expect("it is an address");
    let found = elsewhere.get_many("default", &keys).await.expect("the node answers");
    assert!(found.iter().all(Result::is_ok), "{found:?}");

    let removed = client.remove_many("default", &keys).await.expect("the node answers");
    assert!(removed.iter().all(|removed| *removed == Ok(true)), "{removed:?}");
    assert_eq!(messages(&node, &other).await - before, 3.0);
}
