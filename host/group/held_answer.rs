//! How an entry in memory becomes the answer of a get.

use std::sync::Arc;
use std::time::Duration;

use super::{Group, Reply};
use crate::error::Error;
use crate::store::Found;
use crate::telemetry::{GetResult, GroupCounters};
use crate::value::{Answer, Origin};

impl Group {
    /// The answer of a get that has found the entry. It may begin a load of it.
    pub(crate) fn used(self: &Arc<Self>, key: &str, hash: u64, found: Found) -> Reply {
        if let Some(left_ms) = found.left_ms.filter(|_| found.is_refreshed_ahead) {
            self.refresh_ahead(key, hash, left_ms);
        }
        answer(found)
    }
}

/// How a get was answered from memory.
pub(super) fn result(reply: &Reply) -> GetResult {
    if reply.is_ok() { GetResult::Hit } else { GetResult::Negative }
}

/// The results of gets that were answered from memory together, and are counted together.
#[derive(Default)]
pub(crate) struct Results {
    hits: u64,
    negatives: u64,
}

impl Results {
    /// Adds a get, and returns its result.
    pub(crate) fn add(&mut self, reply: &Reply) -> GetResult {
        let result = result(reply);
        *(if result == GetResult::Hit { &mut self.hits } else { &mut self.negatives }) += 1;
        result
    }

    /// Each result, and the number of gets that had it.
    fn each(&self) -> impl Iterator<Item = (GetResult, u64)> {
        let all = [(GetResult::Hit, self.hits), (GetResult::Negative, self.negatives)];
        all.into_iter().filter(|(_, gets)| *gets > 0)
    }

    /// Counts the gets.
    pub(crate) fn count(&self, counters: &GroupCounters) {
        self.each().for_each(|(result, gets)| counters.count_gets(result, gets));
    }

    /// Records that each get took so long.
    pub(crate) fn time(&self, counters: &GroupCounters, took: Duration) {
        self.each().for_each(|(result, gets)| counters.time_gets(result, took, gets));
    }
}

/// The answer of a get that has found the entry.
pub(super) fn answer(found: Found) -> Reply {
    let ttl = found.left_ms.map(Duration::from_millis);
    Ok(Answer { value: found.value.ok_or(Error::NotFound)?, origin: Origin::Hit, ttl })
}
