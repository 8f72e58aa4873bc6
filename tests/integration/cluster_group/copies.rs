//! Keys that other nodes ask for more often than for others.

use psycache::value::Origin;

use super::rig::{Nodes, WITHIN};

/// Far more gets than it takes for a key to be hot.
const MANY: usize = 10_000;

/// Asks until the node has a copy.
async fn borrow(nodes: &Nodes, node: usize, key: &str, expected: &str) {
    for _ in 0..MANY {
        nodes.wires.messages();
        let (value, origin) = nodes.get(node, key).await.expect("found");
        assert_eq!(value, expected);
        if origin == Origin::Hot {
            assert_eq!(nodes.wires.messages(), [], "the owner is not asked for a copy");
            return;
        }
    }
    panic!("{key} is never lent");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hot_key_is_lent_and_a_change_waits_for_the_copies() {
    let nodes = Nodes::start(3).await;
    let key = nodes.key_of(0);
    nodes.put(&key, "0");
    for (round, changer) in [0, 2, 1, 0, 2, 1].into_iter().enumerate() {
        let (old, new) = (round.to_string(), (round + 1).to_string());
        for borrower in [1, 2] {
            borrow(&nodes, borrower, &key, &old).await;
        }
        nodes.put(&key, &new);
        nodes.remove(changer, &key).await;
        for reader in [1, 2, 0] {
            assert_eq!(nodes.read(reader, &key).await, new, "changed at {changer}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clear_waits_for_the_copies() {
    let nodes = Nodes::start(2).await;
    let key = nodes.key_of(0);
    nodes.put(&key, "1");
    borrow(&nodes, 1, &key, "1").await;
    nodes.put(&key, "2");
    nodes.group_of(0).clear(WITHIN).await.expect("both answer");
    assert_eq!(nodes.read(1, &key).await, "2");
}
