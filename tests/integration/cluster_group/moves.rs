//! Keys that change their owner, and what goes with them.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use psycache::value::Origin;

use super::rig::{Nodes, WITHIN};

/// Loads as many keys, each with its name as its value.
async fn fill(nodes: &Nodes, count: usize) -> Vec<String> {
    let keys: Vec<String> = (0..count).map(|n| format!("user:{n}")).collect();
    for key in &keys {
        nodes.put(key, key);
        nodes.get(1, key).await.expect("found");
    }
    assert_eq!(nodes.source.loads(), count as u64);
    keys
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_joins_takes_over_what_the_owner_before_it_held() {
    let mut nodes = Nodes::start(3).await;
    let keys = fill(&nodes, 400).await;
    nodes.add().await;
    let moved: Vec<&String> = keys.iter().filter(|key| nodes.owns(3, key)).collect();
    assert!(moved.len() > 50, "{} keys moved", moved.len());
    // Changed since: what the owner before it remembers is old.
    let changed = moved[0];
    nodes.put(changed, "new");
    nodes.remove(0, changed).await;
    assert_eq!(nodes.read(1, changed).await, "new");
    assert_eq!(nodes.source.loads(), 401);
    let (value, origin) = nodes.get(3, moved[1]).await.expect("found");
    assert_eq!((&value, origin), (moved[1], Origin::Peer), "from the owner before it");
    for key in keys.iter().filter(|key| *key != changed) {
        assert_eq!(nodes.read(1, key).await, *key);
    }
    assert_eq!(nodes.source.loads(), 401, "nothing else was loaded anew");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_leaves_hands_its_entries_over() {
    let mut nodes = Nodes::start(3).await;
    let keys = fill(&nodes, 300).await;
    let own: Vec<&String> = keys.iter().filter(|key| nodes.owns(0, key)).collect();
    assert!(own.len() > 50, "{} keys", own.len());
    let name = nodes.leave(0).await;
    for node in [1, 2] {
        nodes.sees(node, 2).await;
    }
    // Confirmed by the next owner, and older at the node that leaves.
    let removed = own[0];
    nodes.put(removed, "new");
    nodes.remove(1, removed).await;

    nodes.wires.messages();
    let handed = nodes.group_of(0).hand_over(name, WITHIN).await;
    assert_eq!((handed.sent, handed.kept), (own.len() as u64, own.len() as u64 - 1));
    let messages = nodes.wires.messages().into_iter().filter(|message| !message.done);
    let sent: Vec<Bytes> = messages.flat_map(|message| message.handed).collect();
    assert_eq!(sent.len(), sent.iter().collect::<BTreeSet<_>>().len(), "each once");
    for key in own.iter().skip(1) {
        assert_eq!(nodes.read(1, key).await, **key);
    }
    assert_eq!(nodes.source.loads(), 300, "nothing was loaded anew");
    assert_eq!(nodes.read(2, removed).await, "new");
}

/// As in a rolling restart: what a newcomer has not asked for yet must not go with the
/// node that it took it over from.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_leaves_gives_a_newcomer_what_it_has_not_asked_for() {
    let mut nodes = Nodes::start(3).await;
    let keys = fill(&nodes, 400).await;
    nodes.add().await;
    let name = nodes.leave(0).await;
    let handed = nodes.group_of(0).hand_over(name, WITHIN).await;
    assert_eq!(handed.kept, handed.sent);
    for node in [1, 2, 3] {
        nodes.sees(node, 3).await;
    }
    nodes.wires.cut.lock().push(nodes.nodes[0].address.clone());
    for key in &keys {
        assert_eq!(nodes.read(1, key).await, *key);
    }
    assert_eq!(nodes.source.loads(), 400, "nothing was loaded anew");
}

/// What is asked for before it was handed over is fetched from the node that leaves.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_leaves_gives_what_it_is_asked_for() {
    let mut nodes = Nodes::start(3).await;
    let keys = fill(&nodes, 100).await;
    let own: Vec<&String> = keys.iter().filter(|key| nodes.owns(0, key)).collect();
    assert!(own.len() > 10, "{} keys", own.len());
    nodes.leave(0).await;
    for node in [1, 2] {
        nodes.sees(node, 2).await;
    }
    for key in &own {
        assert_eq!(nodes.read(1, key).await, **key);
    }
    assert_eq!(nodes.source.loads(), 100, "nothing was loaded anew");
}

#[tokio::test(flavor = "multi_thread")]
async fn handing_over_ends_in_its_time() {
    let mut nodes = Nodes::start(2).await;
    fill(&nodes, 100).await;
    let name = nodes.leave(0).await;
    let none = nodes.group_of(0).hand_over(name, Duration::ZERO).await;
    assert_eq!(none.sent, 0, "no time, no entry");
    nodes.wires.hung.lock().push(nodes.nodes[1].address.clone());
    nodes.wires.messages();
    let none = nodes.group_of(0).hand_over(name, Duration::from_millis(200)).await;
    assert_eq!(none.kept, 0);
    assert_eq!(nodes.wires.messages().len(), 1, "an heir that hangs gets no more");
}
