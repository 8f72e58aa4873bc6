//! The messages of a stream on their way out.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures::Stream;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

/// Messages taken at a time from the queue.
const BATCH: usize = 64;

/// A message that waits to be sent.
pub(super) struct Queued<M> {
    pub(super) message: M,
    /// Of the request that a cancellation takes back. It comes free when the
    /// cancellation goes out: the next request is behind it then, and what waits here
    /// is at most two messages for each place.
    pub(super) place: Option<OwnedSemaphorePermit>,
}

impl<M> Queued<M> {
    fn out(self) -> M {
        drop(self.place);
        self.message
    }
}

/// The requests as they go out: whatever has gathered at a time, without waiting
/// for more.
pub(crate) struct Outgoing<M> {
    queue: mpsc::UnboundedReceiver<Queued<M>>,
    batch: std::vec::IntoIter<Queued<M>>,
}

impl<M> Outgoing<M> {
    pub(super) fn new(queue: mpsc::UnboundedReceiver<Queued<M>>) -> Self {
        Self { queue, batch: Vec::new().into_iter() }
    }
}

/// No message is pinned in its place.
impl<M> Unpin for Outgoing<M> {}

impl<M> Stream for Outgoing<M> {
    type Item = M;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<M>> {
        if let Some(next) = self.batch.next() {
            return Poll::Ready(Some(next.out()));
        }
        let mut batch = Vec::with_capacity(BATCH);
        match self.queue.poll_recv_many(context, &mut batch, BATCH) {
            Poll::Ready(_) => {
                self.batch = batch.into_iter();
                Poll::Ready(self.batch.next().map(Queued::out))
            }
            Poll::Pending => Poll::Pending,
        }
    }
}
