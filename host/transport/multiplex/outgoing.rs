//! The outgoing messages of a stream.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures::Stream;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

/// The most messages taken from the queue at once.
const BATCH: usize = 64;

/// A message that waits to be sent.
pub(super) struct Queued<M> {
    pub(super) message: M,
    /// For a cancellation: the place of the cancelled request. It becomes free when the
    /// cancellation is sent, so that the next request comes after it. The queue has at
    /// most two messages for each place.
    pub(super) place: Option<OwnedSemaphorePermit>,
}

impl<M> Queued<M> {
    fn out(self) -> M {
        drop(self.place);
        self.message
    }
}

/// The stream of outgoing messages. It takes the queued messages in batches, without
/// waiting for a full batch.
pub(crate) struct Outgoing<M> {
    queue: mpsc::UnboundedReceiver<Queued<M>>,
    batch: std::vec::IntoIter<Queued<M>>,
}

impl<M> Outgoing<M> {
    pub(super) fn new(queue: mpsc::UnboundedReceiver<Queued<M>>) -> Self {
        Self { queue, batch: Vec::new().into_iter() }
    }
}

/// The messages need no pinning.
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
