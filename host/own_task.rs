//! Work that its caller can't end half-way: a task of its own, and a panic that ends nothing else.

use std::panic::{AssertUnwindSafe, catch_unwind};

use futures::FutureExt;
use tracing::Instrument;

use crate::error::Error;

/// Runs `change` to its end in a task of its own. Dropping the returned future ends the wait for
/// it, not the change. A change whose half-way stop would be wrong is run by this, because the
/// future of a call is dropped when its caller goes away.
///
/// # Errors
/// [`Error::Internal`] if the change panics, [`Error::Stopping`] if the runtime ends before it.
///
/// # Panics
/// Outside of a tokio runtime.
pub(crate) fn in_own_task<T: Send + 'static>(
    change: impl Future<Output = T> + Send + 'static,
) -> impl Future<Output = Result<T, Error>> + Send + 'static {
    // Begun here and not in the returned future, which so has the size of a handle only.
    let task = tokio::spawn(contained(change).in_current_span());
    async move { task.await.unwrap_or(Err(Error::Stopping)) }
}

/// Runs `change` like [`in_own_task`], and tells `record` how it ended, in that task too: a change
/// without its line in the record would be one that nobody made.
///
/// # Errors
/// Those of the change and of [`in_own_task`].
///
/// # Panics
/// Outside of a tokio runtime.
pub(crate) fn recorded<T: Send + 'static>(
    change: impl Future<Output = Result<T, Error>> + Send + 'static,
    record: impl FnOnce(&Result<T, Error>) + Send + 'static,
) -> impl Future<Output = Result<T, Error>> + Send + 'static {
    let ended = in_own_task(async move {
        let ended = contained(change).await.and_then(|ended| ended);
        record(&ended);
        ended
    });
    async move { ended.await.and_then(|ended| ended) }
}

/// Runs `work`, and makes an error of its panic.
///
/// # Errors
/// [`Error::Internal`] if it panics.
pub(crate) async fn contained<T>(work: impl Future<Output = T>) -> Result<T, Error> {
    AssertUnwindSafe(work).catch_unwind().await.map_err(|_| panicked())
}

/// The same for work that waits for nothing.
///
/// # Errors
/// [`Error::Internal`] if it panics.
pub(crate) fn contained_now<T>(work: impl FnOnce() -> T) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| panicked())
}

fn panicked() -> Error {
    Error::Internal("it panicked; see its node's log".into())
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "#[tokio::test] blocks on its runtime")]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn a_change_goes_on_without_its_caller() {
        let (open, gate) = oneshot::channel::<()>();
        let (ended, end) = oneshot::channel();
        let change = in_own_task(async move {
            gate.await.expect("it is opened");
            ended.send(()).expect("the test waits");
        });
        drop(change);
        open.send(()).expect("the change goes on");
        end.await.expect("it comes to its end");
    }

    #[tokio::test]
    async fn a_panic_is_an_error() {
        let panicked = in_own_task(async { panic!("in a change") }).await;
        assert!(matches!(panicked, Err(Error::Internal(_))), "{panicked:?}");
        let polled_here = contained(async { panic!("at the first poll") }).await;
        assert!(matches!(polled_here, Err(Error::Internal(_))), "{polled_here:?}");
    }
}
