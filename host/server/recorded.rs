//! Changes by operators, which are recorded.

use bytes::Bytes;
use tonic::Status;

use super::callers::Guest;
use super::status::status;
use crate::access::Audited;
use crate::error::Error;
use crate::own_task;

/// Makes a change of `group`, or of the whole node if that is empty, and records it. Both happen
/// though the caller leaves meanwhile: a swap that is under way can't be taken back.
pub(super) async fn recorded<T: Send + 'static>(
    guest: Guest,
    kind: Audited,
    group: Bytes,
    change: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> Result<T, Status> {
    let of = group.clone();
    let record = move |ended: &Result<T, Error>| {
        let ended = ended.as_ref().map(drop).map_err(|error| status(error, &of));
        guest.changed(kind, &of, told(&ended));
    };
    own_task::recorded(change, record).await.map_err(|error| status(&error, &group))
}

/// What the record says of the end of a change.
pub(super) fn told<T>(ended: &Result<T, Status>) -> Result<(), &str> {
    ended.as_ref().map(drop).map_err(Status::message)
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "#[tokio::test] blocks on its runtime")]
mod tests {
    use std::sync::Arc;

    use tokio::sync::oneshot;
    use tokio::task::yield_now;

    use super::super::callers::Callers;
    use super::*;
    use crate::access::{Audit, Shown};

    /// Somebody who may do everything, and where that is recorded.
    fn operator() -> (Guest, Arc<Audit>) {
        let audit = Arc::<Audit>::default();
        let callers = Callers::new(None, Arc::clone(&audit));
        (callers.known(Shown::default(), None).expect("everybody is known"), audit)
    }

    fn swaps(audit: &Audit) -> u64 {
        audit.counts().into_iter().filter(|(kind, _)| *kind == "swap").map(|(_, count)| count).sum()
    }

    #[tokio::test]
    async fn a_change_whose_caller_leaves_is_made_and_recorded() {
        let (guest, audit) = operator();
        let (open, gate) = oneshot::channel::<()>();
        let change = async { gate.await.map_err(|_| Error::Stopping) };
        let mut call = Box::pin(recorded(guest, Audited::Swap, "scores".into(), change));
        assert!(futures::poll!(&mut call).is_pending());
        drop(call);
        assert_eq!(swaps(&audit), 0);
        open.send(()).expect("the change goes on");
        // More turns than its task takes.
        for _ in 0..100 {
            yield_now().await;
        }
        assert_eq!(swaps(&audit), 1);
    }

    #[tokio::test]
    async fn a_change_that_panics_is_recorded_too() {
        let (guest, audit) = operator();
        let change = async { panic!("in a change") };
        let ended: Result<(), _> = recorded(guest, Audited::Swap, "scores".into(), change).await;
        assert_eq!(ended.expect_err("it panicked").code(), tonic::Code::Internal);
        assert_eq!(swaps(&audit), 1);
    }
}
