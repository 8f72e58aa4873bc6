//! Callers that do not stop while a cluster changes, and what they see.
//!
//! The source changes all the time: what it answers is when it was asked. A set writes
//! when it began. So each value tells how old it is, and a get is stale whose value is
//! from before a change of its key began that had returned Ok before the get began.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use parking_lot::Mutex;
use psycache::client::{Client, Error, Reason};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::cluster::GROUP;

/// Keys that are only read.
pub(super) const KEYS: usize = 2_000;

/// Fifty changes a second: each writer has its own keys, and makes two.
const WRITERS: usize = 25;
const KEYS_OF_A_WRITER: usize = 4;
const CHANGE_EVERY: Duration = Duration::from_millis(500);

/// Five hundred gets a second.
const READERS: usize = 20;
const GET_EVERY: Duration = Duration::from_millis(40);

/// What must have ended for a phase to be over.
const GETS_OF_A_PHASE: u64 = 500;
const CHANGES_OF_A_PHASE: u64 = 50;

/// Far more than a phase takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Gets and changes under way.
pub(super) struct Load {
    seen: Arc<Seen>,
    callers: JoinSet<()>,
}

struct Seen {
    stopped: AtomicBool,
    /// Gets and changes that ended.
    ended: watch::Sender<(u64, u64)>,
    /// By key: when the last change began that is confirmed.
    confirmed: Vec<AtomicU64>,
    failed_gets: Mutex<Vec<String>>,
    failed_changes: Mutex<Vec<(Reason, String)>>,
    stale: Mutex<Vec<String>>,
}

/// What the callers saw.
pub(super) struct Report {
    failed_gets: Vec<String>,
    pub(super) failed_changes: Vec<(Reason, String)>,
    stale: Vec<String>,
}

impl Report {
    /// No get was stale, and none failed.
    pub(super) fn is_fresh(&self) -> &Self {
        assert!(self.stale.is_empty(), "{} are stale: {:#?}", self.stale.len(), self.stale);
        assert!(self.failed_gets.is_empty(), "{:#?}", self.failed_gets);
        self
    }

    /// Nor did a change fail.
    pub(super) fn is_complete(&self) {
        assert!(self.is_fresh().failed_changes.is_empty(), "{:#?}", self.failed_changes);
    }
}

impl Load {
    /// Callers, each through one of `clients`; changes are made through `writing`.
    pub(super) fn start(reading: &[Client], writing: &[Client]) -> Self {
        let confirmed = (0..WRITERS * KEYS_OF_A_WRITER).map(|_| AtomicU64::new(0));
        let seen = Arc::new(Seen {
            stopped: AtomicBool::new(false),
            ended: watch::Sender::new((0, 0)),
            confirmed: confirmed.collect(),
            failed_gets: Mutex::default(),
            failed_changes: Mutex::default(),
            stale: Mutex::default(),
        });
        let mut callers = JoinSet::new();
        for (reader, client) in (0..READERS).zip(reading.iter().cycle()) {
            let _: usize = reader;
            callers.spawn(read(client.clone(), Arc::clone(&seen)));
        }
        for (writer, client) in (0..WRITERS).zip(writing.iter().cycle()) {
            callers.spawn(write(client.clone(), writer, Arc::clone(&seen)));
        }
        Self { seen, callers }
    }

    /// Waits until many gets and changes have ended that began after this was called.
    pub(super) async fn lasts(&self) {
        let (gets, changes) = *self.seen.ended.borrow();
        // Those under way, and then as many as make a phase.
        let gets = gets + READERS as u64 + GETS_OF_A_PHASE;
        let changes = changes + WRITERS as u64 + CHANGES_OF_A_PHASE;
        let mut ended = self.seen.ended.subscribe();
        let over = timeout(PATIENCE, ended.wait_for(|ended| ended.0 >= gets && ended.1 >= changes));
        let over = over.await.map(|over| drop(over.expect("the sender is here")));
        assert!(over.is_ok(), "nobody is answered: {:?}", *self.seen.ended.borrow());
    }

    pub(super) async fn stop(self) -> Report {
        self.seen.stopped.store(true, Ordering::Relaxed);
        self.callers.join_all().await;
        let seen = &self.seen;
        let (gets, changes) = *seen.ended.borrow();
        let report = Report {
            failed_gets: std::mem::take(&mut *seen.failed_gets.lock()),
            failed_changes: std::mem::take(&mut *seen.failed_changes.lock()),
            stale: std::mem::take(&mut *seen.stale.lock()),
        };
        let Report { failed_gets, failed_changes, stale } = &report;
        let name = std::thread::current().name().unwrap_or_default().to_owned();
        eprintln!(
            "{name}: {gets} gets, {} failed, {} stale; {changes} changes, {} failed",
            failed_gets.len(),
            stale.len(),
            failed_changes.len(),
        );
        report
    }
}

/// A key that is only read.
pub(super) fn key(number: usize) -> String {
    format!("user:{number}")
}

fn changing_key(number: usize) -> String {
    format!("score:{number}")
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.expect("it is later").as_nanos() as u64
}

/// When the value was written or read from the source.
fn age(value: &[u8]) -> u64 {
    u64::from_le_bytes(value.try_into().expect("eight bytes"))
}

async fn read(client: Client, seen: Arc<Seen>) {
    let mut pace = interval(GET_EVERY);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !seen.stopped.load(Ordering::Relaxed) {
        pace.tick().await;
        let changing = rand::random_bool(0.5);
        let number = rand::random_range(0..if changing { seen.confirmed.len() } else { KEYS });
        let key = if changing { changing_key(number) } else { key(number) };
        let least = if changing { seen.confirmed[number].load(Ordering::Acquire) } else { 0 };
        match client.get(GROUP, &key).await {
            Ok(answer) if age(&answer.value) < least => {
                let older = Duration::from_nanos(least - age(&answer.value));
                let origin = answer.origin;
                seen.stale.lock().push(format!("{key} by {older:?}, {origin:?}"));
            }
            Ok(_) => {}
            Err(error) => seen.failed_gets.lock().push(format!("{key}: {error}")),
        }
        seen.ended.send_modify(|ended| ended.0 += 1);
    }
}

async fn write(client: Client, writer: usize, seen: Arc<Seen>) {
    let mut pace = interval(CHANGE_EVERY);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !seen.stopped.load(Ordering::Relaxed) {
        pace.tick().await;
        let number = writer * KEYS_OF_A_WRITER + rand::random_range(0..KEYS_OF_A_WRITER);
        let (key, began) = (changing_key(number), now());
        let changed = match rand::random_bool(0.8) {
            true => {
                let value = Bytes::copy_from_slice(&began.to_le_bytes());
                client.set(GROUP, &key, value, None).await
            }
            false => client.remove(GROUP, &key).await.map(drop),
        };
        match changed {
            Ok(()) => seen.confirmed[number].store(began, Ordering::Release),
            Err(Error { reason, message, .. }) => {
                seen.failed_changes.lock().push((reason, format!("{key}: {message}")));
            }
        }
        seen.ended.send_modify(|ended| ended.1 += 1);
    }
}

/// Reads every key that is only read, through `client`, and tells when each was loaded.
pub(super) async fn read_all(client: &Client) -> Vec<u64> {
    let mut reads = JoinSet::new();
    for worker in 0..16 {
        let client = client.clone();
        reads.spawn(async move {
            let mut loaded = Vec::new();
            for number in (worker..KEYS).step_by(16) {
                let answer = client.get(GROUP, &key(number)).await.expect("the source has it");
                loaded.push((number, age(&answer.value)));
            }
            loaded
        });
    }
    let mut loaded: Vec<_> = reads.join_all().await.into_iter().flatten().collect();
    loaded.sort_unstable();
    loaded.into_iter().map(|(_, at)| at).collect()
}

/// How many of the keys were loaded anew between two calls of [`read_all`].
pub(super) fn loaded_anew(before: &[u64], after: &[u64]) -> usize {
    before.iter().zip(after).filter(|(before, after)| before != after).count()
}
