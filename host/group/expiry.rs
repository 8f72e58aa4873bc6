//! Collects what expired, so that its room comes free without anybody asking.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::yield_now;

use crate::clock::Clock;
use crate::store::Store;

/// Timers handled before other tasks get their turn.
const SLICE: usize = 1024;

/// The shortest sleep. What expired is never answered, so collecting it a little
/// later costs nothing but its room, and deadlines that follow each other closely
/// are handled together.
const SHORTEST_SLEEP: Duration = Duration::from_millis(50);

/// Drops expired entries of `store` for ever.
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
