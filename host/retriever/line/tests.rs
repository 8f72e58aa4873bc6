//! How many load at a time, how many wait, and which of them share one call.
#![allow(
    clippy::disallowed_methods,
    reason = "a test is a main: #[tokio::test] blocks on its runtime"
)]

use std::sync::atomic::AtomicUsize;

use futures::FutureExt;
use futures::future::join_all;

use super::waiting::MOST_KEYS;
use super::*;
use crate::retriever::Fetched;
use crate::sync::Mutex;

const SOON: Duration = Duration::from_millis(20);
const LATE: Duration = Duration::from_secs(600);

/// A source whose calls end when the test lets one pass. It answers each key with itself, and
/// has no key `missing`.
struct Gated {
    many: bool,
    gate: Semaphore,
    running: AtomicUsize,
    most_running: AtomicUsize,
    /// The keys of each call, in the order of their beginning.
    calls: Mutex<Vec<Vec<String>>>,
    /// What a call for many fails with.
    fails: Option<FetchError>,
    /// A call for many says that it can't be asked so.
    refuses: bool,
}

/// Whatever becomes of a call, it does not run any more.
struct Running<'a>(&'a AtomicUsize);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

impl Gated {
    fn new(many: bool, fails: Option<FetchError>) -> Arc<Self> {
        Arc::new(Self {
            many,
            gate: Semaphore::new(0),
            running: AtomicUsize::new(0),
            most_running: AtomicUsize::new(0),
            calls: Mutex::default(),
            fails,
            refuses: false,
        })
    }

    /// One that says at the first call for many that it is asked for one key at a time.
    fn refusing() -> Arc<Self> {
        let mut source = Arc::into_inner(Self::new(true, None)).expect("it is new");
        source.refuses = true;
        Arc::new(source)
    }

    async fn call(&self, keys: &[&str]) {
        self.calls.lock().push(keys.iter().map(|key| (*key).to_owned()).collect());
        let running = self.running.fetch_add(1, Relaxed) + 1;
        let _running = Running(&self.running);
        self.most_running.fetch_max(running, Relaxed);
        self.gate.acquire().await.expect("it is never closed").forget();
    }

    fn calls(&self) -> Vec<usize> {
        self.calls.lock().iter().map(Vec::len).collect()
    }
}

fn answer(key: &str) -> Answer {
    Ok((key != "missing").then(|| Fetched::new(key.to_owned(), None)))
}

impl Retriever for Gated {
    fn fetch<'a>(&'a self, key: &'a str, _: Duration) -> BoxFuture<'a, Answer> {
        Box::pin(async move {
            self.call(&[key]).await;
            answer(key)
        })
    }

    fn fetches_many(&self) -> bool {
        self.many
    }

    fn fetch_many<'a>(
        &'a self,
        keys: &'a [&'a str],
        _: Duration,
    ) -> BoxFuture<'a, Result<Vec<Answer>, FetchError>> {
        Box::pin(async move {
            self.call(keys).await;
            match &self.fails {
                Some(error) => Err(error.clone()),
                None if self.refuses => Ok(Vec::new()),
                None => Ok(keys.iter().map(|key| answer(key)).collect()),
            }
        })
    }

    fn name(&self) -> &str {
        "gated"
    }
}

fn line(source: &Arc<Gated>, at_once: u32, queue: u32) -> Arc<Line> {
    Line::new(Arc::clone(source) as SharedRetriever, Some(at_once), queue)
}

/// A load in a task of its own, as a group makes it.
fn load(line: &Arc<Line>, key: &str) -> tokio::task::JoinHandle<Answer> {
    let (line, key) = (Arc::clone(line), key.to_owned());
    tokio::spawn(async move { line.fetch(&key, LATE).await })
}

async fn ended(load: tokio::task::JoinHandle<Answer>) -> Answer {
    load.await.expect("no load panics")
}

/// Lets all tasks go as far as they can.
async fn settled() {
    for _ in 0..20 {
        yield_now().await;
    }
}

#[tokio::test]
async fn never_more_than_the_places_load_and_the_others_in_the_order_they_came() {
    let source = Gated::new(false, None);
    let line = line(&source, 3, 100);
    let keys: Vec<String> = (0..30).map(|key| key.to_string()).collect();
    let loads: Vec<_> = keys.iter().map(|key| load(&line, key)).collect();
    settled().await;
    let reading = line.reading();
    assert_eq!((reading.places, reading.running, reading.waiting), (3, 3, 27));
    assert!(line.is_busy());
    source.gate.add_permits(30);
    for (key, answer) in keys.iter().zip(join_all(loads).await) {
        assert_eq!(answer.unwrap().unwrap().unwrap().value, key.as_bytes());
    }
    assert_eq!(source.most_running.load(Relaxed), 3);
    assert_eq!(source.calls.lock().concat(), keys);
    assert_eq!((line.reading().running, line.reading().waiting, line.is_busy()), (0, 0, false));
}

#[tokio::test]
async fn a_load_beyond_the_queue_fails_at_once_and_one_that_is_given_up_leaves_it() {
    for many in [false, true] {
        let source = Gated::new(many, None);
        let line = line(&source, 1, 1);
        let first = load(&line, "first");
        settled().await;
        let second = load(&line, "second");
        settled().await;
        assert_eq!(line.fetch("third", LATE).now_or_never(), Some(Err(FetchError::Full(1))));
        second.abort();
        settled().await;
        let third = load(&line, "third");
        settled().await;
        source.gate.add_permits(3);
        assert_eq!(ended(first).await, answer("first"));
        assert_eq!(ended(third).await, answer("third"));
        assert_eq!(source.calls.lock().concat(), ["first", "third"], "many: {many}");
    }
}

#[tokio::test]
async fn a_load_waits_no_longer_than_its_time() {
    let source = Gated::new(false, None);
    let line = line(&source, 1, 10);
    let first = load(&line, "first");
    settled().await;
    assert_eq!(line.fetch("second", SOON).await, Err(FetchError::Timeout(SOON)));
    source.gate.add_permits(1);
    assert_eq!(ended(first).await, answer("first"));
    assert_eq!(source.calls(), [1]);
}

#[tokio::test]
async fn loads_that_wait_share_one_call_and_a_lone_one_does_not_wait() {
    let source = Gated::new(true, None);
    let line = line(&source, 1, 100);
    let first = load(&line, "first");
    settled().await;
    assert_eq!(source.calls(), [1], "nothing waits for others to come");
    let keys = ["a", "missing", "b"];
    let loads: Vec<_> = keys.iter().map(|key| load(&line, key)).collect();
    settled().await;
    source.gate.add_permits(2);
    assert_eq!(ended(first).await, answer("first"));
    for (key, load) in keys.iter().zip(loads) {
        assert_eq!(ended(load).await, answer(key));
    }
    assert_eq!(source.calls(), [1, 3]);
    assert_eq!((line.reading().batches, line.reading().batched_keys), (1, 3));
}

#[tokio::test]
async fn loads_that_begin_together_share_one_call_though_there_are_places() {
    let source = Gated::new(true, None);
    let line = line(&source, 8, 100);
    let keys: Vec<String> = (0..64).map(|key| key.to_string()).collect();
    let loads: Vec<_> = keys.iter().map(|key| load(&line, key)).collect();
    settled().await;
    assert_eq!(source.calls(), [64]);
    // The places of the other loads of the batch are free again.
    assert_eq!(line.reading().running, 1);
    source.gate.add_permits(1);
    for (key, load) in keys.iter().zip(loads) {
        assert_eq!(ended(load).await, answer(key));
    }
}

#[tokio::test]
async fn a_call_has_a_bounded_number_of_keys_and_of_their_bytes() {
    let source = Gated::new(true, None);
    let line = line(&source, 1, 1_000);
    let first = load(&line, "first");
    settled().await;
    let short: Vec<_> = (0..MOST_KEYS + 1).map(|key| load(&line, &key.to_string())).collect();
    settled().await;
    let long: Vec<_> = (0..40).map(|key| load(&line, &format!("{key:01024}"))).collect();
    source.gate.add_permits(10);
    ended(first).await.unwrap();
    for load in short.into_iter().chain(long) {
        ended(load).await.unwrap();
    }
    let calls = source.calls();
    assert_eq!(calls[1], MOST_KEYS);
    assert_eq!(calls.iter().sum::<usize>(), 1 + MOST_KEYS + 1 + 40);
    let bytes = |call: &Vec<String>| call.iter().map(String::len).sum::<usize>();
    assert!(source.calls.lock().iter().all(|call| bytes(call) <= 32 << 10));
}

#[tokio::test]
async fn a_failure_of_all_is_told_to_all_and_another_is_looked_for_key_by_key() {
    let down = FetchError::Unavailable("refused".into());
    for (fails, calls) in
        [(down, vec![1, 2]), (FetchError::Broken("trap".into()), vec![1, 2, 1, 1])]
    {
        let source = Gated::new(true, Some(fails.clone()));
        let line = line(&source, 1, 100);
        let first = load(&line, "first");
        settled().await;
        let loads = [load(&line, "a"), load(&line, "b")];
        settled().await;
        source.gate.add_permits(10);
        ended(first).await.unwrap();
        for (key, load) in ["a", "b"].iter().zip(loads) {
            let expected = if calls.len() > 2 { answer(key) } else { Err(fails.clone()) };
            assert_eq!(ended(load).await, expected);
        }
        assert_eq!(source.calls(), calls);
    }
}

#[tokio::test]
async fn a_batch_goes_on_when_the_load_that_began_it_is_given_up() {
    let source = Gated::new(true, None);
    let line = line(&source, 1, 100);
    let first = load(&line, "first");
    settled().await;
    let (leads, along) = (load(&line, "leads"), load(&line, "along"));
    settled().await;
    source.gate.add_permits(1);
    ended(first).await.unwrap();
    settled().await;
    leads.abort();
    settled().await;
    assert_eq!(line.reading().running, 1, "its place is taken for as long as it runs");
    source.gate.add_permits(1);
    assert_eq!(ended(along).await, answer("along"));
    assert_eq!(source.calls(), [1, 2]);
}

#[tokio::test]
async fn each_load_is_told_when_the_source_works_for_it() {
    let source = Gated::new(true, None);
    let line = line(&source, 1, 100);
    let first = load(&line, "first");
    settled().await;
    let told = Arc::new(AtomicUsize::new(0));
    let loads: Vec<_> = ["a", "b"]
        .map(|key| {
            let (line, told) = (Arc::clone(&line), Arc::clone(&told));
            let asked = move || {
                told.fetch_add(1, Relaxed);
            };
            tokio::spawn(async move { line.fetch_telling(key, LATE, &asked).await })
        })
        .into();
    settled().await;
    assert_eq!(told.load(Relaxed), 0, "they wait");
    source.gate.add_permits(1);
    ended(first).await.unwrap();
    settled().await;
    assert_eq!(told.load(Relaxed), 2);
    source.gate.add_permits(1);
    for load in loads {
        ended(load).await.unwrap();
    }
}

#[tokio::test]
async fn a_source_that_can_not_be_asked_for_many_is_asked_so_once() {
    let source = Gated::refusing();
    let line = line(&source, 1, 2);
    source.gate.add_permits(100);
    for round in 0..3 {
        let loads = [load(&line, "a"), load(&line, "b")];
        for (key, load) in ["a", "b"].iter().zip(loads) {
            assert_eq!(ended(load).await, answer(key), "{round}");
        }
    }
    assert_eq!(source.calls(), [2, 1, 1, 1, 1, 1, 1]);
}

#[tokio::test]
async fn loads_that_a_batch_could_not_answer_wait_in_the_line_again() {
    let source = Gated::new(true, Some(FetchError::BadKey("one of them".into())));
    let line = line(&source, 1, 2);
    let loads = [load(&line, "a"), load(&line, "b")];
    settled().await;
    // The batch ends, and one of its loads runs in the only place.
    source.gate.add_permits(1);
    settled().await;
    assert_eq!((line.reading().running, line.reading().waiting), (1, 1));
    source.gate.add_permits(2);
    for (key, load) in ["a", "b"].iter().zip(loads) {
        assert_eq!(ended(load).await, answer(key));
    }
}

#[tokio::test]
async fn a_source_without_a_bound_is_asked_for_many_too() {
    let source = Gated::new(true, None);
    let line = Line::new(Arc::clone(&source) as SharedRetriever, None, 0);
    let loads = [load(&line, "a"), load(&line, "b")];
    settled().await;
    assert_eq!((source.calls(), line.reading().running, line.reading().places), (vec![2], 1, 0));
    assert!(!line.is_busy());
    source.gate.add_permits(1);
    for (key, load) in ["a", "b"].iter().zip(loads) {
        assert_eq!(ended(load).await, answer(key));
    }
}
