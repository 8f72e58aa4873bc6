//! The deadlines, what is made ahead, and what is closed when.
#![allow(
    clippy::disallowed_methods,
    reason = "a test is a main: #[tokio::test] blocks on its runtime"
)]

use std::sync::atomic::{AtomicUsize, Ordering};

use futures::FutureExt;
use futures::future::join_all;
use tokio::sync::Semaphore;
use tokio::task::yield_now;

use super::*;
use crate::retriever::Fetched;

const SOON: Duration = Duration::from_millis(20);
const LATE: Duration = Duration::from_secs(600);

/// A source whose keys say what happens: `gated` ends when the test lets one pass,
/// `hang` never ends, `panic` panics, `broken`, `unavailable` and `rejected` fail.
/// What else is asked for is answered with the connection's number.
struct Scripted {
    state: Arc<SourceState>,
}

struct SourceState {
    gate: Semaphore,
    /// One for each connection that may be made.
    connects: Semaphore,
    made: AtomicUsize,
    open: AtomicUsize,
}

struct Numbered {
    state: Arc<SourceState>,
    number: usize,
}

impl Drop for Numbered {
    fn drop(&mut self) {
        self.state.open.fetch_sub(1, Ordering::SeqCst);
    }
}

impl ConnectionSource for Scripted {
    fn connect(&self) -> BoxFuture<'_, Result<Box<dyn Connection>, FetchError>> {
        Box::pin(async {
            self.state.connects.acquire().await.unwrap().forget();
            let number = self.state.made.fetch_add(1, Ordering::SeqCst);
            self.state.open.fetch_add(1, Ordering::SeqCst);
            let state = Arc::clone(&self.state);
            Ok(Box::new(Numbered { state, number }) as Box<dyn Connection>)
        })
    }

    fn name(&self) -> &str {
        "scripted"
    }
}

impl Connection for Numbered {
    fn fetch<'a>(
        &'a mut self,
        key: &'a str,
        _timeout: Duration,
    ) -> BoxFuture<'a, Result<Option<Fetched>, FetchError>> {
        Box::pin(async move {
            match key {
                "gated" => self.state.gate.acquire().await.unwrap().forget(),
                "hang" => std::future::pending().await,
                "panic" => panic!("the source panics"),
                "broken" => return Err(FetchError::Broken("trap".into())),
                "unavailable" => return Err(FetchError::Unavailable("reset".into())),
                "rejected" => return Err(FetchError::Rejected("password".into())),
                _ => {}
            }
            let value = self.number.to_string().into();
            Ok(Some(Fetched { value, ttl: None }))
        })
    }
}

/// A pool, and what its source sees. Deadlines in these tests are either never
/// reached or reached while nothing else can happen.
///
/// The pool has made its spare connection.
async fn pool(size: u32, idle: Duration) -> (Arc<Pool>, Arc<SourceState>) {
    let state = Arc::new(SourceState {
        gate: Semaphore::new(0),
        connects: Semaphore::new(1000),
        made: AtomicUsize::new(0),
        open: AtomicUsize::new(0),
    });
    let source = Scripted { state: Arc::clone(&state) };
    let pool = Pool::new(Arc::new(source), PoolConfig { size, idle });
    at_rest(&pool).await;
    (pool, state)
}

/// Waits until no spare connection is being made.
async fn at_rest(pool: &Pool) {
    while pool.kept.lock().makes_spare {
        yield_now().await;
    }
}

async fn number(pool: &Pool, key: &str) -> usize {
    let fetched = pool.fetch(key, LATE).await.unwrap().unwrap();
    String::from_utf8(fetched.value.to_vec()).unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_load_ends_at_its_deadline_whatever_the_connection_does() {
    let (pool, state) = pool(1, LATE).await;
    assert_eq!(pool.fetch("hang", SOON).await, Err(FetchError::Timeout(SOON)));
    assert_eq!(state.open.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn connecting_counts_towards_the_deadline() {
    let (pool, state) = pool(1, LATE).await;
    pool.fetch("broken", LATE).await.unwrap_err();
    state.connects.forget_permits(1000);
    assert_eq!(pool.fetch("any", SOON).await, Err(FetchError::Timeout(SOON)));
    state.connects.add_permits(1);
    assert_eq!(number(&pool, "any").await, 1);
}

#[tokio::test]
async fn a_load_given_up_closes_its_connection_and_frees_its_place() {
    let (pool, state) = pool(1, LATE).await;
    assert!(pool.fetch("hang", LATE).now_or_never().is_none());
    assert_eq!(state.open.load(Ordering::SeqCst), 0);
    assert_eq!(number(&pool, "any").await, 1);
}

#[tokio::test]
async fn a_panic_closes_the_connection_and_frees_the_place() {
    let (pool, state) = pool(1, LATE).await;
    let own = Arc::clone(&pool);
    let panics = tokio::spawn(async move { own.fetch("panic", LATE).await });
    assert!(panics.await.unwrap_err().is_panic());
    assert_eq!(state.open.load(Ordering::SeqCst), 0);
    assert_eq!(number(&pool, "any").await, 1);
}

#[tokio::test]
async fn a_connection_is_replaced_when_it_may_be_at_fault_and_kept_when_it_is_not() {
    let (pool, _) = pool(1, LATE).await;
    for (key, replaced) in [("broken", true), ("unavailable", true), ("rejected", false)] {
        let before = number(&pool, "any").await;
        pool.fetch(key, LATE).await.unwrap_err();
        assert_eq!(number(&pool, "any").await != before, replaced, "{key}");
    }
}

#[tokio::test]
async fn a_connection_is_made_before_a_load_needs_it() {
    let (pool, state) = pool(2, LATE).await;
    assert_eq!(state.made.load(Ordering::SeqCst), 1, "before the first load");
    let first = async { number(&pool, "gated").await };
    let second = async {
        at_rest(&pool).await;
        // None can be made any more, so the second load uses the spare one.
        state.connects.forget_permits(1000);
        let second = number(&pool, "any").await;
        state.gate.add_permits(1);
        second
    };
    assert_eq!(futures::join!(first, second), (0, 1));
    let reading = pool.reading();
    assert_eq!((reading.idle_instances, reading.started_instances), (2, 2));
}

#[tokio::test]
async fn never_more_than_its_size_are_kept() {
    let (pool, state) = pool(2, LATE).await;
    let lets_pass = async {
        yield_now().await;
        state.gate.add_permits(4);
    };
    futures::join!(join_all((0..4).map(|_| number(&pool, "gated"))), lets_pass);
    at_rest(&pool).await;
    assert_eq!((pool.reading().idle_instances, state.open.load(Ordering::SeqCst)), (2, 2));
}

#[tokio::test]
async fn what_is_thrown_away_is_counted() {
    let (pool, _) = pool(1, LATE).await;
    number(&pool, "any").await;
    assert_eq!(pool.reading().discarded_instances, 0);
    pool.fetch("broken", LATE).await.unwrap_err();
    pool.fetch("hang", SOON).await.unwrap_err();
    assert!(pool.fetch("hang", LATE).now_or_never().is_none());
    assert_eq!(pool.reading().discarded_instances, 3);
}

#[tokio::test]
async fn the_last_one_used_is_used_next() {
    let (pool, state) = pool(3, LATE).await;
    let lets_pass = async { state.gate.add_permits(3) };
    futures::join!(join_all((0..3).map(|_| number(&pool, "gated"))), lets_pass);
    at_rest(&pool).await;
    assert_eq!(state.open.load(Ordering::SeqCst), 3);
    let last = number(&pool, "any").await;
    for _ in 0..10 {
        assert_eq!(number(&pool, "any").await, last);
    }
}

#[tokio::test]
async fn a_spare_connection_is_used_after_one_in_use_before() {
    let (pool, state) = pool(2, LATE).await;
    state.connects.forget_permits(1000);
    assert_eq!(number(&pool, "any").await, 0);
    state.connects.add_permits(1);
    at_rest(&pool).await;
    assert_eq!((pool.reading().idle_instances, number(&pool, "any").await), (2, 0));
}

#[tokio::test]
async fn idle_connections_are_closed_in_time() {
    let (pool, state) = pool(3, SOON).await;
    number(&pool, "any").await;
    let start = Instant::now();
    while state.open.load(Ordering::SeqCst) > 0 {
        assert!(start.elapsed() < LATE);
        tokio::task::yield_now().await;
    }
    assert!(start.elapsed() >= SOON / 2);
    assert!(number(&pool, "any").await > 0);
}

#[tokio::test]
async fn a_dropped_pool_closes_its_connections() {
    let (pool, state) = pool(3, LATE).await;
    number(&pool, "any").await;
    at_rest(&pool).await;
    drop(pool);
    assert_eq!(state.open.load(Ordering::SeqCst), 0);
}
