//! The bound, the line, the deadlines, and what is closed when.
#![allow(
    clippy::disallowed_methods,
    reason = "a test is a main: #[tokio::test] blocks on its runtime"
)]

use std::sync::atomic::{AtomicUsize, Ordering};

use futures::FutureExt;
use futures::future::join_all;

use super::*;

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
    most_open: AtomicUsize,
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
            let open = self.state.open.fetch_add(1, Ordering::SeqCst) + 1;
            self.state.most_open.fetch_max(open, Ordering::SeqCst);
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
fn pool(max_connections: usize, idle: Duration) -> (Arc<Pool>, Arc<SourceState>) {
    let state = Arc::new(SourceState {
        gate: Semaphore::new(0),
        connects: Semaphore::new(1000),
        made: AtomicUsize::new(0),
        open: AtomicUsize::new(0),
        most_open: AtomicUsize::new(0),
    });
    let source = Scripted { state: Arc::clone(&state) };
    let config = PoolConfig { max_connections, idle };
    (Pool::new(Arc::new(source), config), state)
}

async fn number(pool: &Pool, key: &str) -> usize {
    let fetched = pool.fetch(key, LATE).await.unwrap().unwrap();
    String::from_utf8(fetched.value.to_vec()).unwrap().parse().unwrap()
}

#[tokio::test]
async fn never_more_than_the_bound_are_open() {
    let (pool, state) = pool(3, LATE);
    let loads = join_all((0..30).map(|_| number(&pool, "gated")));
    let lets_pass = async {
        for passed in 0..30 {
            assert!(state.open.load(Ordering::SeqCst) == 3 || passed == 0);
            state.gate.add_permits(1);
            tokio::task::yield_now().await;
        }
    };
    futures::join!(loads, lets_pass);
    assert_eq!(state.most_open.load(Ordering::SeqCst), 3);
    assert_eq!(state.made.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn waiters_are_served_in_the_order_they_came() {
    let (pool, state) = pool(1, LATE);
    let order = Mutex::new(Vec::new());
    let load = |at: usize| {
        let (pool, order) = (&pool, &order);
        async move {
            number(pool, "gated").await;
            order.lock().push(at);
        }
    };
    let lets_pass = async { state.gate.add_permits(5) };
    futures::join!(join_all((0..5).map(load)), lets_pass);
    assert_eq!(*order.lock(), [0, 1, 2, 3, 4]);
}

#[tokio::test]
async fn a_waiter_gives_up_at_its_deadline() {
    let (pool, state) = pool(1, LATE);
    let held = number(&pool, "gated");
    let waits = async {
        let answer = pool.fetch("any", SOON).await;
        state.gate.add_permits(1);
        answer
    };
    let (number, answer) = futures::join!(held, waits);
    assert_eq!(answer, Err(FetchError::Timeout(SOON)));
    assert_eq!(number, 0);
}

#[tokio::test]
async fn a_load_ends_at_its_deadline_whatever_the_connection_does() {
    let (pool, state) = pool(1, LATE);
    assert_eq!(pool.fetch("hang", SOON).await, Err(FetchError::Timeout(SOON)));
    assert_eq!(state.open.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn connecting_counts_towards_the_deadline() {
    let (pool, state) = pool(1, LATE);
    state.connects.forget_permits(1000);
    assert_eq!(pool.fetch("any", SOON).await, Err(FetchError::Timeout(SOON)));
    state.connects.add_permits(1);
    assert_eq!(number(&pool, "any").await, 0);
}

#[tokio::test]
async fn a_load_given_up_closes_its_connection_and_frees_its_place() {
    let (pool, state) = pool(1, LATE);
    assert!(pool.fetch("hang", LATE).now_or_never().is_none());
    assert_eq!(state.open.load(Ordering::SeqCst), 0);
    assert_eq!(number(&pool, "any").await, 1);
}

#[tokio::test]
async fn a_panic_closes_the_connection_and_frees_the_place() {
    let (pool, state) = pool(1, LATE);
    let own = Arc::clone(&pool);
    let panics = tokio::spawn(async move { own.fetch("panic", LATE).await });
    assert!(panics.await.unwrap_err().is_panic());
    assert_eq!(state.open.load(Ordering::SeqCst), 0);
    assert_eq!(number(&pool, "any").await, 1);
}

#[tokio::test]
async fn a_connection_is_replaced_when_it_may_be_at_fault_and_kept_when_it_is_not() {
    let (pool, _) = pool(1, LATE);
    for (key, replaced) in [("broken", true), ("unavailable", true), ("rejected", false)] {
        let before = number(&pool, "any").await;
        pool.fetch(key, LATE).await.unwrap_err();
        assert_eq!(number(&pool, "any").await != before, replaced, "{key}");
    }
}

#[tokio::test]
async fn the_last_one_used_is_used_next() {
    let (pool, state) = pool(3, LATE);
    let lets_pass = async { state.gate.add_permits(3) };
    futures::join!(join_all((0..3).map(|_| number(&pool, "gated"))), lets_pass);
    assert_eq!(state.open.load(Ordering::SeqCst), 3);
    let last = number(&pool, "any").await;
    for _ in 0..10 {
        assert_eq!(number(&pool, "any").await, last);
    }
}

#[tokio::test]
async fn idle_connections_are_closed_in_time() {
    let (pool, state) = pool(3, SOON);
    number(&pool, "any").await;
    let start = Instant::now();
    while state.open.load(Ordering::SeqCst) > 0 {
        assert!(start.elapsed() < LATE);
        tokio::task::yield_now().await;
    }
    assert!(start.elapsed() >= SOON / 2);
    assert_eq!(number(&pool, "any").await, 1);
}

#[tokio::test]
async fn a_dropped_pool_closes_its_connections() {
    let (pool, state) = pool(3, LATE);
    number(&pool, "any").await;
    drop(pool);
    assert_eq!(state.open.load(Ordering::SeqCst), 0);
}
