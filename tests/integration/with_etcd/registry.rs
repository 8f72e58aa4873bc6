//! Registration and membership on a real etcd.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use etcd_client::CompactionOptions;
use psycache::clock::Clock;
use psycache::cluster::{PROMISE, Standing};
use psycache::membership::registry::{Config, Member, Membership, Registry, RegistryError, etcd};

use super::server::Etcd;

const TTL: Duration = Duration::from_secs(2);

fn config(etcd: &Etcd) -> etcd::Config {
    etcd::Config { endpoints: vec![etcd.url()], lease_ttl: TTL, ..etcd::Config::default() }
}

fn standing() -> Arc<Standing> {
    Arc::new(Standing::new(Clock::monotonic()))
}

async fn join(config: &etcd::Config, address: &str) -> Registry {
    let own = Member::own(address, 1);
    Registry::start(Config::Etcd(config.clone()), own, standing()).await.expect("it can join")
}

fn addresses(membership: &Membership) -> Vec<&str> {
    membership.nodes.iter().map(|node| &*node.address).collect()
}

/// Waits until the node sees what is wanted; ten seconds are far too long.
async fn until(registry: &Registry, what: &str, wanted: impl Fn(&Membership) -> bool) {
    let mut membership = registry.membership();
    let seen = membership.wait_for(|membership| wanted(membership));
    let seen = tokio::time::timeout(Duration::from_secs(10), seen).await;
    assert!(seen.is_ok(), "{what}: {:?}", registry.membership().borrow());
}

async fn sees(registry: &Registry, expected: &[&str]) {
    until(registry, &format!("{expected:?}"), |membership| {
        membership.connected && addresses(membership) == expected
    })
    .await;
}

/// The addresses that stand in etcd itself.
async fn registered(etcd: &Etcd) -> Vec<String> {
    let mut client = etcd.client().await.expect("etcd runs");
    let all = etcd_client::GetOptions::new().with_prefix();
    let list = client.get("psycache/nodes/", Some(all)).await.expect("etcd answers");
    let key = |entry: &etcd_client::KeyValue| entry.key_str().expect("text").to_owned();
    list.kvs().iter().map(key).collect()
}

/// A node that dies without a word: its runtime goes, and its connections.
fn doomed(config: &etcd::Config, address: &str) -> tokio::runtime::Runtime {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    let (config, address) = (config.clone(), address.to_owned());
    let (joined, wait) = std::sync::mpsc::channel();
    runtime.spawn(async move {
        let registry = join(&config, &address).await;
        joined.send(()).expect("the test waits");
        std::future::pending::<()>().await;
        drop(registry);
    });
    wait.recv().expect("it joined");
    runtime
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_see_each_other_come_and_go() {
    let etcd = Etcd::start().await;
    let config = config(&etcd);
    let one = join(&config, "127.0.0.1:1").await;
    sees(&one, &["127.0.0.1:1"]).await;
    let two = join(&config, "127.0.0.1:2").await;
    sees(&one, &["127.0.0.1:1", "127.0.0.1:2"]).await;
    sees(&two, &["127.0.0.1:1", "127.0.0.1:2"]).await;
    let left = Instant::now();
    two.leave().await;
    sees(&one, &["127.0.0.1:1"]).await;
    assert!(left.elapsed() < TTL / 2, "leaving must not wait for the lease");
    assert_eq!(registered(&etcd).await, ["psycache/nodes/127.0.0.1:1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lease_of_a_killed_node_runs_out() {
    let etcd = Etcd::start().await;
    let config = config(&etcd);
    let one = join(&config, "127.0.0.1:1").await;
    let killed = doomed(&config, "127.0.0.1:2");
    sees(&one, &["127.0.0.1:1", "127.0.0.1:2"]).await;
    killed.shutdown_background();
    sees(&one, &["127.0.0.1:1"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_etcd_that_comes_back_empty_gets_all_nodes_back() {
    let mut etcd = Etcd::start().await;
    let config = config(&etcd);
    let one = join(&config, "127.0.0.1:1").await;
    let two = join(&config, "127.0.0.1:2").await;
    sees(&one, &["127.0.0.1:1", "127.0.0.1:2"]).await;
    let mut history = one.membership();
    let watched = tokio::spawn(async move {
        let mut fewest = usize::MAX;
        while history.changed().await.is_ok() {
            fewest = fewest.min(history.borrow().nodes.len());
        }
        fewest
    });

    etcd.stop();
    until(&one, "it notices", |membership| !membership.connected).await;
    until(&two, "it notices", |membership| !membership.connected).await;
    assert!(!one.membership().borrow().problem.is_empty(), "status says why");
    etcd.restart_empty().await;
    sees(&one, &["127.0.0.1:1", "127.0.0.1:2"]).await;
    sees(&two, &["127.0.0.1:1", "127.0.0.1:2"]).await;
    assert_eq!(registered(&etcd).await.len(), 2);
    assert_eq!(one.membership().borrow().registrations, 2, "the list is of the new register");
    drop(one);
    assert_eq!(watched.await.expect("it watched"), 2, "the ring never shrank");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compaction_during_an_outage_hides_nothing() {
    let mut etcd = Etcd::start().await;
    let config = config(&etcd);
    let one = join(&config, "127.0.0.1:1").await;
    let two = join(&config, "127.0.0.1:2").await;
    sees(&one, &["127.0.0.1:1", "127.0.0.1:2"]).await;
    etcd.stop();
    until(&one, "it notices", |membership| !membership.connected).await;
    two.leave().await;
    etcd.run().await;
    let mut client = etcd.client().await.expect("etcd runs");
    let three = serde_json::to_vec(&Member::own("127.0.0.1:3", 1)).expect("JSON");
    let put = client.put("psycache/nodes/127.0.0.1:3", three, None).await.expect("a put");
    let revision = put.header().expect("a header").revision();
    let physical = CompactionOptions::new().with_physical();
    client.compact(revision, Some(physical)).await.expect("a compaction");
    // The second node's lease runs out, too: it left while nobody listened.
    sees(&one, &["127.0.0.1:1", "127.0.0.1:3"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_starts_without_etcd_finds_it_later() {
    let mut etcd = Etcd::stopped();
    let one = join(&config(&etcd), "127.0.0.1:1").await;
    until(&one, "alone", |membership| {
        !membership.connected && addresses(membership) == ["127.0.0.1:1"]
    })
    .await;
    etcd.run().await;
    sees(&one, &["127.0.0.1:1"]).await;
    assert_eq!(registered(&etcd).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_has_one_holder() {
    let etcd = Etcd::start().await;
    let config = config(&etcd);
    let own = Member::own("127.0.0.1:1", 3);
    let holder = Registry::start(Config::Etcd(config.clone()), own.clone(), standing())
        .await
        .expect("first");
    let second = Member::own("127.0.0.1:1", 1);
    let refused =
        Registry::start(Config::Etcd(config), second, standing()).await.expect_err("second");
    let RegistryError::AddressTaken { holder: named, .. } = &refused else {
        panic!("{refused}");
    };
    assert_eq!(**named, own);
    assert!(refused.to_string().contains(&own.started), "{refused}");
    sees(&holder, &["127.0.0.1:1"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_crashed_does_not_hold_its_address_for_long() {
    let etcd = Etcd::start().await;
    let config = config(&etcd);
    let killed = doomed(&config, "127.0.0.1:1");
    killed.shutdown_background();
    let began = Instant::now();
    let again = join(&config, "127.0.0.1:1").await;
    assert!(began.elapsed() >= PROMISE, "others may rest on what it has promised");
    sees(&again, &["127.0.0.1:1"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_whose_entry_is_gone_comes_back_and_knows_it() {
    let etcd = Etcd::start().await;
    let (standing, dropped) = (standing(), Arc::new(AtomicU64::new(0)));
    let drops = Arc::clone(&dropped);
    standing.on_fall(move || drops.fetch_add(1, Ordering::Relaxed));
    let own = Member::own("127.0.0.1:1", 1);
    let registry = Config::Etcd(config(&etcd));
    let one = Registry::start(registry, own, Arc::clone(&standing)).await.expect("it can join");
    let at_start = dropped.load(Ordering::Relaxed);
    let mut client = etcd.client().await.expect("etcd runs");
    client.delete("psycache/nodes/127.0.0.1:1", None).await.expect("a delete");
    let deadline = Instant::now() + Duration::from_secs(10);
    while registered(&etcd).await.is_empty() {
        assert!(Instant::now() < deadline, "it does not come back");
    }
    assert!(dropped.load(Ordering::Relaxed) > at_start, "what it held went before it was back");
    assert!(!standing.holds(), "and it keeps nothing before it has greeted the others");
    let again = |membership: &Membership| membership.connected && membership.registrations == 2;
    until(&one, "it comes back", again).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_entry_is_not_a_node() {
    let etcd = Etcd::start().await;
    let mut client = etcd.client().await.expect("etcd runs");
    client.put("psycache/nodes/notes", "hello", None).await.expect("a put");
    let one = join(&config(&etcd), "127.0.0.1:1").await;
    sees(&one, &["127.0.0.1:1"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn user_and_password_are_asked_for() {
    let etcd = Etcd::start().await;
    etcd.protect().await;
    let with = |user: Option<(&str, &str)>| etcd::Config {
        user: user.map(|(name, password)| (name.into(), password.into())),
        ..config(&etcd)
    };
    let one = join(&with(Some(("psy", "cache"))), "127.0.0.1:1").await;
    sees(&one, &["127.0.0.1:1"]).await;
    for user in [None, Some(("psy", "wrong"))] {
        let own = Member::own("127.0.0.1:2", 1);
        let refused =
            Registry::start(Config::Etcd(with(user)), own, standing()).await.expect_err("no entry");
        assert!(matches!(refused, RegistryError::Refused(_)), "{refused}");
        assert!(refused.to_string().contains("user"), "{refused}");
    }
    one.leave().await;
}
