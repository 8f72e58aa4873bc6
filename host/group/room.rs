//! Reserves room in the store, and waits for evictions if it is full.

use std::time::Duration;

use tokio::task::yield_now;

use super::Group;
use crate::error::Error;
use crate::store::{NoRoom, Reservation};

/// The longest that an insert waits for evictions. The worker answers within
/// milliseconds, unless a large value displaces very many small ones.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

impl Group {
    /// Reserves room for one entry.
    ///
    /// # Errors
    /// [`Error::TooLarge`]: the entry is larger than the capacity, and nothing was
    /// evicted. [`Error::Unavailable`]: no room became free in time.
    pub(super) async fn room(
        &self,
        key_len: usize,
        value_len: usize,
    ) -> Result<Reservation, Error> {
        let clock = &self.parts.clock;
        let end_ms = clock.now_ms() + LONGEST_WAIT.as_millis() as u64;
        loop {
            match self.parts.store.reserve(key_len, value_len) {
                Ok(room) => return Ok(room),
                Err(NoRoom::TooLarge(error)) => return Err(error),
                Err(NoRoom::Full) if clock.now_ms() < end_ms => self.parts.worker.room().await,
                Err(NoRoom::Full) => break,
            }
            // If running inserts have reserved all room, there is nothing to evict, and
            // the worker answers at once. Yield, so that those inserts can continue.
            yield_now().await;
        }
        let reason = "the entries in the way were not evicted in time; raise `capacity`, or retry";
        let who = format!("room in group {:?}", self.name);
        Err(Error::Unavailable { who, reason: reason.into() })
    }
}
