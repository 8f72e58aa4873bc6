//! Gets through nodes that own the key, and that do not.

use futures::future::join_all;
use futures::poll;
use psycache::error::Error;
use psycache::value::Origin;

use super::rig::{Nodes, WITHIN};

#[tokio::test(flavor = "multi_thread")]
async fn a_cold_key_is_loaded_once_for_all_nodes() {
    let nodes = Nodes::start(3).await;
    let key = nodes.key_of(0);
    nodes.put(&key, "630");
    // So few that the key is not hot.
    let gets = join_all((0..60).map(|n| nodes.get(n % 3, &key))).await;
    assert!(gets.iter().all(|get| get.as_ref().is_ok_and(|(value, _)| value == "630")));
    assert_eq!(nodes.source.loads(), 1);
    assert_eq!(nodes.get(0, &key).await, Ok(("630".into(), Origin::Hit)));
    assert_eq!(nodes.get(1, &key).await, Ok(("630".into(), Origin::Peer)));
}

#[tokio::test(flavor = "multi_thread")]
async fn not_found_from_an_owner_is_an_answer() {
    let nodes = Nodes::start(2).await;
    let key = nodes.key_of(0);
    assert_eq!(nodes.get(1, &key).await, Err(Error::NotFound));
    assert_eq!(nodes.get(1, &key).await, Err(Error::NotFound));
    assert_eq!(nodes.source.loads(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_out_of_reach_is_stood_in_for_and_nothing_is_kept() {
    let nodes = Nodes::start(2).await;
    let key = nodes.key_of(0);
    nodes.put(&key, "1");
    nodes.wires.cut.lock().push(nodes.nodes[0].address.clone());
    assert_eq!(nodes.get(1, &key).await, Ok(("1".into(), Origin::Loaded)));
    // The owner may confirm a change of which this node hears nothing.
    nodes.put(&key, "2");
    assert_eq!(nodes.get(1, &key).await, Ok(("2".into(), Origin::Loaded)));
    assert_eq!(nodes.source.loads(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_with_a_slow_source_is_not_stood_in_for() {
    let nodes = Nodes::start(2).await;
    let key = nodes.key_of(0);
    nodes.put(&key, "1");
    nodes.wires.late.lock().push(nodes.nodes[0].address.clone());
    let late = Err(Error::DeadlineExceeded { after: WITHIN });
    assert_eq!(nodes.get(1, &key).await, late);
    let group = nodes.group_of(1);
    let all = group.get_many(&[&key], std::time::Duration::ZERO, 1 << 20).await;
    assert!(matches!(all[..], [Err(Error::DeadlineExceeded { .. })]), "{all:?}");
    assert_eq!(nodes.source.loads(), 0, "the owner's load is the only one");
}

#[tokio::test]
async fn a_load_in_place_of_the_owner_is_shared_by_gets_from_before_it() {
    let nodes = Nodes::start(2).await;
    let key = nodes.key_of(0);
    nodes.put(&key, "1");
    nodes.wires.cut.lock().push(nodes.nodes[0].address.clone());
    nodes.source.open.send_replace(false);
    let mut first = Box::pin(nodes.get(1, &key));
    assert!(poll!(&mut first).is_pending());
    nodes.source.has_loaded(1).await;
    // The first has read its row. These begin after a change of it.
    nodes.put(&key, "2");
    let mut later: Vec<_> = (0..10).map(|_| Box::pin(nodes.get(1, &key))).collect();
    for get in &mut later {
        assert!(poll!(get).is_pending());
    }
    nodes.source.open.send_replace(true);
    assert_eq!(first.await, Ok(("1".into(), Origin::Loaded)));
    for get in later {
        assert_eq!(get.await.expect("found").0, "2");
    }
    assert_eq!(nodes.source.loads(), 2, "the ten share one load");
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_disagree_ask_no_further() {
    // Each takes another for the owner of everything but its own share.
    let nodes = Nodes::with_lists(&[&[0, 1], &[1, 2], &[2, 0]]);
    let keys: Vec<String> = (0..300).map(|n| format!("user:{n}")).collect();
    for key in &keys {
        nodes.put(key, "1");
    }
    let gets = keys.iter().flat_map(|key| (0..3).map(move |node| (node, key)));
    let mut forwarded = 0;
    let gets: Vec<_> = gets
        .map(|(node, key)| {
            forwarded += usize::from(!nodes.owns(node, key));
            nodes.get(node, key)
        })
        .collect();
    let answers = tokio::time::timeout(WITHIN, join_all(gets)).await;
    let answers = answers.expect("nothing waits for itself");
    assert!(answers.iter().all(|get| get.as_ref().is_ok_and(|(value, _)| value == "1")));
    assert!(forwarded > 100, "{forwarded}");
    assert_eq!(nodes.wires.messages().len(), forwarded);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_without_the_group_is_stood_in_for() {
    let nodes = Nodes::start(2).await;
    let key = nodes.key_of(0);
    nodes.put(&key, "1");
    nodes.takes_its_group_away(0);
    assert_eq!(nodes.get(1, &key).await, Ok(("1".into(), Origin::Loaded)));
    assert_eq!(nodes.get(1, &key).await, Ok(("1".into(), Origin::Loaded)));
    // It can't keep a value, and it holds none.
    let set = nodes.group_of(1).set(&key, "2".into(), None, WITHIN).await;
    let Err(Error::NotConfirmed { nodes: missing, reason }) = set else { panic!("{set:?}") };
    assert_eq!(missing, [nodes.nodes[0].address.clone()]);
    assert!(reason.contains("no such group"), "{reason}");
    assert_eq!(nodes.group_of(1).remove(&key, WITHIN).await, Ok(false));
    assert!(nodes.group_of(1).clear(WITHIN).await.is_ok());
}
