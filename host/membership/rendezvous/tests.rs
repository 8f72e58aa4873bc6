//! Balance, movement, weights and stability of the ring.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::key::ring_hash;

fn node(address: &str, weight: u32) -> RingNode {
    RingNode { address: address.into(), weight }
}

fn equal(count: usize) -> Vec<RingNode> {
    (0..count).map(|n| node(&format!("10.0.{}.{}:7400", n / 250, n % 250), 1)).collect()
}

/// Which address owns each slot.
fn owners(ring: &Ring) -> Vec<&str> {
    let address = |&owner: &u16| &*ring.nodes[usize::from(owner)].address;
    ring.slots.iter().map(address).collect()
}

#[test]
fn shares_of_equal_nodes_are_within_a_tenth() {
    let mut ring = Ring::empty();
    for count in 1..=64 {
        ring = ring.changed(equal(count));
        let largest = ring.shares().into_iter().fold(0.0, f64::max);
        let ratio = largest * count as f64;
        assert!(ratio <= 1.10, "{count} nodes: max/mean is {ratio}");
    }
}

#[test]
fn keys_are_spread_like_slots() {
    let ring = Ring::new(equal(16));
    let mut keys = HashMap::new();
    for n in 0..400_000 {
        *keys.entry(ring.owner(ring_hash(&format!("user:{n}")))).or_insert(0_u32) += 1;
    }
    let largest = f64::from(*keys.values().max().expect("some")) * 16.0 / 400_000.0;
    assert!(keys.len() == 16 && largest <= 1.10, "max/mean is {largest}");
}

#[test]
fn weights_are_shares() {
    let ring = Ring::new([node("a:1", 1), node("b:1", 2), node("c:1", 5), node("d:1", 0)]);
    let expected = [1.0 / 9.0, 2.0 / 9.0, 5.0 / 9.0, 1.0 / 9.0];
    for (share, expected) in ring.shares().into_iter().zip(expected) {
        assert!((share / expected - 1.0).abs() < 0.02, "{share} for {expected}");
    }
}

#[test]
fn without_nodes_nobody_owns_anything() {
    let ring = Ring::new([]);
    assert_eq!((ring.owner(7), ring.version()), (None, 0));
    assert_eq!(Ring::new(equal(3)).changed([]).owner(7), None);
}

/// These never change: nodes of different versions share a cluster.
#[test]
fn owners_are_the_same_in_every_version() {
    let ring = Ring::new([node("a:7400", 1), node("b:7400", 1), node("c:7400", 3)]);
    let owner = |key: &str| &*ring.nodes()[ring.owner(ring_hash(key)).expect("nodes")].address;
    let expected =
        [("Tom", 'a'), ("Jack", 'c'), ("Sam", 'a'), ("y", 'b'), ("3", 'b'), ("ключ", 'c')];
    for (key, letter) in expected {
        assert!(owner(key).starts_with(letter), "{key:?} is owned by {}", owner(key));
    }
    assert_eq!(ring_hash("Tom"), 0x205f_9571_a131_187f);
    assert_eq!(ring.version(), 0x16_053c_df1b_613f);
    let slots: Vec<u8> = ring.slots.iter().flat_map(|owner| owner.to_le_bytes()).collect();
    assert_eq!(xxh3_64(&slots), 0x413b_553c_0a3f_a62c);
}

fn some_nodes() -> impl Strategy<Value = Vec<RingNode>> {
    let one = (0_u8..40, 1_u32..6).prop_map(|(n, weight)| node(&format!("host-{n}:7400"), weight));
    prop::collection::vec(one, 1..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn order_and_history_do_not_matter(before in some_nodes(), after in some_nodes()) {
        let after_ring = Ring::new(after.clone());
        let changed = Ring::new(before).changed(after);
        prop_assert_eq!(owners(&changed), owners(&after_ring));
        prop_assert_eq!(changed.version(), after_ring.version());
        let reversed = Ring::new(after_ring.nodes().iter().rev().cloned());
        prop_assert_eq!(owners(&reversed), owners(&after_ring));
    }

    #[test]
    fn only_the_share_of_the_one_that_joins_or_leaves_moves(nodes in some_nodes(), weight in 1_u32..6) {
        let without = Ring::new(nodes.clone());
        let with = without.changed(nodes.into_iter().chain([node("new:7400", weight)]));
        for (before, after) in owners(&without).into_iter().zip(owners(&with)) {
            prop_assert!(after == before || after == "new:7400");
        }
    }

    #[test]
    fn more_weight_only_attracts(nodes in some_nodes(), weight in 1_u32..6) {
        let light = Ring::new(nodes.iter().cloned().chain([node("it:7400", weight)]));
        let heavy = light.changed(nodes.into_iter().chain([node("it:7400", weight + 1)]));
        for (before, after) in owners(&light).into_iter().zip(owners(&heavy)) {
            prop_assert!(after == before || after == "it:7400");
        }
    }

    #[test]
    fn versions_tell_memberships_apart(one in some_nodes(), other in some_nodes()) {
        let (one, other) = (Ring::new(one), Ring::new(other));
        prop_assert_eq!(one.nodes() == other.nodes(), one.version() == other.version());
        prop_assert!(one.version() < 1 << 53);
    }
}
