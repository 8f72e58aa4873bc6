//! One call for several keys, independent of the loads that wait for its answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::time::{Instant, timeout};
use tracing::Instrument;

use super::waiting::{Taken, WaitingLoad};
use crate::retriever::{Answer, FetchError, SharedRetriever};

/// The keys of a call, and where their answers go.
pub(super) struct Batch {
    keys: Vec<Box<str>>,
    /// When the last of its loads gives up.
    until: Instant,
    answers: Vec<oneshot::Sender<Option<Answer>>>,
    first: Taken,
}

impl Batch {
    /// Tells the loads that they were taken, but for the first, which made the batch.
    pub(super) fn of(taken: Vec<WaitingLoad>) -> Self {
        let (mut keys, mut answers, mut first) = (Vec::new(), Vec::new(), None);
        let mut until = Instant::now();
        for load in taken {
            let (sender, receiver) = oneshot::channel();
            match first {
                None => first = Some(receiver),
                // It may have given up. Its key is loaded then all the same.
                Some(_) => drop(load.take.send(receiver)),
            }
            until = until.max(load.until);
            keys.push(load.key);
            answers.push(sender);
        }
        Self { keys, until, answers, first: first.expect("a batch has a load") }
    }

    /// Asks `retriever`, in a task of its own that has the place until it ends. Returns where
    /// the answer of the first key comes. `takes_one` is set where the retriever can't be asked so.
    pub(super) fn run(
        self,
        retriever: SharedRetriever,
        place: OwnedSemaphorePermit,
        takes_one: Arc<AtomicBool>,
    ) -> Taken {
        let Self { keys, until, answers, first } = self;
        let task = async move {
            let left = until.saturating_duration_since(Instant::now());
            let asked: Vec<&str> = keys.iter().map(|key| &**key).collect();
            let fetched = timeout(left, retriever.fetch_many(&asked, left)).await;
            drop(place);
            let fetched = fetched.unwrap_or(Err(FetchError::Timeout(left)));
            // A load that has given up does not hear it.
            let tell = |(to, answer): (oneshot::Sender<Option<Answer>>, _)| drop(to.send(answer));
            match fetched {
                Ok(found) if found.len() == answers.len() => {
                    answers.into_iter().zip(found.into_iter().map(Some)).for_each(tell);
                }
                Err(error) if is_of_all(&error) => {
                    answers.into_iter().for_each(|to| tell((to, Some(Err(error.clone())))));
                }
                other => {
                    if other.is_ok_and(|found| found.is_empty()) {
                        takes_one.store(true, Relaxed);
                    }
                    answers.into_iter().for_each(|to| tell((to, None)));
                }
            }
        };
        tokio::spawn(task.in_current_span());
        first
    }
}

/// Whether each key would fail like this by itself, too.
fn is_of_all(error: &FetchError) -> bool {
    matches!(
        error,
        FetchError::Unavailable(_)
            | FetchError::Rejected(_)
            | FetchError::Timeout(_)
            | FetchError::Full(_)
    )
}
