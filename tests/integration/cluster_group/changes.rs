//! Set, remove and clear through nodes that own the key, and that do not.

use std::time::Duration;

use psycache::error::Error;
use psycache::ownership::Timing;

use super::rig::{Message, Nodes, WITHIN};

/// Less than a caller waits, as it is waited for in vain.
const SHORT: Duration = Duration::from_millis(300);

fn missing<T: std::fmt::Debug>(ended: Result<T, Error>) -> Vec<String> {
    match ended {
        Err(Error::NotConfirmed { nodes, .. }) => nodes,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_at_any_node_is_seen_at_all() {
    let nodes = Nodes::start(3).await;
    for owner in 0..3 {
        let key = nodes.key_of(owner);
        for node in 0..3 {
            nodes.put(&key, "1");
            nodes.remove(node, &key).await;
            for reader in 0..3 {
                assert_eq!(nodes.read(reader, &key).await, "1");
            }
            nodes.put(&key, "2");
            nodes.remove(node, &key).await;
            for reader in 0..3 {
                assert_eq!(nodes.read(reader, &key).await, "2", "removed at {node}");
            }
            nodes.set(node, &key, "3").await;
            for reader in 0..3 {
                assert_eq!(nodes.read(reader, &key).await, "3", "set at {node}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_alone_is_asked_for_a_change() {
    let nodes = Nodes::start(3).await;
    let key = nodes.key_of(0);
    // The first set of a node learns the owner's number.
    nodes.set(1, &key, "1").await;
    let asked = |messages: Vec<Message>| -> Vec<_> {
        let asked = messages.into_iter().filter(|message| !message.done);
        asked.map(|message| (message.from, message.to, message.method)).collect()
    };
    nodes.wires.messages();
    let to_owner =
        |method| vec![(nodes.nodes[1].address.clone(), nodes.nodes[0].address.clone(), method)];
    nodes.set(1, &key, "2").await;
    assert_eq!(asked(nodes.wires.messages()), to_owner("Set"));
    nodes.remove(1, &key).await;
    assert_eq!(asked(nodes.wires.messages()), to_owner("Remove"));
    nodes.set(0, &key, "3").await;
    nodes.remove(0, &key).await;
    assert_eq!(asked(nodes.wires.messages()), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_the_owner_does_not_confirm_names_it() {
    let nodes = Nodes::start(3).await;
    let (key, own) = (nodes.key_of(2), nodes.key_of(0));
    let owner = nodes.nodes[2].address.clone();
    let group = nodes.group_of(0);
    for wires in [&nodes.wires.cut, &nodes.wires.hung] {
        wires.lock().push(owner.clone());
        assert_eq!(missing(group.remove(&key, SHORT).await), std::slice::from_ref(&owner));
        let set = group.set(&key, "1".into(), None, SHORT).await;
        assert_eq!(missing(set), std::slice::from_ref(&owner));
        assert_eq!(missing(group.clear(SHORT).await), std::slice::from_ref(&owner));
        // Keys of others are not touched by it.
        nodes.set(0, &own, "1").await;
        nodes.remove(1, &own).await;
        wires.lock().clear();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_remove_goes_on_without_its_caller() {
    let nodes = Nodes::start(2).await;
    let key = nodes.key_of(0);
    nodes.put(&key, "1");
    assert_eq!(nodes.read(0, &key).await, "1");
    nodes.put(&key, "2");
    nodes.wires.cut.lock().push(nodes.nodes[0].address.clone());
    missing(nodes.group_of(1).remove(&key, SHORT).await);
    assert_eq!(nodes.read(0, &key).await, "1", "as the caller was told");
    nodes.wires.cut.lock().clear();
    nodes.wires.has_done("Remove").await;
    assert_eq!(nodes.read(0, &key).await, "2");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_waits_for_the_lease_of_an_owner_that_crashed() {
    let mut nodes = Nodes::start_with(3, Timing::of(Duration::from_secs(2))).await;
    let (key, other) = (nodes.key_of(0), nodes.key_of(1));
    nodes.put(&key, "1");
    assert_eq!(nodes.read(2, &key).await, "1");
    nodes.crash(0);
    nodes.set(2, &other, "1").await;
    assert_eq!(nodes.nodes[2].ownership.others().len(), 2, "its lease lives, for all they know");
    nodes.put(&key, "2");
    nodes.set(2, &key, "2").await;
    for reader in [1, 2] {
        assert_eq!(nodes.read(reader, &key).await, "2");
    }
    assert_eq!(nodes.nodes[2].ownership.others().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clear_reaches_every_node() {
    let nodes = Nodes::start(3).await;
    let keys: Vec<String> = (0..60).map(|n| format!("user:{n}")).collect();
    for key in &keys {
        nodes.put(key, "1");
        nodes.read(0, key).await;
    }
    assert!((0..3).all(|node| keys.iter().any(|key| nodes.owns(node, key))));
    for key in &keys {
        nodes.put(key, "2");
    }
    assert_eq!(nodes.group_of(1).clear(WITHIN).await, Ok(60));
    for key in &keys {
        assert_eq!(nodes.read(2, key).await, "2");
    }
}
