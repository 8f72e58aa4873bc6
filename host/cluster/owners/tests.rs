//! Who owns what, and what a change of the ring does to it.

use futures::future::BoxFuture;

use super::*;
use crate::key::ring_hash;
use crate::membership::registry::Member;
use crate::transport::remote::{RemoteError, Request, Response};

struct Named(String);

impl Remote for Named {
    fn address(&self) -> &str {
        &self.0
    }

    fn link(&self) -> Link {
        Link::Connected
    }

    fn ask(&self, _: Request, _: Duration) -> BoxFuture<'_, Result<Response, RemoteError>> {
        unreachable!("these tests ask nobody")
    }
}

fn membership(addresses: &[&str]) -> Arc<Membership> {
    let nodes = addresses.iter().map(|address| Member::own(*address, 1)).collect();
    Arc::new(Membership { nodes, connected: true, ..Membership::default() })
}

fn cluster(clock: &Clock) -> Cluster {
    Cluster::new("a:1", clock.clone(), |address| Arc::new(Named(address.to_owned())))
}

fn name(owner: &Owner) -> &str {
    match owner {
        Owner::Local => "a:1",
        Owner::Remote(remote) => remote.address(),
    }
}

fn hashes() -> impl Iterator<Item = u64> {
    (0..1_000).map(|n| ring_hash(&n.to_string()))
}

#[test]
fn a_change_is_seen_whole_and_keeps_connections() {
    let cluster = cluster(&Clock::manual());
    assert!(hashes().all(|hash| name(&cluster.owner(hash)) == "a:1"));
    cluster.apply(membership(&["a:1", "b:1"]));
    let connection = cluster.others().remove(0);
    cluster.apply(membership(&["a:1", "b:1", "c:1"]));
    assert!(cluster.others().iter().any(|remote| Arc::ptr_eq(remote, &connection)));
    let state = cluster.state();
    let links: Vec<_> = state.nodes.iter().map(|node| node.link.clone()).collect();
    assert_eq!(links, [None, Some(Link::Connected), Some(Link::Connected)]);
    assert!((state.nodes.iter().map(|node| node.share).sum::<f64>() - 1.0).abs() < 1e-9);
    assert!(hashes().any(|hash| name(&cluster.owner(hash)) == "c:1"));
}

#[test]
fn who_registers_soon_after_this_node_is_owed_what_it_changed_alone() {
    let clock = Clock::manual();
    let cluster = cluster(&clock);
    let owed = |cluster: &Cluster| {
        let out = Membership { problem: "etcd is away".into(), ..Membership::default() };
        cluster.apply(Arc::new(out));
        cluster.owe_who_comes(&"g".into(), &"Tom".into());
    };
    owed(&cluster);
    cluster.apply(membership(&["a:1"]));
    clock.advance(BACK_WITHIN.as_millis() as u64);
    // It was there before, and lost the registry too.
    cluster.apply(membership(&["a:1", "b:1"]));
    assert_eq!(cluster.debts.nodes(), ["b:1"]);
    clock.advance(1);
    cluster.apply(membership(&["a:1", "b:1", "c:1"]));
    assert_eq!(cluster.debts.nodes(), ["b:1"]);
    // The time begins anew with each registration.
    owed(&cluster);
    cluster.apply(membership(&["a:1"]));
    clock.advance(BACK_WITHIN.as_millis() as u64);
    let again = Membership { registrations: 2, ..(*membership(&["a:1"])).clone() };
    cluster.apply(Arc::new(again.clone()));
    clock.advance(1);
    let nodes = membership(&["a:1", "d:1"]).nodes.clone();
    cluster.apply(Arc::new(Membership { nodes, ..again }));
    assert_eq!(cluster.debts.nodes(), ["b:1", "d:1"]);
}

#[test]
fn a_process_without_a_list_owes_its_changes_to_who_greets_it() {
    let cluster = cluster(&Clock::manual());
    let in_ring = |from: &str| {
        let answer = cluster.greeted_by(from, 1, false).expect("it is an address");
        matches!(answer, Response::Greeted { in_ring: true, .. })
    };
    cluster.owe_who_comes(&"g".into(), &"Tom".into());
    assert!(in_ring("b:1"), "it will not change a key without telling");
    assert_eq!(cluster.debts.nodes(), ["b:1"]);
    cluster.debts.cancel("b:1");
    assert!(in_ring("b:1") && cluster.debts.nodes().is_empty(), "once");
    cluster.apply(membership(&["a:1", "b:1"]));
    assert!(in_ring("b:1") && !in_ring("c:1"), "now it knows who is there");
}

#[test]
fn previous_owners_are_remembered_for_a_while() {
    let clock = Clock::manual();
    let cluster = cluster(&clock);
    cluster.apply(membership(&["a:1", "b:1", "c:1"]));
    // It was alone, and the others had its share until now.
    for hash in hashes() {
        let own = matches!(cluster.owner(hash), Owner::Local);
        assert_eq!(cluster.previous_owners(hash).len(), usize::from(own));
    }
    clock.advance(REMEMBERED.as_millis() as u64);
    let owners: Vec<String> = hashes().map(|hash| name(&cluster.owner(hash)).to_owned()).collect();
    // A change of the registry's state is none of the ring.
    let lost = Membership { connected: false, ..(*membership(&["a:1", "b:1", "c:1"])).clone() };
    cluster.apply(Arc::new(lost));
    assert!(hashes().all(|hash| cluster.previous_owners(hash).is_empty()));

    cluster.apply(membership(&["a:1", "b:1"]));
    let check = |expected: &dyn Fn(&str, &str) -> bool| {
        for (hash, before) in hashes().zip(&owners) {
            let now = cluster.owner(hash);
            let previous = cluster.previous_owners(hash);
            assert!(previous.len() <= 1);
            let asked = previous.first().map_or("", |remote| remote.address());
            assert_eq!(asked == "c:1", expected(before, name(&now)), "{before}");
        }
    };
    check(&|before, _| before == "c:1");
    clock.advance(REMEMBERED.as_millis() as u64 - 1);
    check(&|before, _| before == "c:1");
    clock.advance(1);
    check(&|_, _| false);
}
