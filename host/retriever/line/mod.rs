//! The line before a source: how many loads it has at a time, how many wait, and which waiting
//! loads share one call.
//!
//! There is one semaphore for native sources and components. A component's pool has as many
//! instances as there are places, so a load that has a place never waits for an instance.

mod batch;
mod waiting;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::task::yield_now;
use tokio::time::{Instant, timeout_at};

use super::{Answer, FetchError, Retriever, SharedRetriever, SourceReading};
use crate::telemetry::spans;
use batch::Batch;
use waiting::{Taken, Waiting, WaitingLoad};

/// A retriever that has a bounded number of loads at a time. The others wait in the order in
/// which they came, at most a bounded number of them.
pub(crate) struct Line {
    retriever: SharedRetriever,
    /// A permit for each load that may run. The semaphore is fair.
    places: Arc<Semaphore>,
    /// `None`: any number may run.
    at_once: Option<u32>,
    queue: u32,
    waiting: Waiting,
    /// The source has said that it is asked for one key at a time.
    takes_one: Arc<AtomicBool>,
    batches: AtomicU64,
    batched_keys: AtomicU64,
}

/// What became of a load's turn.
enum Turn {
    /// It is to be run by itself, in its place.
    Alone(OwnedSemaphorePermit),
    /// A batch has the load in it, which was begun by this load or another one.
    InBatch(oneshot::Receiver<Option<Answer>>),
}

impl Line {
    /// A line before `retriever`, for `at_once` loads and a queue of `queue`.
    ///
    /// # Panics
    /// If `at_once` is 0.
    #[must_use]
    pub(crate) fn new(retriever: SharedRetriever, at_once: Option<u32>, queue: u32) -> Arc<Self> {
        assert_ne!(at_once, Some(0), "a line without a place never moves");
        Arc::new(Self {
            retriever,
            places: Arc::new(Semaphore::new(permits(at_once))),
            at_once,
            queue,
            waiting: Waiting::default(),
            takes_one: Arc::default(),
            batches: AtomicU64::new(0),
            batched_keys: AtomicU64::new(0),
        })
    }

    async fn load(&self, key: &str, timeout: Duration, asked: &(dyn Fn() + Sync)) -> Answer {
        let places = &self.places;
        let until = Instant::now() + timeout;
        let loading = async {
            let began = Instant::now();
            let turn = match self.retriever.fetches_many() && !self.takes_one.load(Relaxed) {
                true => self.turn_in_batch(places, key, until, asked).await?,
                false => Turn::Alone(self.place(places).await?),
            };
            let place = match turn {
                Turn::Alone(place) => place,
                Turn::InBatch(answer) => match answer.await {
                    Ok(Some(answer)) => return answer,
                    // The batch failed, perhaps by the fault of another key.
                    Ok(None) => {
                        let _waits = self.waiting.count(u32::MAX)?;
                        acquired(places).await
                    }
                    Err(_) => return Err(FetchError::Broken("its batch has ended".into())),
                },
            };
            spans::waited(began.elapsed());
            let left = until.saturating_duration_since(Instant::now());
            let answer = self.retriever.fetch_telling(key, left, asked).await;
            drop(place);
            answer
        };
        match timeout_at(until, loading).await {
            Ok(Err(FetchError::Timeout(_))) | Err(_) => Err(FetchError::Timeout(timeout)),
            Ok(answer) => answer,
        }
    }

    /// Waits for a place, for a source that takes one key at a time.
    async fn place(&self, places: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, FetchError> {
        if let Ok(place) = Arc::clone(places).try_acquire_owned() {
            return Ok(place);
        }
        let _waits = self.waiting.count(self.queue)?;
        Ok(acquired(places).await)
    }

    /// Waits for a place or to be taken into a batch, whichever comes first.
    async fn turn_in_batch(
        &self,
        places: &Arc<Semaphore>,
        key: &str,
        until: Instant,
        asked: &(dyn Fn() + Sync),
    ) -> Result<Turn, FetchError> {
        let is_free = places.available_permits() > 0;
        let _waits = if is_free { None } else { Some(self.waiting.count(self.queue)?) };
        let (load, mut taken) = self.waiting.enter(key, until);
        let in_batch = |taken: Taken| {
            asked();
            Ok(Turn::InBatch(taken))
        };
        let gone = |_| FetchError::Broken("its batch did not begin".into());
        let place = tokio::select! {
            biased;
            taken = &mut taken => return in_batch(taken.map_err(gone)?),
            place = acquired(places) => place,
        };
        // The keys of one call for many begin their loads together, each in a task of its own.
        // So the others are there after one turn of the tasks, and a lone load waits for nobody.
        yield_now().await;
        match self.waiting.take_with(&load) {
            // Another load took this one with it meanwhile.
            None => {
                drop(place);
                in_batch(taken.await.map_err(gone)?)
            }
            Some(taken) if taken.len() < 2 => Ok(Turn::Alone(place)),
            Some(taken) => in_batch(self.begin(place, taken)),
        }
    }

    /// Loads several keys in a task of its own, because the batch outlives each of its callers.
    /// Returns where the answer of the first one comes.
    fn begin(&self, place: OwnedSemaphorePermit, taken: Vec<WaitingLoad>) -> Taken {
        self.batches.fetch_add(1, Relaxed);
        self.batched_keys.fetch_add(taken.len() as u64, Relaxed);
        Batch::of(taken).run(Arc::clone(&self.retriever), place, Arc::clone(&self.takes_one))
    }
}

/// So many loads may run.
fn permits(at_once: Option<u32>) -> usize {
    at_once.map_or(Semaphore::MAX_PERMITS, |at_once| at_once as usize)
}

async fn acquired(places: &Arc<Semaphore>) -> OwnedSemaphorePermit {
    Arc::clone(places).acquire_owned().await.expect("the semaphore is never closed")
}

impl Retriever for Line {
    fn fetch<'a>(&'a self, key: &'a str, timeout: Duration) -> BoxFuture<'a, Answer> {
        Box::pin(self.load(key, timeout, &|| ()))
    }

    fn fetch_telling<'a>(
        &'a self,
        key: &'a str,
        timeout: Duration,
        asked: &'a (dyn Fn() + Sync),
    ) -> BoxFuture<'a, Answer> {
        Box::pin(self.load(key, timeout, asked))
    }

    fn probe(&self, timeout: Duration) -> Option<BoxFuture<'_, Result<(), FetchError>>> {
        let probe = self.retriever.probe(timeout)?;
        Some(Box::pin(async move {
            let within = async {
                // It takes a connection to the source like a load.
                let _place = acquired(&self.places).await;
                probe.await
            };
            let probed = tokio::time::timeout(timeout, within).await;
            probed.unwrap_or(Err(FetchError::Timeout(timeout)))
        }))
    }

    fn is_busy(&self) -> bool {
        self.places.available_permits() == 0
    }

    fn reading(&self) -> SourceReading {
        let running = permits(self.at_once) - self.places.available_permits();
        SourceReading {
            places: self.at_once.unwrap_or(0).into(),
            running: running as u64,
            waiting: self.waiting.len(),
            batches: self.batches.load(Relaxed),
            batched_keys: self.batched_keys.load(Relaxed),
            ..self.retriever.reading()
        }
    }

    fn name(&self) -> &str {
        self.retriever.name()
    }

    fn sha256(&self) -> &str {
        self.retriever.sha256()
    }
}

#[cfg(test)]
mod tests;
