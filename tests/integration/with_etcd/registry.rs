//! Registration on a real etcd: what stands in it, and what it does to a node.

use std::time::Duration;

use etcd_client::{
    CompactionOptions, DeleteOptions, EventType, GetOptions, KeyValue, PutOptions, WatchOptions,
};
use futures::future::join_all;
use psycache::membership::registry::RegistryError;
use psycache::membership::registry::etcd::EtcdConfig;
use psycache::membership::view::Entry;
use psycache::ownership::Ownership;

use super::members::{LEASE, Member, Network};
use super::proxy::{Fault, Proxy};
use super::server::{Etcd, prefix};
use crate::patience::soon;

fn config(etcd: &Etcd, prefix: &str) -> EtcdConfig {
    let mut config = EtcdConfig::new(vec![etcd.url()]);
    config.prefix = prefix.into();
    config.lease_ttl = LEASE;
    config
}

/// All that stands in etcd below a prefix.
async fn entries(etcd: &Etcd, prefix: &str) -> Vec<KeyValue> {
    let mut client = etcd.client().await.expect("etcd runs");
    let all = GetOptions::new().with_prefix();
    let list = client.get(format!("{prefix}/"), Some(all)).await.expect("etcd answers");
    list.kvs().to_vec()
}

fn keys(entries: &[KeyValue]) -> Vec<&str> {
    entries.iter().map(|entry| entry.key_str().expect("text")).collect()
}

/// Waits until something was written at `key`.
async fn is_written(etcd: &Etcd, key: &str) {
    let mut client = etcd.client().await.expect("etcd runs");
    let from_the_start = WatchOptions::new().with_start_revision(1);
    let mut watch = client.watch(key, Some(from_the_start)).await.expect("etcd answers");
    let written = async {
        loop {
            let news = watch.message().await.expect("etcd answers").expect("it watches on");
            if news.events().iter().any(|event| event.event_type() == EventType::Put) {
                return;
            }
        }
    };
    soon(&format!("something is at {key}"), written).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_stands_in_etcd_under_two_leases() {
    let (etcd, prefix) = (Etcd::shared().await, prefix());
    let one = Network::default().join(&config(etcd, &prefix), "127.0.0.1:1").await;
    is_written(etcd, &format!("{prefix}/cluster")).await;
    let stands = entries(etcd, &prefix).await;
    let [cluster, node, record] = &stands[..] else { panic!("{:?}", keys(&stands)) };
    assert_eq!(
        keys(&stands),
        [
            format!("{prefix}/cluster"),
            format!("{prefix}/nodes/127.0.0.1:1"),
            format!("{prefix}/records/127.0.0.1:1"),
        ]
    );
    let described: Entry = serde_json::from_slice(node.value()).expect("JSON");
    assert_eq!(described.address, "127.0.0.1:1");
    assert!(!described.version.is_empty() && !described.started.is_empty());
    assert_eq!(node.create_revision(), one.ownership.name());
    assert_eq!(record.create_revision(), one.ownership.name(), "of the same transaction");

    let mut client = etcd.client().await.expect("etcd runs");
    for (lease, seconds) in [(node.lease(), 2), (record.lease(), 48), (cluster.lease(), 0)] {
        let granted = match lease {
            0 => 0,
            lease => client.lease_time_to_live(lease, None).await.expect("it lives").granted_ttl(),
        };
        assert_eq!(granted, seconds);
    }
    let of_etcd = client.status().await.expect("etcd answers");
    let id = of_etcd.header().expect("a header").cluster_id();
    assert_eq!(cluster.value_str().expect("text"), id.to_string());

    one.leave().await;
    assert_eq!(keys(&entries(etcd, &prefix).await), [format!("{prefix}/cluster")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_see_each_other_come_and_go_and_crash() {
    let (etcd, network) = (Etcd::shared().await, Network::default());
    let config = config(etcd, &prefix());
    let one = network.join(&config, "127.0.0.1:1").await;
    let two = network.join(&config, "127.0.0.1:2").await;
    let three = network.join(&config, "127.0.0.1:3").await;
    for node in [&one, &two, &three] {
        node.sees(&["127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"]).await;
    }
    two.leave().await;
    one.sees(&["127.0.0.1:1", "127.0.0.1:3"]).await;
    three.crash();
    one.sees(&["127.0.0.1:1"]).await;
}

/// Whatever answer of etcd is lost while a node registers, that of the transaction that
/// made its entry included, it ends as one node that holds its keys.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_registers_through_any_lost_answer() {
    let etcd = Etcd::shared().await;
    let undisturbed = Proxy::start(etcd.address()).await;
    let through = |proxy: &Proxy| {
        let mut config = config(etcd, &prefix());
        config.endpoints = vec![format!("http://{}", proxy.address())];
        // So long that no node of a busy machine loses it by accident.
        config.lease_ttl = Duration::from_secs(5);
        config
    };
    Network::default().join(&through(&undisturbed), "127.0.0.1:1").await;
    let pieces = undisturbed.pieces();
    assert!(pieces >= 5, "{pieces} pieces: not even one for each question");

    let faults = [Fault::Cut, Fault::Silence];
    let cases = (0..=pieces).flat_map(|piece| faults.map(|fault| (piece, fault)));
    let attempts = cases.map(|(piece, fault)| async move {
        let proxy = Proxy::disturbing(etcd.address(), piece, fault).await;
        let config = through(&proxy);
        let one = Network::default().join(&config, "127.0.0.1:1").await;
        is_written(etcd, &format!("{}/cluster", config.prefix)).await;
        one.until("etcd answers", |node| node.report().connected).await;
        let stands = entries(etcd, &config.prefix).await;
        let [_, node, record] = &stands[..] else { panic!("{:?}", keys(&stands)) };
        assert_eq!(node.create_revision(), one.ownership.name(), "{fault:?} at {piece}");
        // The transaction that made the entry wrote it, perhaps over one from before.
        assert_eq!(record.mod_revision(), node.create_revision(), "{fault:?} at {piece}");
    });
    join_all(attempts).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_strangers_are_no_nodes_and_are_counted() {
    let (etcd, prefix) = (Etcd::shared().await, prefix());
    let mut client = etcd.client().await.expect("etcd runs");
    let entry = |address: &str| serde_json::to_vec(&Entry::own(address, 1)).expect("JSON");
    let lease = client.lease_grant(600, None).await.expect("a lease").id();
    let leased = || Some(PutOptions::new().with_lease(lease));
    let put = [
        ("nodes/notes", b"hello".to_vec(), leased()),
        // Another one's address, no lease, another folder.
        ("nodes/127.0.0.1:8", entry("127.0.0.1:9"), leased()),
        ("nodes/127.0.0.1:7", entry("127.0.0.1:7"), None),
        ("other/127.0.0.1:6", entry("127.0.0.1:6"), leased()),
    ];
    for (key, value, options) in put {
        client.put(format!("{prefix}/{key}"), value, options).await.expect("a put");
    }
    let network = Network::default();
    let one = network.join(&config(etcd, &prefix), "127.0.0.1:1").await;
    one.sees(&["127.0.0.1:1"]).await;
    assert_eq!(one.ownership.report().ignored_keys, 4);
    // One that comes while the node watches.
    let value = entry("127.0.0.1:5");
    let put = client.put(format!("{prefix}/nodes/127.0.0.1:4"), value, leased()).await;
    put.expect("a put");
    let two = network.join(&config(etcd, &prefix), "127.0.0.1:2").await;
    for node in [&one, &two] {
        node.sees(&["127.0.0.1:1", "127.0.0.1:2"]).await;
    }
    assert_eq!(two.ownership.report().ignored_keys, 5);
    client.lease_revoke(lease).await.expect("it lives");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_whose_prefix_begins_anothers_is_apart_from_it() {
    let (etcd, prefix) = (Etcd::shared().await, prefix());
    let names = ["", "2", "/nodes", "/nodes/127.0.0.1:0"].map(|more| format!("{prefix}{more}"));
    let mut clusters = Vec::new();
    for (at, name) in names.iter().enumerate().rev() {
        let address = format!("127.0.0.1:{at}");
        clusters.push((Network::default().join(&config(etcd, name), &address).await, address));
    }
    for (node, address) in &clusters {
        node.sees(&[address]).await;
    }
    // Two clusters with a node's entry and record each, and the key that says so.
    is_written(etcd, &format!("{}/cluster", names[0])).await;
    let (first, _) = clusters.pop().expect("four");
    assert_eq!(first.ownership.report().ignored_keys, 6);
}

/// An entry that an operator deletes or writes over is gone, and its node with it, until
/// it has registered anew.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_whose_entry_is_gone_registers_anew() {
    let (etcd, prefix) = (Etcd::shared().await, prefix());
    let network = Network::default();
    let one = network.join(&config(etcd, &prefix), "127.0.0.1:1").await;
    let two = network.join(&config(etcd, &prefix), "127.0.0.1:2").await;
    one.sees(&["127.0.0.1:1", "127.0.0.1:2"]).await;
    let mut client = etcd.client().await.expect("etcd runs");
    let key = format!("{prefix}/nodes/127.0.0.1:2");
    for written_over in [false, true] {
        let name = two.ownership.name();
        if written_over {
            client.put(key.as_str(), "hello", None).await.expect("a put");
            two.until("it has no registration", |node| node.name() != name).await;
        }
        client.delete(key.as_str(), None).await.expect("a delete");
        two.until("it has another name", |node| node.name() > name).await;
        two.sees(&["127.0.0.1:1", "127.0.0.1:2"]).await;
        one.sees(&["127.0.0.1:1", "127.0.0.1:2"]).await;
        assert_eq!(one.ownership.view().name_at("127.0.0.1:2"), two.ownership.name());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_node_misses_its_entry_when_one_transaction_deletes_all() {
    let (etcd, prefix) = (Etcd::shared().await, prefix());
    let network = Network::default();
    let addresses = ["127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"];
    let mut nodes = Vec::new();
    for address in addresses {
        nodes.push(network.join(&config(etcd, &prefix), address).await);
    }
    for node in &nodes {
        node.sees(&addresses).await;
    }
    let names: Vec<_> = nodes.iter().map(|node| node.ownership.name()).collect();
    let mut client = etcd.client().await.expect("etcd runs");
    let all = DeleteOptions::new().with_prefix();
    let deleted = client.delete(format!("{prefix}/nodes/"), Some(all)).await.expect("a delete");
    assert_eq!(deleted.deleted(), 3);
    for (node, before) in nodes.iter().zip(names) {
        node.until("it has another name", |node| node.name() > before).await;
        node.sees(&addresses).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_that_etcd_grants_for_longer_is_refused() {
    let (etcd, prefix) = (Etcd::shared().await, prefix());
    // etcd grants no less than one and a half of its election timeout.
    let mut short = config(etcd, &prefix);
    short.lease_ttl = Duration::from_secs(1);
    let Err(refused) = Network::default().start(&short, "127.0.0.1:1").await else {
        panic!("nodes would wait for less than others count on");
    };
    let text = refused.to_string();
    assert!(text.contains("2s where 1s") && text.contains("--lease-ttl, 2s"), "{text}");
    assert_eq!(keys(&entries(etcd, &prefix).await), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_etcd_that_comes_back_empty_gets_all_nodes_back() {
    let (mut etcd, network) = (Etcd::start().await, Network::default());
    let config = config(&etcd, "psycache");
    let one = network.join(&config, "127.0.0.1:1").await;
    let two = network.join(&config, "127.0.0.1:2").await;
    // It may give the same names again, but not the same leases.
    let lease = |node: &Ownership| {
        let view = node.view();
        view.members.get(node.address()).map_or(0, |member| member.lease)
    };
    let leases = [&one, &two].map(|node| lease(&node.ownership));
    etcd.stop();
    for node in [&one, &two] {
        node.until("it notices", |node| !node.report().connected).await;
        assert!(!node.ownership.report().problem.is_empty(), "status says why");
    }
    etcd.restart_empty().await;
    for (node, before) in [&one, &two].into_iter().zip(leases) {
        node.until("it registers anew", |node| ![0, before].contains(&lease(node))).await;
        node.sees(&["127.0.0.1:1", "127.0.0.1:2"]).await;
    }
    is_written(&etcd, "psycache/cluster").await;
    assert_eq!(entries(&etcd, "psycache").await.len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compaction_during_an_outage_hides_nothing() {
    let (mut etcd, network) = (Etcd::start().await, Network::default());
    let config = config(&etcd, "psycache");
    let one = network.join(&config, "127.0.0.1:1").await;
    let two = network.join(&config, "127.0.0.1:2").await;
    one.sees(&["127.0.0.1:1", "127.0.0.1:2"]).await;
    etcd.stop();
    one.until("it notices", |node| !node.report().connected).await;
    two.crash();
    etcd.run().await;
    let mut client = etcd.client().await.expect("etcd runs");
    let put = client.put("elsewhere", "", None).await.expect("a put");
    let revision = put.header().expect("a header").revision();
    let physical = CompactionOptions::new().with_physical();
    client.compact(revision, Some(physical)).await.expect("a compaction");
    one.sees(&["127.0.0.1:1"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_starts_without_etcd_finds_it_later() {
    let mut etcd = Etcd::stopped();
    let config = config(&etcd, "psycache");
    let one = Network::default().start(&config, "127.0.0.1:1").await.expect("it waits");
    assert!(!one.ownership.report().connected && one.ownership.name() == 0);
    etcd.run().await;
    one.sees(&["127.0.0.1:1"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_has_one_holder() {
    let (etcd, network) = (Etcd::shared().await, Network::default());
    let config = config(etcd, &prefix());
    let holder = network.join(&config, "127.0.0.1:1").await;
    let stands = holder.ownership.view().members["127.0.0.1:1"].entry.clone();
    let refused = network.start(&config, "127.0.0.1:1").await.map(drop).expect_err("second");
    let RegistryError::AddressTaken { holder: named, .. } = &refused else { panic!("{refused}") };
    assert_eq!(**named, stands);
    assert!(refused.to_string().contains(&stands.started), "{refused}");
    holder.sees(&["127.0.0.1:1"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_crashed_holds_its_address_until_its_lease_ends() {
    let (etcd, prefix, network) = (Etcd::shared().await, prefix(), Network::default());
    let config = config(etcd, &prefix);
    let crashed = network.join(&config, "127.0.0.1:1").await;
    let other = network.join(&config, "127.0.0.1:2").await;
    let lease = crashed.ownership.view().members["127.0.0.1:1"].lease;
    crashed.crash();
    let again = network.join(&config, "127.0.0.1:1").await;
    let mut client = etcd.client().await.expect("etcd runs");
    let ttl = client.lease_time_to_live(lease, None).await.expect("etcd answers").ttl();
    assert_eq!(ttl, -1, "the lease had ended before");
    for node in [&again, &other] {
        node.sees(&["127.0.0.1:1", "127.0.0.1:2"]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn user_and_password_are_asked_for() {
    let (etcd, network) = (Etcd::start().await, Network::default());
    etcd.protect().await;
    let with = |user: Option<(&str, &str)>| {
        let mut config = config(&etcd, "psycache");
        config.user = user.map(|(name, password)| (name.into(), password.into()));
        config
    };
    let one: Member = network.join(&with(Some(("psy", "cache"))), "127.0.0.1:1").await;
    for user in [None, Some(("psy", "wrong"))] {
        let refused = network.start(&with(user), "127.0.0.1:2").await.map(drop);
        let refused = refused.expect_err("no entry");
        assert!(matches!(refused, RegistryError::Refused(_)), "{refused}");
        assert!(refused.to_string().contains("user"), "{refused}");
    }
    one.leave().await;
}
