//! Checks again, while a stream is open, whether its caller may have it. A call is checked when it
//! begins, and a stream may stay open for days.

use std::time::Duration;

/// How often. The file of callers is looked at as often.
const EVERY: Duration = Duration::from_secs(1);

/// Waits until `check` refuses the caller, and returns why.
pub(super) async fn until_refused<E>(mut check: impl FnMut() -> Result<(), E>) -> E {
    loop {
        tokio::time::sleep(EVERY).await;
        if let Err(problem) = check() {
            return problem;
        }
    }
}
