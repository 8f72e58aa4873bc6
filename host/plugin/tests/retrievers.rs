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
    let pool = Pool::new(component, PoolConfig::default());
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
    let config = PoolConfig { max_connections: 1, ..PoolConfig::default() };
    let pool = Pool::new(component, config);
    for _ in 0..3 {
        let given_up = tokio::time::timeout(Duration::from_millis(5), pool.fetch("k", SECOND));
        assert!(given_up.await.is_err());
    }
    let answer = pool.fetch("k", Duration::from_millis(5)).await;
    assert_eq!(answer, Err(FetchError::Timeout(Duration::from_millis(5))));
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
