//! The recordings of several nodes as one, in the order of time.
//!
//! The next part is always that of the node whose last one is the oldest. So what waits here is
//! bounded: a node that is ahead is not read, and counts as lost what it can't tell.

use super::access::Sums;
use super::source::Source;
use crate::cli::exit::{Failure, complain};
use crate::proto::RecordedAccess;

/// Several recordings under way.
pub(super) struct Merge {
    sources: Vec<Source>,
    /// The first failure of a node. The others go on.
    failure: Option<Failure>,
}

impl Merge {
    pub(super) fn new(sources: Vec<Source>) -> Self {
        Self { sources, failure: None }
    }

    /// What follows, if anything did. `None`: all nodes have ended.
    ///
    /// Dropping the future loses nothing.
    pub(super) async fn next(&mut self) -> Option<Vec<RecordedAccess>> {
        let ready = self.take();
        if !ready.is_empty() {
            return Some(ready);
        }
        let running = self.sources.iter_mut().filter(|source| !source.is_over());
        let behind = running.min_by_key(|source| source.until_ms())?;
        if let Err(failure) = behind.receive().await {
            match self.failure {
                None => self.failure = Some(failure),
                Some(_) => complain(&failure.to_string()),
            }
        }
        Some(self.take())
    }

    /// What has arrived and was not told yet.
    pub(super) fn rest(&mut self) -> Vec<RecordedAccess> {
        self.take_until(u64::MAX)
    }

    /// Takes what no node can tell anything before.
    fn take(&mut self) -> Vec<RecordedAccess> {
        let running = self.sources.iter().filter(|source| !source.is_over());
        self.take_until(running.map(Source::until_ms).min().unwrap_or(u64::MAX))
    }

    fn take_until(&mut self, until_ms: u64) -> Vec<RecordedAccess> {
        let mut taken = Vec::new();
        loop {
            let told =
                self.sources.iter_mut().filter_map(|source| Some((source.first_ms()?, source)));
            match told.min_by_key(|(at_ms, _)| *at_ms) {
                Some((at_ms, source)) if at_ms <= until_ms => taken.extend(source.take()),
                _ => return taken,
            }
        }
    }

    /// The sums of all nodes.
    pub(super) fn sums(&self) -> Sums {
        self.sources.iter().map(Source::sums).fold(Sums::default(), |sum, one| Sums {
            gets: sum.gets + one.gets,
            found: sum.found + one.found,
            lost: sum.lost + one.lost,
        })
    }

    /// Why a node ended before its time, if one did.
    pub(super) fn failure(self) -> Option<Failure> {
        self.failure
    }
}
