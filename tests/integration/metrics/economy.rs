//! Many keys in one call are one message to each other owner.

use psycache::client::{Answer, Client, ClientConfig, Error, Reason};

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

#[tokio::test(flavor = "multi_thread")]
async fn a_client_of_all_nodes_asks_the_owners_of_many_keys_themselves() {
    let [node, other] = ServedNode::pair(&[]);
    let both = ClientConfig::list([node.address(), other.address()]);
    let client = Client::connect(both).await.expect("they are addresses");
    let group = client.group("default");
    let entries: Vec<(String, String)> =
        (0..300).map(|number| (format!("user:{number}"), format!("value {number}"))).collect();
    // In another order than the nodes have them, and one twice.
    let keys: Vec<&str> = entries.iter().rev().map(|(key, _)| key.as_str()).collect();
    let keys = [&keys[..], &["user:7", "nobody"]].concat();
    let before = [messages(&node, &other).await, messages(&other, &node).await];

    let set = group.set_many(&entries, None).await.expect("the nodes answer");
    assert!(set.iter().all(Result::is_ok), "{set:?}");
    let found = group.get_many(&keys).await.expect("the nodes answer");
    for (key, found) in keys.iter().zip(&found) {
        match key.strip_prefix("user:") {
            Some(number) => {
                let value = &found.as_ref().expect("it was set").value;
                assert_eq!(*value, format!("value {number}"));
            }
            None => assert_eq!(found.as_ref().expect_err("it is nobody").reason, Reason::NotFound),
        }
    }
    let removed = group.remove_many(&keys).await.expect("the nodes answer");
    assert!(removed[..300].iter().all(|removed| *removed == Ok(true)), "{removed:?}");
    assert_eq!([messages(&node, &other).await, messages(&other, &node).await], before);

    assert_eq!(group.get_many::<&str>(&[]).await, Ok(Vec::new()));
    let error = group.get_many(&vec!["a"; 10_001]).await.expect_err("they are too many");
    assert_eq!(error.reason, Reason::InvalidArgument);
    let error = client.get_many("nowhere", &keys).await.expect_err("there is no such group");
    assert_eq!(error.reason, Reason::UnknownGroup);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_values_of_many_keys_have_a_limit_over_all_nodes() {
    let [node, other] = ServedNode::pair(&[]);
    let mut both = ClientConfig::list([node.address(), other.address()]);
    both.max_value_bytes = 40_000;
    let group = Client::connect(both).await.expect("they are addresses").group("default");
    let entries: Vec<_> =
        (0..100).map(|number| (format!("user:{number}"), vec![7; 1_000])).collect();
    let set = group.set_many(&entries, None).await.expect("the nodes answer");
    assert!(set.iter().all(Result::is_ok), "{set:?}");
    let keys: Vec<&str> = entries.iter().map(|(key, _)| key.as_str()).collect();
    let found = group.get_many(&keys).await.expect("the nodes answer");
    let refused = |one: &Result<Answer, Error>| {
        one.as_ref().err().is_some_and(|error| error.reason == Reason::TooLarge)
    };
    let refused = found.iter().filter(|one| refused(one)).count();
    assert_eq!((found.iter().flatten().count(), refused), (40, 60));
}
