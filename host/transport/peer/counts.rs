//! Counts the requests to a peer by outcome.

use std::sync::atomic::{AtomicU64, Ordering};

use tonic::Code;

use crate::error::Error;
use crate::transport::remote::{RemoteError, Response};

/// How a request to a peer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RequestOutcome {
    /// With an answer.
    Ok,
    /// With the answer that there is no such key.
    NotFound,
    /// With another error of the peer's.
    Failed,
    /// Without an answer in time.
    Timeout,
    /// There is no connection, it broke, or the node hangs.
    Unreachable,
    /// The caller gave up.
    Abandoned,
}

impl RequestOutcome {
    const ALL: [Self; 6] =
        [Self::Ok, Self::NotFound, Self::Failed, Self::Timeout, Self::Unreachable, Self::Abandoned];

    /// The value of the `outcome` label.
    fn label(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::NotFound => "not-found",
            Self::Failed => "failed",
            Self::Timeout => "timeout",
            Self::Unreachable => "unreachable",
            Self::Abandoned => "abandoned",
        }
    }

    /// The outcome of a request that was sent and answered in time.
    pub(super) fn of(answer: &Result<Response, RemoteError>) -> Self {
        match answer {
            Ok(_) => Self::Ok,
            Err(RemoteError::Answered(Error::NotFound)) => Self::NotFound,
            Err(RemoteError::Answered(_)) => Self::Failed,
            Err(RemoteError::Unreachable(_)) => Self::Unreachable,
            Err(RemoteError::Late) => Self::Timeout,
        }
    }

    /// The outcome as a gRPC status code. The exact error is in the peer's own span.
    pub(super) fn code(self) -> Code {
        match self {
            Self::Ok => Code::Ok,
            Self::NotFound => Code::NotFound,
            Self::Failed => Code::Unknown,
            Self::Timeout => Code::DeadlineExceeded,
            Self::Unreachable => Code::Unavailable,
            Self::Abandoned => Code::Cancelled,
        }
    }
}

/// Requests by outcome.
#[derive(Debug, Default)]
pub(super) struct Counts([AtomicU64; RequestOutcome::ALL.len()]);

impl Counts {
    /// Begins to count a request. It counts as [`RequestOutcome::Abandoned`] unless it
    /// [ends](Counted::end) otherwise.
    pub(super) fn begin(&self) -> Counted<'_> {
        Counted { counts: self, outcome: RequestOutcome::Abandoned }
    }

    /// What was counted so far.
    pub(super) fn read(&self) -> Vec<(&'static str, u64)> {
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        RequestOutcome::ALL
            .iter()
            .map(|outcome| outcome.label())
            .zip(self.0.iter().map(load))
            .collect()
    }
}

/// A running request, which is counted when this is dropped.
#[must_use]
pub(super) struct Counted<'a> {
    counts: &'a Counts,
    outcome: RequestOutcome,
}

impl Counted<'_> {
    /// Counts the request with its outcome.
    pub(super) fn end(mut self, outcome: RequestOutcome) {
        self.outcome = outcome;
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.counts.0[self.outcome as usize].fetch_add(1, Ordering::Relaxed);
    }
}
