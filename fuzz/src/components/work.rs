//! Work for a plugin that loaded, with less time and memory than a node gives.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use psycache::clock::Clock;
use psycache::plugin::{
    Engines, Plugin, PolicyComponent, PolicyLimits, RetrieverComponent, RetrieverConfig,
    RetrieverLimits,
};
use psycache::policy::{PolicyConfig, Residents, Waker, Worker, WorkerConfig};
use psycache::retriever::ConnectionSource;
use psycache::store::{ENTRY_OVERHEAD, NewEntry, NoRoom, Store, StoreConfig};

const CAPACITY: u64 = 8 * (ENTRY_OVERHEAD + 100);
const MEMORY_BYTES: u64 = 4 << 20;
const LONGEST_VALUE: usize = 1000;
const BRIEFLY: Duration = Duration::from_millis(10);
/// Turns after which a worker that still wants more goes round in a circle.
const TURNS: usize = 1000;

/// The policy of a small store that is filled twice over.
pub(super) fn as_policy(engines: &Arc<Engines>, plugin: Plugin) {
    let clock = Clock::manual();
    let waker = Waker::new();
    let config = StoreConfig::new(CAPACITY, Some(10));
    let store = Store::new(config, clock.clone(), Box::new(|| {}));
    let mut policy = PolicyConfig::new(CAPACITY, store.slot_bound());
    policy.max_victims = 4;
    let limits =
        PolicyLimits { memory_bytes: Some(MEMORY_BYTES), step: BRIEFLY, configure: BRIEFLY };
    let worker = WorkerConfig::new(policy.clone(), clock.clone());
    // With less time and memory it may not load after all.
    let Ok(component) = PolicyComponent::load(engines, plugin, &policy, limits) else {
        return;
    };
    let Ok((_worker, mut turns)) = Worker::by_hand("fuzz", component, worker, store.clone(), waker)
    else {
        return;
    };
    for key in 0..20_usize {
        let key = format!("key {key}");
        let value = Bytes::from(vec![0; 60 + 7 * key.len()]);
        let reserve = || store.reserve(key.len(), value.len());
        let room = match reserve() {
            Err(NoRoom::Full) => {
                assert!((0..TURNS).any(|_| !turns.take()), "the worker does not come to rest");
                reserve().expect("a worker at rest has made the room that was asked for")
            }
            other => other.expect("it is small"),
        };
        let entry = NewEntry { value: Some(value), deadline_ms: None, cost_us: 1 };
        store.commit(room, &key, store.hash(&key), entry);
        let _ = store.get("key 0", store.hash("key 0"));
        assert!(store.stats().bytes <= CAPACITY);
        clock.advance(1);
        turns.take();
    }
    assert!((0..TURNS).any(|_| !turns.take()), "the worker does not come to rest");
    assert_eq!(store.need(), 0);
}

/// The source of one value.
pub(super) async fn as_retriever(engines: &Arc<Engines>, plugin: Plugin) {
    let config = RetrieverConfig { group: "fuzz".into(), ..RetrieverConfig::default() };
    let limits = RetrieverLimits {
        memory_bytes: MEMORY_BYTES,
        value_bytes: LONGEST_VALUE as u64,
        configure: BRIEFLY,
    };
    let Ok(component) = RetrieverComponent::load(engines, plugin, config, limits).await else {
        return;
    };
    let Ok(mut connection) = component.connect().await else {
        return;
    };
    // A late guest is stopped by whoever waits for it, as in a node.
    let fetched = tokio::time::timeout(BRIEFLY, connection.fetch("Tom", BRIEFLY)).await;
    if let Ok(Ok(Some(fetched))) = fetched {
        assert!(fetched.value.len() <= LONGEST_VALUE, "{} bytes", fetched.value.len());
    }
}
