//! Order, movement, balance, weights and stability of the ring.

use proptest::prelude::*;
use xxhash_rust::xxh3::xxh3_64;

use super::slots::SLOT_BITS;
use super::*;
use crate::key::ring_hash;

fn node(address: &str, weight: u32) -> RingNode {
    RingNode { address: address.into(), weight }
}

fn addresses(count: usize, address: fn(usize) -> String) -> Vec<RingNode> {
    (0..count).map(|number| node(&address(number), 1)).collect()
}

fn equal(count: usize) -> Vec<RingNode> {
    addresses(count, |n| format!("10.0.{}.{}:7400", n / 250, n % 250 + 1))
}

/// Which address owns each slot.
fn owners(ring: &Ring) -> Vec<&str> {
    let address = |&owner: &u16| &*ring.nodes[usize::from(owner)].address;
    ring.owners.iter().map(address).collect()
}

/// The largest share, where 1 is the mean.
fn largest(ring: &Ring) -> f64 {
    ring.shares().into_iter().fold(0.0, f64::max) * ring.nodes.len() as f64
}

/// The owners by definition: at each slot the node with the least score.
fn owners_by_score(ring: &Ring) -> Vec<u16> {
    let least = |slot| ring.contenders.iter().map(|node| node.score_at(slot)).min();
    (0..SLOTS as u32).map(|slot| index_of(least(slot).expect("nodes"))).collect()
}

#[test]
fn shares_of_equal_nodes_are_within_a_tenth() {
    let families: [fn(usize) -> String; 4] = [
        |n| format!("10.0.0.{}:7400", n + 1),
        |n| format!("127.0.0.1:{}", 7400 + n),
        |n| format!("psycache-{n}.psycache.default.svc.cluster.local:7400"),
        |n| format!("[2001:db8::{:x}]:7400", n + 1),
    ];
    for family in families {
        for count in 2..=64 {
            let largest = largest(&Ring::new(addresses(count, family)));
            assert!(largest <= 1.10, "{count} like {}: max/mean is {largest}", family(0));
        }
    }
}

#[test]
fn keys_are_spread_like_slots() {
    let ring = Ring::new(equal(16));
    let mut keys = [0_u32; 16];
    for n in 0..400_000 {
        keys[ring.owner(ring_hash(&format!("user:{n}"))).expect("nodes")] += 1;
    }
    for count in keys {
        let ratio = f64::from(count) * 16.0 / 400_000.0;
        assert!((0.95..1.05).contains(&ratio), "{keys:?}");
    }
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
fn weights_from_least_to_greatest_are_shares() {
    // Each heavy node is expected to own 500 of 1,001 parts, the light one 1 of 2,001
    // parts: 65.5 slots, with a standard deviation of 8.
    let heavy = [node("a:7400", MAX_WEIGHT), node("b:7400", MAX_WEIGHT + 1)];
    let ring = Ring::new(heavy.into_iter().chain([node("light:7400", 1)]));
    let parts: Vec<f64> = ring.shares().iter().map(|share| share * 2_001.0).collect();
    assert!((0.7..1.3).contains(&parts[2]), "{parts:?}");
    assert!((990.0..1_010.0).contains(&parts[0]), "{parts:?}");
    assert_eq!(ring.nodes()[1].weight, MAX_WEIGHT);

    // One of weight 1,000 beside 999 of weight 1 is expected to own half.
    let light = equal(1_000).into_iter().skip(1);
    let ring = Ring::new(light.chain([node("heavy:7400", 1_000)]));
    let share = ring.shares().last().copied().expect("nodes");
    assert!((0.49..0.51).contains(&share), "{share}");
}

#[test]
fn a_thousand_nodes_all_own_something() {
    let ring = Ring::new(equal(1_000));
    // 131 slots each, with a standard deviation of 8.
    let least = ring.shares().into_iter().fold(1.0, f64::min) * 1_000.0;
    assert!(least > 0.7 && largest(&ring) < 1.35, "{least} to {}", largest(&ring));
    let fewer = Ring::new(ring.nodes().iter().skip(1).cloned());
    let gone = &*ring.nodes()[0].address;
    let mut moved = 0;
    for (before, after) in owners(&ring).into_iter().zip(owners(&fewer)) {
        assert!(after == before || before == gone);
        moved += u32::from(after != before);
    }
    assert_eq!(f64::from(moved) / SLOTS as f64, ring.shares()[0]);
}

#[test]
fn tables_of_any_size_hold_the_least_scores() {
    let weights = |number: usize| [1, 1, 3, 1_000, 40, 7, 999][number % 7];
    for count in [1, 2, 3, 5, 33, 64] {
        let weighted = equal(count).into_iter().zip(0..);
        let weighted = weighted.map(|(node, n)| RingNode { weight: weights(n), ..node });
        for ring in [Ring::new(equal(count)), Ring::new(weighted)] {
            assert_eq!(*ring.owners, owners_by_score(&ring), "{:?}", ring.nodes());
        }
    }
}

#[test]
fn equal_scores_are_ordered_by_address() {
    let contenders = [0, 1, 2].map(|index| Contender::new(&node("twin:7400", 9), index));
    for subset in [&contenders[..], &contenders[1..], &contenders[..2]] {
        let first = index_of(subset[0].score(0));
        assert!(table::owners(subset, 9).iter().all(|&owner| owner == first));
    }
}

#[test]
fn without_nodes_nobody_owns_anything() {
    let ring = Ring::new([]);
    assert_eq!((ring.owner(7), ring.owner_among(7, |_| true)), (None, None));
    assert_eq!((ring.version(), ring.shares()), (0, vec![]));
    assert_eq!(Ring::new(equal(3)).owner_among(7, |_| false), None);
}

#[test]
fn one_node_owns_all() {
    let ring = Ring::new(equal(1));
    assert_eq!(ring.shares(), [1.0]);
    assert_eq!((ring.owner(0), ring.owner(u64::MAX)), (Some(0), Some(0)));
}

#[test]
fn of_one_address_the_last_counts() {
    let twice = Ring::new([node("b:1", 7), node("a:1", 2), node("b:1", 3)]);
    assert_eq!(twice.nodes(), [node("a:1", 2), node("b:1", 3)]);
    assert_eq!(owners(&twice), owners(&Ring::new([node("a:1", 2), node("b:1", 3)])));
}

/// These never change: nodes of different versions share a cluster.
#[test]
fn owners_are_the_same_in_every_version() {
    let ring = Ring::new([node("a:7400", 1), node("b:7400", 1), node("c:7400", 3)]);
    let owner = |key: &str| &*ring.nodes()[ring.owner(ring_hash(key)).expect("nodes")].address;
    let expected =
        [("Tom", 'c'), ("Jack", 'b'), ("Sam", 'a'), ("y", 'c'), ("3", 'c'), ("ключ", 'a')];
    let found = expected.map(|(key, _)| (key, owner(key).chars().next().expect("an address")));
    assert_eq!(found, expected);
    assert_eq!(ring_hash("Tom"), 0x205f_9571_a131_187f);
    assert_eq!(ring.version(), 0x16_053c_df1b_613f);
    let hash = |ring: &Ring| {
        let bytes: Vec<u8> = ring.owners.iter().flat_map(|owner| owner.to_le_bytes()).collect();
        xxh3_64(&bytes)
    };
    assert_eq!(hash(&ring), 0x1ab6_bed4_fd32_64b7);
    assert_eq!(hash(&Ring::new(equal(100))), 0x6652_efec_8c62_cda9);
}

fn some_nodes() -> impl Strategy<Value = Vec<RingNode>> {
    let weight = prop_oneof![3 => 1_u32..6, 1 => 1_u32..=MAX_WEIGHT];
    let one = (0_u8..40, weight).prop_map(|(n, weight)| node(&format!("host-{n}:7400"), weight));
    prop::collection::vec(one, 1..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_table_holds_the_least_scores(nodes in some_nodes()) {
        let ring = Ring::new(nodes);
        prop_assert_eq!(&*ring.owners, owners_by_score(&ring));
    }

    #[test]
    fn an_owner_owns_in_each_subset_that_has_it(nodes in some_nodes(), kept: u16) {
        let all = Ring::new(nodes);
        let keep = |index: usize| kept >> index & 1 == 1;
        let some = all.nodes().iter().enumerate().filter(|(index, _)| keep(*index));
        let some = Ring::new(some.map(|(_, node)| node.clone()));
        for (slot, &owner) in all.owners.iter().enumerate() {
            let hash = (slot as u64) << (u64::BITS - SLOT_BITS);
            let among_some = some.owner(hash).map(|owner| &some.nodes()[owner]);
            if keep(usize::from(owner)) {
                prop_assert_eq!(among_some, Some(&all.nodes()[usize::from(owner)]));
            }
            let among = all.owner_among(hash, keep).map(|owner| &all.nodes()[owner]);
            prop_assert_eq!(among, among_some);
        }
    }

    #[test]
    fn only_the_share_of_the_one_that_joins_or_leaves_moves(
        nodes in some_nodes(),
        weight in 1..=MAX_WEIGHT,
    ) {
        let without = Ring::new(nodes.clone());
        let with = Ring::new(nodes.into_iter().chain([node("new:7400", weight)]));
        for (before, after) in owners(&without).into_iter().zip(owners(&with)) {
            prop_assert!(after == before || after == "new:7400");
        }
    }

    #[test]
    fn more_weight_only_attracts(nodes in some_nodes(), weight in 1..MAX_WEIGHT) {
        let light = Ring::new(nodes.iter().cloned().chain([node("it:7400", weight)]));
        let heavy = Ring::new(nodes.into_iter().chain([node("it:7400", weight + 1)]));
        for (before, after) in owners(&light).into_iter().zip(owners(&heavy)) {
            prop_assert!(after == before || after == "it:7400");
        }
    }

    #[test]
    fn the_order_of_the_list_does_not_matter(nodes in some_nodes()) {
        let ring = Ring::new(nodes);
        let reversed = Ring::new(ring.nodes().iter().rev().cloned());
        prop_assert_eq!(owners(&reversed), owners(&ring));
        prop_assert_eq!(reversed.version(), ring.version());
    }

    #[test]
    fn versions_tell_memberships_apart(one in some_nodes(), other in some_nodes()) {
        let (one, other) = (Ring::new(one), Ring::new(other));
        prop_assert_eq!(one.nodes() == other.nodes(), one.version() == other.version());
        prop_assert!(one.version() < 1 << 53);
    }
}
