//! The record of who changed what, and of what was refused: lines of the log with the target
//! `psycache::audit`, and a count of each kind.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use crate::error::Error;
use crate::telemetry::LogLimiter;

/// At most one line about refused calls in this time, and one about limited ones. A stranger
/// could fill the log otherwise.
const LINE_EVERY: Duration = Duration::from_secs(1);

/// A kind of what is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audited {
    /// A policy was swapped.
    Swap,
    /// A policy is tried, and swapped in if it is better.
    Trial,
    /// A group was cleared.
    Clear,
    /// A shadow was started or stopped.
    Shadow,
    /// The requests of a group are recorded.
    Record,
    /// The settings were read again.
    Reload,
    /// The tokens file was read again.
    Tokens,
    /// A new tokens file can't be used.
    TokensRefused,
    /// A call by somebody unknown, or without the role for it.
    Refused,
    /// A call above the caller's rate.
    RateLimited,
}

impl Audited {
    const ALL: [Self; 10] = [
        Self::Swap,
        Self::Trial,
        Self::Clear,
        Self::Shadow,
        Self::Record,
        Self::Reload,
        Self::Tokens,
        Self::TokensRefused,
        Self::Refused,
        Self::RateLimited,
    ];

    /// The value of the label `kind`.
    fn label(self) -> &'static str {
        match self {
            Self::Swap => "swap",
            Self::Trial => "trial",
            Self::Clear => "clear",
            Self::Shadow => "shadow",
            Self::Record => "record",
            Self::Reload => "reload",
            Self::Tokens => "tokens",
            Self::TokensRefused => "tokens-refused",
            Self::Refused => "refused",
            Self::RateLimited => "rate-limited",
        }
    }
}

/// Counts and logs.
#[derive(Debug)]
pub struct Audit {
    /// In the order of [`Audited::ALL`]. They guard no data, so they are relaxed.
    counts: [AtomicU64; Audited::ALL.len()],
    refused: LogLimiter,
    limited: LogLimiter,
}

/// Who a line is about.
#[derive(Clone, Debug)]
pub(crate) struct Note {
    pub(crate) audit: Arc<Audit>,
    pub(crate) caller: Arc<str>,
    /// `None` for a caller that has gone.
    pub(crate) address: Option<SocketAddr>,
}

impl Default for Audit {
    fn default() -> Self {
        Self {
            counts: Default::default(),
            refused: LogLimiter::every(LINE_EVERY),
            limited: LogLimiter::every(LINE_EVERY),
        }
    }
}

impl Audit {
    /// How often each kind was recorded, by its label.
    #[must_use]
    pub fn counts(&self) -> Vec<(&'static str, u64)> {
        Audited::ALL.map(|kind| (kind.label(), self.counts[kind as usize].load(Relaxed))).into()
    }

    /// Records what became of a new tokens file.
    pub(super) fn tokens(&self, path: &Path, kind: Audited, outcome: &str) {
        self.count(kind);
        let file = path.display().to_string();
        tracing::info!(target: "psycache::audit", kind = kind.label(), file, outcome, "The tokens file has changed");
    }

    fn count(&self, kind: Audited) {
        self.counts[kind as usize].fetch_add(1, Relaxed);
    }
}

impl Note {
    /// Records that the caller changed something of `group`, or of the whole node if that is
    /// empty, or tried to.
    pub(crate) fn changed(&self, kind: Audited, group: &[u8], outcome: Result<(), &str>) {
        self.audit.count(kind);
        let (caller, address) = (&*self.caller, self.address());
        let group = &*String::from_utf8_lossy(&group[..group.len().min(64)]);
        let (kind, outcome) = (kind.label(), outcome.err().unwrap_or("done"));
        tracing::info!(target: "psycache::audit", kind, caller, address, group, outcome, "A caller changed the node");
    }

    /// Records that the caller cleared `group`, or tried to.
    pub(crate) fn cleared<T>(&self, group: &[u8], ended: &Result<T, Error>) {
        let problem = ended.as_ref().err().map(ToString::to_string);
        self.changed(Audited::Clear, group, problem.as_deref().map_or(Ok(()), Err));
    }

    /// Records a call that was not admitted.
    pub(crate) fn refused(&self, method: &str, problem: &Error) {
        let (kind, lines) = match problem {
            Error::RateLimited { .. } => (Audited::RateLimited, &self.audit.limited),
            _ => (Audited::Refused, &self.audit.refused),
        };
        self.audit.count(kind);
        if let Some(suppressed) = lines.admit() {
            let (caller, address) = (&*self.caller, self.address());
            let kind = kind.label();
            tracing::warn!(target: "psycache::audit", kind, caller, address, method, %problem, suppressed, "A call was not admitted");
        }
    }

    fn address(&self) -> String {
        self.address.map_or_else(|| "unknown".into(), |address| address.to_string())
    }
}
