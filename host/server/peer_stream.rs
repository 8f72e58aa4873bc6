//! One stream of another node's requests, with cancellation.
//!
//! The answers are a stream, as those of a session are. Polling it reads the requests: there is no
//! task and no queue between a request and its answer. A get from memory has no future either. A
//! request that has to wait becomes a task. While the caller does not read its answers, its requests
//! are not read either.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::future::{BoxFuture, FutureExt};
use futures::stream::{Stream, StreamExt};
use hashbrown::HashMap;
use tokio::task::{AbortHandle, JoinError, JoinSet};
use tonic::{Status, Streaming};

use super::health::DrainWatch;
use super::peer_answers::Answers;
use super::peer_request::Asked;
use crate::error::Error;
use crate::proto::{PeerRequest, PeerResponse, peer_request};
use crate::transport::peer::{AT_ONCE, wire};
use crate::transport::remote::Local;

/// Messages, ended tasks and pieces after which others go on, and it is looked whether the caller is
/// refused.
const STEPS_IN_TURN: u32 = 128;

/// The callee's end of a stream. While the caller takes its answers, a cancellation never waits
/// behind a request, because each request is begun as it is read. A caller that is refused is ended
/// when it takes its answers. A caller may have at most [`AT_ONCE`] requests in progress. A request
/// beyond that is refused unless it can be answered at once. The stream ends when its caller leaves
/// or is refused, and when the node drains and has answered. Dropping it aborts the requests that may
/// be given up; changes run to their end.
pub(super) struct PeerStream {
    local: Arc<dyn Local>,
    /// `None` when the stream takes no more requests.
    requests: Option<Streaming<PeerRequest>>,
    /// Tasks of the requests that were not answered at once.
    running: JoinSet<PeerResponse>,
    /// The running requests that count towards [`AT_ONCE`], by id. A cancelled request that
    /// was aborted no longer counts. A request is removed before its answer is sent,
    /// because the caller may send another as soon as it has the answer.
    places: HashMap<u64, Running>,
    answers: Answers,
    draining: DrainWatch,
    /// Resolves when the caller is no node any more.
    refused: BoxFuture<'static, Status>,
    /// Steps since others went on.
    in_turn: u32,
    /// The caller was refused, and nothing more is sent.
    has_ended: bool,
}

struct Running {
    task: AbortHandle,
    may_be_given_up: bool,
}

impl PeerStream {
    pub(super) fn new(
        local: Arc<dyn Local>,
        requests: Streaming<PeerRequest>,
        draining: DrainWatch,
        refused: BoxFuture<'static, Status>,
    ) -> Self {
        Self {
            local,
            requests: Some(requests),
            running: JoinSet::new(),
            places: HashMap::new(),
            answers: Answers::default(),
            draining,
            refused,
            in_turn: 0,
            has_ended: false,
        }
    }

    /// The next answer, or piece of one. `Ready(None)`: there will be no more.
    fn poll_answer(&mut self, cx: &mut Context<'_>) -> Poll<Option<PeerResponse>> {
        if let Some(piece) = self.answers.turn_of_large() {
            return Poll::Ready(Some(piece));
        }
        match self.poll_small(cx) {
            Poll::Ready(Some(small)) => Poll::Ready(Some(small)),
            // Nothing else goes out now, so a piece may.
            none => self.answers.piece().map_or(none, |piece| Poll::Ready(Some(piece))),
        }
    }

    /// The next small answer. `Ready(None)`: there will be no more.
    fn poll_small(&mut self, cx: &mut Context<'_>) -> Poll<Option<PeerResponse>> {
        loop {
            if self.in_turn >= STEPS_IN_TURN {
                return Poll::Pending;
            }
            self.in_turn += 1;
            // Ended requests come first, so that their places are free before the next request is
            // read. If the answers are full, a piece of them is what goes out.
            if !self.running.is_empty()
                && !self.answers.is_full()
                && let Poll::Ready(Some(ended)) = self.running.poll_join_next(cx)
            {
                if let Some(small) = self.ended(ended).and_then(|answer| self.answers.add(answer)) {
                    return Poll::Ready(Some(small));
                }
                continue;
            }
            if self.requests.is_some() && self.draining.has_begun() {
                self.requests = None;
            }
            let Some(requests) = self.requests.as_mut().filter(|_| !self.answers.is_full()) else {
                let is_over = self.requests.is_none() && self.running.is_empty();
                return if is_over { Poll::Ready(None) } else { Poll::Pending };
            };
            match requests.poll_next_unpin(cx) {
                Poll::Ready(Some(Ok(message))) => {
                    let answer = self.take(message, cx);
                    if let Some(small) = answer.and_then(|answer| self.answers.add(answer)) {
                        return Poll::Ready(Some(small));
                    }
                }
                Poll::Ready(None | Some(Err(_))) => self.leave(),
                Poll::Pending => match self.draining.poll_begun(cx) {
                    Poll::Ready(()) => self.requests = None,
                    Poll::Pending => return Poll::Pending,
                },
            }
        }
    }

    /// Begins a request. Returns the answer if it is ready at once.
    fn take(&mut self, message: PeerRequest, cx: &mut Context<'_>) -> Option<PeerResponse> {
        if let Some(peer_request::Call::Cancel(id)) = message.call {
            self.cancel(id);
            return None;
        }
        let id = message.id;
        let asked = match Asked::read(message) {
            Ok(asked) => asked,
            Err(refusal) => return Some(refusal),
        };
        // A task would cost more than the answer.
        if let Some(answer) = asked.answer_from_memory(&*self.local) {
            return Some(answer);
        }
        let may_be_given_up = asked.may_be_given_up();
        let has_place = self.places.len() < AT_ONCE && !self.places.contains_key(&id);
        if !has_place && !may_be_given_up {
            return Some(refusal(id));
        }
        let mut answer = asked.answer(Arc::clone(&self.local)).boxed();
        match answer.poll_unpin(cx) {
            Poll::Ready(answer) => Some(answer),
            Poll::Pending if has_place => {
                let task = self.running.spawn(answer);
                self.places.insert(id, Running { task, may_be_given_up });
                None
            }
            Poll::Pending => Some(refusal(id)),
        }
    }

    fn cancel(&mut self, id: u64) {
        match self.places.get(&id) {
            Some(running) if running.may_be_given_up => {
                running.task.abort();
                self.places.remove(&id);
            }
            Some(_) => {}
            // The answer may be a large one of which pieces are still to be sent.
            None => self.answers.forget(id),
        }
    }

    /// Takes no more requests, as the caller has left. What may be given up is.
    fn leave(&mut self) {
        self.requests = None;
        for (_, running) in self.places.drain().filter(|(_, running)| running.may_be_given_up) {
            running.task.abort();
        }
        self.running.detach_all();
    }

    /// The answer of a task, if somebody waits for it still.
    fn ended(&mut self, ended: Result<PeerResponse, JoinError>) -> Option<PeerResponse> {
        // One without an answer was aborted, and its place is free already. So is that of one
        // that was cancelled just when it ended.
        let answer = ended.ok()?;
        self.places.remove(&answer.id).map(|_| answer)
    }
}

fn refusal(id: u64) -> PeerResponse {
    let reason = format!("it works on at most {AT_ONCE} requests of a stream at a time");
    let error = Error::Unavailable { who: "the node".into(), reason };
    wire::encode_response(id, Err(error))
}

impl Stream for PeerStream {
    type Item = Result<PeerResponse, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let stream = &mut *self;
        if stream.has_ended {
            return Poll::Ready(None);
        }
        let next = match stream.in_turn {
            ..STEPS_IN_TURN => stream.poll_answer(cx),
            _ => Poll::Pending,
        };
        if next.is_pending() {
            if let Poll::Ready(status) = stream.refused.poll_unpin(cx) {
                stream.leave();
                stream.has_ended = true;
                return Poll::Ready(Some(Err(status)));
            }
            if std::mem::take(&mut stream.in_turn) >= STEPS_IN_TURN {
                cx.waker().wake_by_ref();
            }
        }
        next.map(|answer| answer.map(Ok))
    }
}

impl Drop for PeerStream {
    fn drop(&mut self) {
        self.leave();
    }
}
