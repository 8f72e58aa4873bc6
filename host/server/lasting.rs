//! Answers that come for minutes or days, as of a recording. A task of their own makes them, so
//! that they end in time though their reader stalls: the transport polls no stream that nobody
//! reads.

use std::pin::pin;
use std::time::Duration;

use futures::{Stream, StreamExt};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::SendTimeoutError;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use tracing::Instrument;

use super::status::status;
use crate::error::Error;

/// Answers that may wait for the reader.
const WAITING: usize = 4;

/// A reader that takes no answer for so long has stalled.
const READ_WITHIN: Duration = Duration::from_secs(30);

/// The stream to send. What `answers` holds is dropped when they end, when the reader goes away or
/// stalls, when the caller is `refused`, and when the node begins to drain.
pub(super) fn lasting<T: Send + 'static>(
    answers: impl Stream<Item = Result<T, Status>> + Send + 'static,
    refused: impl Future<Output = Status> + Send + 'static,
    draining: impl Future<Output = ()> + Send + 'static,
) -> ReceiverStream<Result<T, Status>> {
    read_within(READ_WITHIN, answers, refused, draining)
}

/// The same with another time for the reader.
fn read_within<T: Send + 'static>(
    limit: Duration,
    answers: impl Stream<Item = Result<T, Status>> + Send + 'static,
    refused: impl Future<Output = Status> + Send + 'static,
    draining: impl Future<Output = ()> + Send + 'static,
) -> ReceiverStream<Result<T, Status>> {
    let (reader, read) = mpsc::channel(WAITING);
    let driven = async move {
        let last = tokio::select! {
            biased;
            () = reader.closed() => None,
            refused = refused => Some(refused),
            () = draining => None,
            last = send(limit, answers, &reader) => last,
        };
        // A reader that comes back is told why there is no more.
        if let Some(last) = last {
            let _ = reader.send(Err(last)).await;
        }
    };
    tokio::spawn(driven.in_current_span());
    ReceiverStream::new(read)
}

/// Sends all answers. Returns why there are no more, unless they have ended.
async fn send<T>(
    limit: Duration,
    answers: impl Stream<Item = Result<T, Status>>,
    reader: &mpsc::Sender<Result<T, Status>>,
) -> Option<Status> {
    let mut answers = pin!(answers);
    while let Some(answer) = answers.next().await {
        match reader.send_timeout(answer, limit).await {
            Ok(()) => {}
            Err(SendTimeoutError::Closed(_)) => return None,
            Err(SendTimeoutError::Timeout(_)) => {
                let reason = format!("it took no answer for {limit:?}, so the call was ended");
                let error = Error::Unavailable { who: "the reader".into(), reason };
                return Some(status(&error, b""));
            }
        }
    }
    None
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "#[tokio::test] blocks on its runtime")]
mod tests {
    use std::future::{Pending, pending, ready};

    use futures::stream;
    use tokio::sync::oneshot;
    use tonic::Code;

    use super::*;
    use crate::server::recheck::until_refused;

    const LIMIT: Duration = Duration::from_millis(10);

    /// Answers without end, and a receiver that hears when they are dropped.
    fn endless() -> (impl Stream<Item = Result<u64, Status>> + Send, oneshot::Receiver<()>) {
        let (alive, dropped) = oneshot::channel::<()>();
        let answers =
            stream::unfold((0, alive), |(nth, alive)| ready(Some((nth, (nth + 1, alive)))));
        (answers.map(Ok), dropped)
    }

    fn never<T>() -> Pending<T> {
        pending()
    }

    #[tokio::test]
    async fn answers_that_nobody_reads_end_and_the_reader_is_told_when_it_comes_back() {
        let (answers, dropped) = endless();
        let mut read = read_within(LIMIT, answers, never(), never());
        dropped.await.expect_err("the answers are dropped while nobody reads");
        for nth in 0..WAITING as u64 {
            assert_eq!(read.next().await.expect("it waited").expect("an answer"), nth);
        }
        let stalled = read.next().await.expect("the reason").unwrap_err();
        assert_eq!(stalled.code(), Code::Unavailable);
        assert!(stalled.message().contains("took no answer for 10ms"), "{stalled:?}");
        assert!(read.next().await.is_none());
    }

    #[tokio::test]
    async fn a_caller_that_is_refused_meanwhile_has_no_more_whether_it_reads_or_not() {
        let (answers, dropped) = endless();
        let mut left = 2;
        let refused = until_refused(move || {
            left -= 1;
            if left > 0 { Ok(()) } else { Err(Status::permission_denied("it was taken away")) }
        });
        let mut read = lasting(answers, refused, never());
        dropped.await.expect_err("the answers are dropped");
        assert_eq!(left_after(&mut read).await.expect_err("why").code(), Code::PermissionDenied);
    }

    #[tokio::test]
    async fn a_node_that_drains_and_a_reader_that_leaves_end_them_without_a_word() {
        let (answers, dropped) = endless();
        let mut read = lasting(answers, never(), tokio::time::sleep(LIMIT));
        dropped.await.expect_err("the answers are dropped");
        left_after(&mut read).await.expect("no problem");
        let (answers, dropped) = endless();
        drop(lasting(answers, never(), never()));
        dropped.await.expect_err("the answers are dropped");
    }

    /// The end of the stream.
    async fn left_after(read: &mut ReceiverStream<Result<u64, Status>>) -> Result<(), Status> {
        while let Some(answer) = read.next().await {
            answer?;
        }
        Ok(())
    }
}
