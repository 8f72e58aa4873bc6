//! A stream through a node: each row of its shadow against `sim`.

use std::collections::HashSet;
use std::fmt::Write;
use std::io::Cursor;
use std::num::NonZeroU64;
use std::sync::Arc;

use futures::future::{BoxFuture, FutureExt};
use psycache::cli::{Unit, simulate};
use psycache::config::{Config, Group, RetrieverChoice};
use psycache::node::Node;
use psycache::plugin::{CompileCache, Engines, Plugin, PolicyComponent, PolicyLimits};
use psycache::policy::PolicyConfig;
use psycache::proto::admin_client::AdminClient;
use psycache::proto::start_shadow_request::Part;
use psycache::proto::{
    ListShadowsRequest, ShadowHeader, ShadowPolicy, ShadowStatus, StartShadowRequest,
};
use psycache::retriever::{FetchError, Fetched, Retriever};
use psycache::store::ENTRY_OVERHEAD;
use tonic::transport::Channel;

/// Entries of the group, so that a quarter of the keys are in a sample of 8,192 entries.
const ENTRIES: u64 = 32_768;
const GETS: u64 = 420_000;
const VALUE: &[u8] = &[b'v'; 20];
const KEY_BYTES: u64 = 10;

struct Values;

impl Retriever for Values {
    fn name(&self) -> &str {
        "values"
    }

    fn fetch<'a>(
        &'a self,
        _key: &'a str,
        _within: std::time::Duration,
    ) -> BoxFuture<'a, Result<Option<Fetched>, FetchError>> {
        async { Ok(Some(Fetched::new(VALUE, None))) }.boxed()
    }
}

/// Popular keys, some more than others, and passes over many.
fn stream() -> impl Iterator<Item = String> {
    (0..GETS).map(|at| {
        let mixed = (at + 1).wrapping_mul(0xd6e8_feb8_6659_fd93);
        let mixed = (mixed ^ mixed >> 32).wrapping_mul(0xd6e8_feb8_6659_fd93);
        let uniform = (mixed >> 11) as f64 / (1_u64 << 53) as f64;
        match at % 3 {
            0 => format!("s-{:08}", at / 3 % 60_000),
            // As often as one over the rank.
            _ => format!("k-{:08}", 150_000_f64.powf(uniform) as u64),
        }
    })
}

/// Asks one node, until what it tells was written after now and has no access left out.
async fn settled(admin: &mut AdminClient<Channel>) -> ShadowStatus {
    let mut first = None;
    loop {
        let list = ListShadowsRequest { group: "scores".into() };
        let shadow = admin.list_shadows(list).await.unwrap().into_inner().shadows.remove(0);
        let first_age_ms = *first.get_or_insert(shadow.age_ms);
        if shadow.age_ms != first_age_ms && shadow.waiting == 0 {
            return shadow;
        }
    }
}

/// Hits of the last `counted` requests of the stream by `sim`, as a share.
fn simulated(policy: &str, capacity: u64, counted: u64) -> f64 {
    let engines = Engines::new(&CompileCache::Off).unwrap();
    let trial = PolicyConfig::new(capacity, capacity as u32 + 1);
    let plugin = Plugin::resolve(policy).unwrap();
    let source = PolicyComponent::load(&engines, plugin, &trial, PolicyLimits::default()).unwrap();
    let hits = |requests: u64| {
        let mut trace = String::new();
        stream().take(requests as usize).for_each(|key| writeln!(trace, "{key}").unwrap());
        let capacity = NonZeroU64::new(capacity).unwrap();
        let trace = Cursor::new(trace);
        let simulated = simulate(trace, Unit::Entries, source.as_ref(), capacity).unwrap();
        simulated.hit_ratio * simulated.requests as f64
    };
    (hits(GETS) - hits(GETS - counted)) / counted as f64
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_row_is_within_a_point_of_sim() {
    let mut group = Group::new("scores");
    group.retriever = Some(RetrieverChoice::native(Values));
    group.store.capacity_bytes = ENTRIES * (ENTRY_OVERHEAD + KEY_BYTES + VALUE.len() as u64);
    let mut config = Config::default();
    (config.listen, config.http, config.groups) = ("127.0.0.1:0".into(), None, vec![group]);
    let node = Node::start(config).await.unwrap();
    let mut admin =
        AdminClient::connect(format!("http://{}", node.address())).await.expect("it serves");

    let header = ShadowHeader { group: "scores".into(), capacities: vec![0.5, 1.0], keep_ms: 0 };
    let policies = ["lru", "sieve"]
        .map(|name| Part::Policy(ShadowPolicy { name: name.into(), ..ShadowPolicy::default() }));
    let parts = std::iter::once(Part::Header(header)).chain(policies);
    let requests: Vec<_> = parts.map(|part| StartShadowRequest { part: Some(part) }).collect();
    admin.start_shadow(tokio_stream::iter(requests)).await.unwrap();

    let scores = node.group("scores").unwrap();
    for (at, key) in stream().enumerate() {
        scores.get(&key).await.unwrap();
        // A busy machine may give the shadow's thread no time for long.
        if at % 5_000 == 0 {
            settled(&mut admin).await;
        }
    }
    let shadow = settled(&mut admin).await;
    assert_eq!(shadow.lost, 0);
    assert!((0.2..0.3).contains(&shadow.share), "{shadow:?}");
    assert!(shadow.gets >= shadow.wanted_gets, "{shadow:?}");
    let names: HashSet<_> =
        shadow.rows.iter().map(|row| (&row.policy, row.capacity_bytes)).collect();
    assert_eq!((shadow.rows.len(), names.len()), (4, 4));
    let shadow = Arc::new(shadow);
    let judge = Arc::clone(&shadow);
    tokio::task::spawn_blocking(move || {
        for row in &judge.rows {
            let entries = (ENTRIES as f64 * row.capacity) as u64;
            let expected = simulated(&row.policy, entries, judge.requests);
            let ratio = row.hit_ratio.unwrap();
            eprintln!("{} {}x: {ratio:.4}, sim {expected:.4}", row.policy, row.capacity);
            assert!((ratio - expected).abs() < 0.01, "{expected}: {row:?} of {judge:?}");
        }
    })
    .await
    .unwrap();
    let live = shadow.live_hit_ratio.unwrap();
    let lru = shadow.rows.iter().find(|row| row.policy == "lru" && row.capacity == 1.0).unwrap();
    assert!((live - lru.hit_ratio.unwrap()).abs() < 0.02, "{live}: {lru:?}");
    node.shutdown().await;
}
