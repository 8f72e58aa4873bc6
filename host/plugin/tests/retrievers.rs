//! Retrievers at work: the static one, and what becomes of those that misbehave.

use std::sync::Arc;
use std::time::Duration;

use super::engines;
use super::guests::{RetrieverGuest, plugin};
use crate::plugin::{LoadError, Plugin, RetrieverComponent, RetrieverConfig, RetrieverLimits};
use crate::policy::Failure;
use crate::retriever::{ConnectionSource, FetchError, Pool, PoolConfig, Retriever};

const SECOND: Duration = Duration::from_secs(1);

fn limits() -> RetrieverLimits {
    RetrieverLimits {
        memory_bytes: 8 << 20,
        value_bytes: 100,
        configure: Duration::from_millis(200),
    }
}

async fn load(plugin: Plugin) -> Result<Arc<RetrieverComponent>, LoadError> {
    let config = RetrieverConfig { group: "scores".into(), ..RetrieverConfig::default() };
    RetrieverComponent::load(engines(), plugin, config, limits()).await
}

async fn fetch(code: &'static str, timeout: Duration) -> Result<Option<Vec<u8>>, FetchError> {
    let guest = RetrieverGuest { fetch: code, ..RetrieverGuest::default() };
    let component = load(guest.plugin()).await.unwrap();
    let mut connection = component.connect().await.unwrap();
    let fetched = connection.fetch("Tom", timeout).await?;
    Ok(fetched.map(|fetched| fetched.value.to_vec()))
}

/// The answer at 16: ok, some, a value of so many bytes at 4096.
macro_rules! value {
    ($bytes:literal) => {
        concat!(
            "(i32.store8 (i32.const 24) (i32.const 1))",
            "(i32.store (i32.const 32) (i32.const 4096))",
            "(i32.store (i32.const 36) (i32.const ",
            $bytes,
            ")) i32.const 16"
        )
    };
}

#[tokio::test]
async fn the_static_retriever_knows_tom() {
    let plugin = Plugin::resolve("static").unwrap();
    let config = RetrieverConfig { group: "scores".into(), ..RetrieverConfig::default() };
    let limits = RetrieverLimits::default();
    let component = RetrieverComponent::load(engines(), plugin, config, limits).await.unwrap();
    let pool = Pool::new(component, PoolConfig { size: 8, idle: SECOND });
    for (key, value) in [("Tom", "630"), ("Jack", "589"), ("Sam", "567")] {
        let fetched = pool.fetch(key, SECOND).await.unwrap().unwrap();
        assert_eq!(fetched.value, value);
    }
    assert_eq!(pool.fetch("nobody", SECOND).await, Ok(None));
}

#[tokio::test]
async fn a_policy_is_no_retriever() {
    let error = load(Plugin::resolve("lru").unwrap()).await.unwrap_err().to_string();
    assert!(error.contains("lru is no retriever"), "{error}");
    assert!(error.contains("it is a policy: give it as one"), "{error}");
}

#[tokio::test]
async fn a_value_comes_back() {
    assert_eq!(fetch("i32.const 16", SECOND).await, Ok(None));
    assert_eq!(fetch(value!("3"), SECOND).await, Ok(Some(vec![0; 3])));
}

#[tokio::test]
async fn a_value_beyond_the_limit_is_refused() {
    let error = fetch(value!("101"), SECOND).await.unwrap_err();
    assert_eq!(error, FetchError::BadValue("it has 101 bytes, and at most 100 are taken".into()));
}

#[tokio::test]
async fn a_value_far_beyond_the_limit_is_not_copied() {
    let error = fetch(value!("2000000"), SECOND).await.unwrap_err();
    assert!(
        matches!(&error, FetchError::Broken(text) if text.contains("too much data")),
        "{error}"
    );
}

#[tokio::test]
async fn the_text_of_an_error_can_not_control_a_terminal() {
    // err, rejected, six bytes at 4096.
    let error = fetch(
        "(i32.store8 (i32.const 16) (i32.const 1))
         (i32.store8 (i32.const 24) (i32.const 1))
         (i32.store (i32.const 28) (i32.const 4096))
         (i32.store (i32.const 32) (i32.const 6))
         (i64.store (i32.const 4096) (i64.const 0x074a325b1b61))
         i32.const 16",
        SECOND,
    );
    let escaped = r"a\u{1b}[2J\u{7}".to_owned();
    assert_eq!(error.await, Err(FetchError::Rejected(escaped)));
}

#[tokio::test]
async fn a_trap_breaks_the_connection() {
    let error = fetch("unreachable", SECOND).await.unwrap_err();
    assert!(matches!(&error, FetchError::Broken(text) if text.contains("unreachable")), "{error}");
}

#[tokio::test]
async fn a_guest_that_wants_too_much_memory_is_told_so() {
    let grow = "(if (i32.eq (memory.grow (i32.const 1000)) (i32.const -1)) (then unreachable))
        i32.const 16";
    let error = fetch(grow, SECOND).await.unwrap_err();
    assert!(matches!(&error, FetchError::Broken(text) if text.contains("memory")), "{error}");
}

/// On the one thread of this test: a guest that held it would stop the clock too.
#[tokio::test]
async fn a_busy_guest_gives_its_thread_back_and_ends_at_its_deadline() {
    let mut others = 0;
    let busy = fetch("(loop (br 0)) unreachable", Duration::from_millis(50));
    let mut busy = std::pin::pin!(busy);
    let error = loop {
        tokio::select! {
            biased;
            answer = &mut busy => break answer.unwrap_err(),
            () = tokio::task::yield_now() => others += 1,
        }
    };
    assert_eq!(error, FetchError::Timeout(Duration::from_millis(50)));
    assert!(others > 3, "another task had {others} turns");
}

#[tokio::test]
async fn a_fetch_can_be_given_up_anywhere_and_the_pool_goes_on() {
    let busy = RetrieverGuest { fetch: "(loop (br 0)) unreachable", ..RetrieverGuest::default() };
    let component = load(busy.plugin()).await.unwrap();
    let pool = Pool::new(component, PoolConfig { size: 1, idle: SECOND });
    for _ in 0..3 {
        let given_up = tokio::time::timeout(Duration::from_millis(5), pool.fetch("k", SECOND));
        assert!(given_up.await.is_err());
    }
    let answer = pool.fetch("k", Duration::from_millis(5)).await;
    assert_eq!(answer, Err(FetchError::Timeout(Duration::from_millis(5))));
}

/// The interface `retriever-batch`, by the function `fetch-many` of the core module.
const BATCH: &str = r#"
    (func $fetch-many (param "keys" (list string)) (param "timeout-ms" u32)
        (result (result (list (option $fetched)) (error $error)))
        (canon lift (core func $core "fetch-many") (memory $memory) (realloc $realloc)))
    (instance $batch (export "fetch-many" (func $fetch-many)))
    (export "psycache:plugin/retriever-batch@0.1.0" (instance $batch))"#;

/// The interface `probe`, by the function `ping` of the core module.
const PROBE: &str = r#"
    (func $ping (param "timeout-ms" u32) (result (result (error $error)))
        (canon lift (core func $core "ping") (memory $memory) (realloc $realloc)))
    (instance $probe (export "ping" (func $ping)))
    (export "psycache:plugin/probe@0.1.0" (instance $probe))"#;

/// Answers the first key with a value of three bytes, the second with one that is too long, and
/// no other. Its answer has as many places as it was given keys, or `$more`.
macro_rules! fetch_many {
    ($more:literal) => {
        concat!(
            r#"(func (export "fetch-many") (param $keys i32) (param $len i32) (param i32) (result i32)
                (i32.store8 (i32.const 4096) (i32.const 1))
                (i32.store (i32.const 4104) (i32.const 8192))
                (i32.store (i32.const 4108) (i32.const 3))
                (i32.store8 (i32.const 4128) (i32.const 1))
                (i32.store (i32.const 4136) (i32.const 8192))
                (i32.store (i32.const 4140) (i32.const 101))
                (i32.store (i32.const 20) (i32.const 4096))
                (i32.store (i32.const 24) (i32.add (local.get $len) (i32.const "#,
            $more,
            r#")))
                i32.const 16)"#
        )
    };
}

#[tokio::test]
async fn many_keys_are_one_call_of_a_guest_that_takes_them() {
    let guest = RetrieverGuest { items: fetch_many!("0"), more: BATCH, fetch: "unreachable" };
    let component = load(guest.plugin()).await.unwrap();
    assert!(component.fetches_many() && !component.pings());
    let mut connection = component.connect().await.unwrap();
    for _ in 0..2 {
        let found = connection.fetch_many(&["a", "b", "c"], SECOND).await.unwrap();
        let value = found[0].clone().unwrap().unwrap().value;
        assert_eq!(value, [0; 3][..]);
        assert!(matches!(found[1], Err(FetchError::BadValue(_))), "{:?}", found[1]);
        assert_eq!(found[2], Ok(None));
    }
}

#[tokio::test]
async fn as_many_answers_as_keys_are_taken_and_no_other_number() {
    let guest = RetrieverGuest { items: fetch_many!("1"), more: BATCH, ..Default::default() };
    let mut connection = load(guest.plugin()).await.unwrap().connect().await.unwrap();
    let error = connection.fetch_many(&["a", "b"], SECOND).await.unwrap_err();
    assert_eq!(error, FetchError::Broken("fetch-many gave 3 answers for 2 keys".into()));
}

#[tokio::test]
async fn a_guest_without_the_optional_interfaces_is_never_asked_by_them() {
    let component = load(RetrieverGuest::default().plugin()).await.unwrap();
    assert!(!component.fetches_many() && !component.pings());
    let pool = Pool::new(component, PoolConfig { size: 1, idle: SECOND });
    assert!(pool.probe(SECOND).is_none());
}

#[tokio::test]
async fn a_probe_tells_what_the_guest_finds() {
    let answers = r#"(func (export "ping") (param i32) (result i32) i32.const 16)"#;
    // err, unavailable, one byte at 4096.
    let fails = r#"(func (export "ping") (param i32) (result i32)
        (i32.store8 (i32.const 16) (i32.const 1))
        (i32.store (i32.const 24) (i32.const 4096))
        (i32.store (i32.const 28) (i32.const 1))
        (i32.store8 (i32.const 4096) (i32.const 0x61))
        i32.const 16)"#;
    for (items, found) in [(answers, Ok(())), (fails, Err(FetchError::Unavailable("a".into())))] {
        let guest = RetrieverGuest { items, more: PROBE, ..Default::default() };
        let component = load(guest.plugin()).await.unwrap();
        let pool = Pool::new(component, PoolConfig { size: 1, idle: SECOND });
        assert_eq!(pool.probe(SECOND).expect("it has one").await, found);
    }
}

#[tokio::test]
async fn an_optional_interface_of_another_shape_is_refused() {
    let items = r#"(func (export "ping") (result i32) i32.const 16)"#;
    let more = r#"
        (func $ping (result u32) (canon lift (core func $core "ping")))
        (instance $probe (export "ping" (func $ping)))
        (export "psycache:plugin/probe@0.1.0" (instance $probe))"#;
    let guest = RetrieverGuest { items, more, ..Default::default() };
    let error = load(guest.plugin()).await.unwrap_err().to_string();
    assert!(error.contains("psycache:plugin/probe@0.1.0"), "{error}");
}

#[tokio::test]
async fn a_start_that_loops_is_stopped() {
    let items = "(func $spin (loop (br 0))) (start $spin)";
    let guest = RetrieverGuest { items, ..RetrieverGuest::default() };
    match load(guest.plugin()).await {
        Err(LoadError::Start { failure, .. }) => {
            assert_eq!(failure, Failure::Deadline { limit_ms: 200 });
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_other_shape_is_refused() {
    let empty = r#"(component (instance $retriever)
        (export "psycache:plugin/retriever@0.1.0" (instance $retriever)))"#;
    let error = load(plugin("p", empty)).await.unwrap_err().to_string();
    assert!(error.contains("it has no function \"configure\""), "{error}");
}

#[test]
fn secrets_are_not_printed() {
    let config = RetrieverConfig {
        secrets: vec![("password".into(), "hunter2".into())],
        ..RetrieverConfig::default()
    };
    let printed = format!("{config:?}");
    assert!(printed.contains("password") && !printed.contains("hunter2"), "{printed}");
}
