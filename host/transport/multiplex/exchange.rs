//! One stream, and the requests that are on it.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use futures::Stream;
use hashbrown::HashMap;
use tokio::sync::{mpsc, oneshot};

use super::Protocol;
use crate::sync::Mutex;

/// Requests that wait to be sent; more askers wait for a place. The stream's
/// HTTP/2 window is what holds them up.
const QUEUE: usize = 1_024;

/// Messages taken at a time from the queue.
const BATCH: usize = 64;

/// One life of a stream.
pub(crate) struct Exchange<P: Protocol> {
    queue: mpsc::Sender<P::Request>,
    next_id: AtomicU64,
    /// Who waits for which answer; `None` once the stream is broken. Held only to
    /// put in and take out.
    waiting: Mutex<Option<HashMap<u64, oneshot::Sender<P::Response>>>>,
}

/// The stream broke before the answer came.
pub(crate) struct Broken;

impl<P: Protocol> Exchange<P> {
    /// The asker's end, and the messages to send.
    pub(super) fn new() -> (Self, Outgoing<P::Request>) {
        let (queue, receiver) = mpsc::channel(QUEUE);
        let exchange =
            Self { queue, next_id: AtomicU64::new(1), waiting: Mutex::new(Some(HashMap::new())) };
        let batch = Vec::with_capacity(BATCH).into_iter();
        (exchange, Outgoing { receiver, batch })
    }

    /// Sends the request that `request` makes of its id, and waits for the answer.
    /// Dropping the future cancels it at the other end.
    pub(crate) async fn ask(
        &self,
        request: impl FnOnce(u64) -> P::Request,
    ) -> Result<P::Response, Broken> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let (answer, answered) = oneshot::channel();
        match &mut *self.waiting.lock() {
            Some(waiting) => waiting.insert(id, answer),
            None => return Err(Broken),
        };
        let mut asked = Asked { exchange: self, id, sent: false, answered: false };
        self.queue.send(request(id)).await.map_err(|_| Broken)?;
        asked.sent = true;
        let answer = answered.await.map_err(|_| Broken);
        asked.answered = true;
        answer
    }

    /// Hands an answer to who waits for it, if anybody still does.
    pub(super) fn answer(&self, response: P::Response) {
        let waits = self.waiting.lock().as_mut().and_then(|w| w.remove(&P::id(&response)));
        if let Some(waits) = waits {
            // It may have given up this very moment.
            let _ = waits.send(response);
        }
    }

    /// Fails all that are on the stream, and all that come.
    pub(super) fn fail(&self) {
        // Dropping the senders outside of the lock wakes the askers.
        let waiting = self.waiting.lock().take();
        drop(waiting);
    }
}

/// A request that was made: takes itself back when its asker goes away.
struct Asked<'a, P: Protocol> {
    exchange: &'a Exchange<P>,
    id: u64,
    sent: bool,
    answered: bool,
}

impl<P: Protocol> Drop for Asked<'_, P> {
    fn drop(&mut self) {
        if self.answered {
            return;
        }
        if let Some(waiting) = &mut *self.exchange.waiting.lock() {
            waiting.remove(&self.id);
        }
        if self.sent {
            // Without a place in the queue the other end finds out by the deadline.
            let _ = self.exchange.queue.try_send(P::cancellation(self.id));
        }
    }
}

/// The requests as they go out: whatever has gathered at a time, without waiting
/// for more.
pub(crate) struct Outgoing<M> {
    receiver: mpsc::Receiver<M>,
    batch: std::vec::IntoIter<M>,
}

/// No message is pinned in its place.
impl<M> Unpin for Outgoing<M> {}

impl<M> Stream for Outgoing<M> {
    type Item = M;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<M>> {
        if let Some(next) = self.batch.next() {
            return Poll::Ready(Some(next));
        }
        let mut batch = Vec::with_capacity(BATCH);
        match self.receiver.poll_recv_many(context, &mut batch, BATCH) {
            Poll::Ready(_) => {
                self.batch = batch.into_iter();
                Poll::Ready(self.batch.next())
            }
            Poll::Pending => Poll::Pending,
        }
    }
}
