//! Collects expired entries, so that their room becomes free without a get.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::yield_now;

use crate::clock::Clock;
use crate::store::Store;

/// Timers handled before the task yields.
const SLICE: usize = 1024;

/// The shortest sleep, so that deadlines that are close together are handled together. An
/// expired entry is never returned, so a late collection costs only its room.
const SHORTEST_SLEEP: Duration = Duration::from_millis(50);

/// Drops expired entries of `store`, in an endless loop.
pub(super) async fn collect(store: Arc<Store>, clock: Clock) {
    loop {
        let next_ms = store.expire(SLICE).next_ms;
        let now_ms = clock.now_ms();
        match next_ms {
            Some(next_ms) if next_ms <= now_ms => yield_now().await,
            Some(next_ms) => {
                let ahead = Duration::from_millis(next_ms - now_ms).max(SHORTEST_SLEEP);
                tokio::select! {
                    biased;
                    () = clock.sleep(ahead) => {}
                    () = store.next_deadline_changed() => {}
                }
            }
            None => store.next_deadline_changed().await,
        }
    }
}
