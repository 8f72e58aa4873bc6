//! How an entry in memory becomes the answer of a get.

use std::sync::Arc;
use std::time::Duration;

use super::{Group, Reply};
use crate::error::Error;
use crate::store::Found;
use crate::value::{Answer, Origin};

impl Group {
    /// The answer of a get that has found the entry. It may begin a load of it.
    pub(super) fn used(self: &Arc<Self>, key: &str, hash: u64, found: Found) -> Reply {
        let left_ms = self.left_ms(&found);
        if found.is_refreshed_ahead {
            self.refresh_ahead(key, hash, left_ms);
        }
        reply_of(found, left_ms)
    }

    pub(super) fn reply(&self, found: Found) -> Reply {
        let left_ms = self.left_ms(&found);
        reply_of(found, left_ms)
    }

    /// When the entry expires, in milliseconds from now; `u64::MAX`: never.
    fn left_ms(&self, found: &Found) -> u64 {
        let now_ms = || self.parts.clock.now_ms();
        found.deadline_ms.map_or(u64::MAX, |at_ms| at_ms.saturating_sub(now_ms()))
    }
}

fn reply_of(found: Found, left_ms: u64) -> Reply {
    let value = found.value.ok_or(Error::NotFound)?;
    let ttl = (left_ms < u64::MAX).then(|| Duration::from_millis(left_ms));
    Ok(Answer { value, origin: Origin::Hit, ttl })
}
