//! One stream, and the requests that are on it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hashbrown::HashMap;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use super::Protocol;
use super::outgoing::{Outgoing, Queued};
use crate::sync::Mutex;

/// What a probe is answered by. No request has it, so the answer is nobody's.
const PROBE: u64 = 0;

/// One life of a stream.
pub(super) struct RequestStream<P: Protocol> {
    /// Bounded by the places: see [`Queued::place`].
    queue: mpsc::UnboundedSender<Queued<P::Request>>,
    /// [`Protocol::AT_ONCE`]; closed with the stream.
    places: Arc<Semaphore>,
    next_id: AtomicU64,
    /// Who waits for which answer, until the stream ends. Held only to put in and take
    /// out.
    waiting: Mutex<Option<HashMap<u64, Waiting<P>>>>,
    /// Of one answer.
    most_bytes: usize,
}

/// A request on the stream.
struct Waiting<P: Protocol> {
    answer: oneshot::Sender<Result<Whole<P>, Broken>>,
    place: OwnedSemaphorePermit,
    /// What has come of the answer.
    pieces: Vec<P::Response>,
    bytes: usize,
}

/// An answer, which its asker puts together: others are not kept waiting for that.
struct Whole<P: Protocol> {
    pieces: Vec<P::Response>,
    last: P::Response,
}

/// There will be no answer.
pub(super) enum Broken {
    /// The stream had ended before the request was sent: another one may carry it.
    Unsent,
    /// It ended before the answer came, for this reason.
    Unanswered(Arc<str>),
}

impl<P: Protocol> RequestStream<P> {
    /// The asker's end, and the messages to send.
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

    /// Sends the request that `request` makes of its id, and waits for the answer.
    /// Dropping the future cancels it at the other end, unless it `lasts`: such a
    /// request is worked on to its end there, and keeps its place until then.
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
        // Nobody drops the other end unused.
        let answer = answered.await.unwrap_or(Err(Broken::Unsent));
        asked.stays = true;
        answer.map(Whole::joined)
    }

    /// Asks for a sign of life, which is nobody's answer. Answers whether the protocol
    /// has such a question.
    pub(super) fn probe(&self) -> bool {
        let probe = P::probe(PROBE);
        let is_probed = probe.is_some();
        probe.into_iter().for_each(|probe| self.send(probe, None));
        is_probed
    }

    fn send(&self, message: P::Request, place: Option<OwnedSemaphorePermit>) {
        // Without a receiver the stream is over, and `fail` is about to say so.
        let _ = self.queue.send(Queued { message, place });
    }

    /// Hands an answer to who waits for it, if anybody still does and this is the last
    /// of it.
    pub(super) fn answer(&self, response: P::Response) {
        let id = P::id(&response);
        let Some(bytes) = P::piece(&response) else {
            if let Some(waits) = self.take(id) {
                // It may have given up this very moment.
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

    /// Requests that were made so far.
    pub(super) fn asked(&self) -> u64 {
        self.next_id.load(Ordering::Relaxed)
    }

    /// Whether somebody waits for an answer.
    pub(super) fn is_waited_for(&self) -> bool {
        self.waiting.lock().as_ref().is_some_and(|waiting| !waiting.is_empty())
    }

    /// Ends the stream if nobody waits for an answer: from then on it takes no request.
    pub(super) fn end_unused(&self) -> bool {
        let mut waiting = self.waiting.lock();
        let is_unused = waiting.as_ref().is_some_and(HashMap::is_empty);
        if is_unused {
            *waiting = None;
        }
        is_unused
    }

    /// Ends the stream: fails all that are on it, and all that come.
    pub(super) fn fail(&self, problem: &Arc<str>) {
        // Waking the askers is for after the lock.
        let waiting = self.waiting.lock().take();
        self.places.close();
        for waits in waiting.into_iter().flat_map(HashMap::into_values) {
            let _ = waits.answer.send(Err(Broken::Unanswered(Arc::clone(problem))));
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

/// A request that was made: takes itself back when its asker goes away.
struct Asked<'a, P: Protocol> {
    exchange: &'a RequestStream<P>,
    id: u64,
    /// There is nothing to take back, or it may not be.
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
