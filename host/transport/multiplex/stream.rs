//! One stream: the requests that are on it, and the messages that wait to be sent.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use futures::Stream;
use hashbrown::HashMap;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use super::Protocol;
use crate::sync::Mutex;

/// The id of probes. No request has it, so no caller gets the answer.
const PROBE: u64 = 0;

/// One stream, from its opening to its end.
pub(super) struct RequestStream<P: Protocol> {
    /// Bounded by the places: see [`Queued::place`].
    queue: mpsc::UnboundedSender<Queued<P::Request>>,
    /// [`Protocol::AT_ONCE`]; closed with the stream.
    places: Arc<Semaphore>,
    next_id: AtomicU64,
    /// The waiting callers by id of the request; `None` once the stream has ended. Locked
    /// only to insert, remove, or add a piece.
    waiting: Mutex<Option<HashMap<u64, Waiting<P>>>>,
    /// The most bytes of one answer.
    most_bytes: usize,
}

/// A request on the stream.
struct Waiting<P: Protocol> {
    answer: oneshot::Sender<Result<Whole<P>, Broken>>,
    place: OwnedSemaphorePermit,
    /// The pieces of the answer so far.
    pieces: Vec<P::Response>,
    bytes: usize,
}

/// A complete answer in pieces. Its caller joins them, so that other answers are not
/// delayed.
struct Whole<P: Protocol> {
    pieces: Vec<P::Response>,
    last: P::Response,
}

/// Why there will be no answer.
pub(crate) enum Broken {
    /// The stream had ended before the request was sent. It may be sent on another one.
    Unsent,
    /// The node ended the stream, for this reason, without reading the request.
    Unread(Arc<str>),
    /// The stream ended before the answer came, for this reason. The other end may have read the
    /// request, or may read it yet.
    Unanswered(Arc<str>),
}

impl<P: Protocol> RequestStream<P> {
    /// The caller's end, and the stream of messages to send.
    pub(super) fn new(protocol: &P) -> (Self, Outgoing<P::Request>) {
        let (queue, receiver) = mpsc::unbounded_channel();
        let exchange = Self {
            queue,
            places: Arc::new(Semaphore::new(P::AT_ONCE)),
            next_id: AtomicU64::new(PROBE + 1),
            waiting: Mutex::new(Some(HashMap::new())),
            most_bytes: protocol.most_bytes(),
        };
        (exchange, Outgoing::new(receiver))
    }

    /// Sends the request that `request` makes from its id, and waits for the answer.
    /// Dropping the future cancels the request at the other end, unless it `lasts`. Such
    /// a request runs to its end there, and keeps its place until then.
    pub(super) async fn ask(
        &self,
        lasts: bool,
        request: impl FnOnce(u64) -> P::Request,
    ) -> Result<P::Response, Broken> {
        let place = Arc::clone(&self.places).acquire_owned().await;
        let place = place.map_err(|_| Broken::Unsent)?;
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let (answer, answered) = oneshot::channel();
        match &mut *self.waiting.lock() {
            Some(waiting) => {
                waiting.insert(id, Waiting { answer, place, pieces: Vec::new(), bytes: 0 })
            }
            None => return Err(Broken::Unsent),
        };
        let mut asked = Asked { exchange: self, id, stays: lasts };
        self.send(request(id), None);
        // The sender is never dropped without an answer.
        let answer = answered.await.unwrap_or(Err(Broken::Unsent));
        asked.stays = true;
        answer.map(Whole::joined)
    }

    /// Sends a probe, whose answer no caller gets. Returns whether the protocol has
    /// probes.
    pub(super) fn probe(&self) -> bool {
        let probe = P::probe(PROBE);
        let is_probed = probe.is_some();
        probe.into_iter().for_each(|probe| self.send(probe, None));
        is_probed
    }

    fn send(&self, message: P::Request, place: Option<OwnedSemaphorePermit>) {
        // Without a receiver the stream has ended, and `fail` is about to report it.
        let _ = self.queue.send(Queued { message, place });
    }

    /// Gives an answer to its caller, if that still waits. A piece is kept until the last
    /// one has arrived.
    pub(super) fn answer(&self, response: P::Response) {
        let id = P::id(&response);
        let Some(bytes) = P::piece(&response) else {
            if let Some(waits) = self.take(id) {
                // The caller may have given up at this moment.
                let _ = waits.answer.send(Ok(Whole { pieces: waits.pieces, last: response }));
            }
            return;
        };
        let fits = {
            let mut waiting = self.waiting.lock();
            let Some(waits) = waiting.as_mut().and_then(|w| w.get_mut(&id)) else { return };
            waits.bytes += bytes;
            waits.pieces.push(response);
            waits.bytes <= self.most_bytes
        };
        if !fits && let Some(waits) = self.take(id) {
            let problem = format!("its answer has more than {} bytes", self.most_bytes);
            let _ = waits.answer.send(Err(Broken::Unanswered(problem.into())));
            self.send(P::cancellation(id), Some(waits.place));
        }
    }

    fn take(&self, id: u64) -> Option<Waiting<P>> {
        self.waiting.lock().as_mut()?.remove(&id)
    }

    /// A number that grows with each request.
    pub(super) fn asked(&self) -> u64 {
        self.next_id.load(Ordering::Relaxed)
    }

    /// Whether a caller waits for an answer.
    pub(super) fn is_waited_for(&self) -> bool {
        self.waiting.lock().as_ref().is_some_and(|waiting| !waiting.is_empty())
    }

    /// Ends the stream if no caller waits for an answer. From then on it accepts no
    /// request.
    pub(super) fn end_unused(&self) -> bool {
        let mut waiting = self.waiting.lock();
        let is_unused = waiting.as_ref().is_some_and(HashMap::is_empty);
        if is_unused {
            *waiting = None;
        }
        is_unused
    }

    /// Ends the stream. All its requests fail, and it accepts no new ones.
    pub(super) fn fail(&self, problem: impl Fn() -> Broken) {
        // The callers are woken after the lock is released.
        let waiting = self.waiting.lock().take();
        self.places.close();
        for waits in waiting.into_iter().flat_map(HashMap::into_values) {
            let _ = waits.answer.send(Err(problem()));
        }
    }
}

impl<P: Protocol> Whole<P> {
    fn joined(self) -> P::Response {
        match self.pieces.is_empty() {
            true => self.last,
            false => P::joined(self.pieces, self.last),
        }
    }
}

/// A request that was sent. It cancels itself when its caller's future is dropped.
struct Asked<'a, P: Protocol> {
    exchange: &'a RequestStream<P>,
    id: u64,
    /// The request has ended, or must not be cancelled.
    stays: bool,
}

impl<P: Protocol> Drop for Asked<'_, P> {
    fn drop(&mut self) {
        if self.stays {
            return;
        }
        if let Some(waits) = self.exchange.take(self.id) {
            self.exchange.send(P::cancellation(self.id), Some(waits.place));
        }
    }
}

/// The most messages taken from the queue at once.
const BATCH: usize = 64;

/// A message that waits to be sent.
struct Queued<M> {
    message: M,
    /// For a cancellation: the place of the cancelled request. It becomes free when the
    /// cancellation is sent, so that the next request comes after it. The queue has at
    /// most two messages for each place.
    place: Option<OwnedSemaphorePermit>,
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
    fn new(queue: mpsc::UnboundedReceiver<Queued<M>>) -> Self {
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
