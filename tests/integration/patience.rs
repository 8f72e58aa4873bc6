//! Waiting for what another process or thread comes to.
//!
//! A process tells nobody when its status or its port changes, so tests look at it again and
//! again. They do so here only, with one limit, which no test that passes ever meets.

use std::thread;
use std::time::{Duration, Instant};

/// Far more than anything takes on a busy machine: a test that waits so long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Leaves the processor to what is waited for.
const BETWEEN_LOOKS: Duration = Duration::from_millis(5);

/// Waits for what ends by itself.
///
/// # Panics
/// It does not: with `what`.
pub(crate) async fn soon<T>(what: &str, happens: impl Future<Output = T>) -> T {
    let ended = tokio::time::timeout(PATIENCE, happens).await;
    ended.unwrap_or_else(|_| panic!("not within {PATIENCE:?}: {what}"))
}

/// Looks until it is so.
///
/// # Panics
/// It never is: with `what`.
pub(crate) async fn until(what: &str, mut look: impl AsyncFnMut() -> bool) {
    seen(async || look().await.then_some(()).ok_or_else(|| what.to_owned())).await;
}

/// Looks until it sees what it looks for.
///
/// # Panics
/// It never does: with what it saw last.
pub(crate) async fn seen<T>(mut look: impl AsyncFnMut() -> Result<T, String>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match look().await {
            Ok(seen) => return seen,
            Err(instead) => in_time(deadline, &instead),
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
}

/// [`seen`] for a test without a runtime.
///
/// # Panics
/// As [`seen`].
pub(crate) fn seen_blocking<T>(mut look: impl FnMut() -> Result<T, String>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match look() {
            Ok(seen) => return seen,
            Err(instead) => in_time(deadline, &instead),
        }
        thread::sleep(BETWEEN_LOOKS);
    }
}

fn in_time(deadline: Instant, instead: &str) {
    assert!(Instant::now() < deadline, "not within {PATIENCE:?}: {instead}");
}
