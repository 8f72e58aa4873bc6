//! Serves one stream of another node's requests, with cancellation.

use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use futures::FutureExt;
use hashbrown::HashMap;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::task::coop::consume_budget;
use tokio::task::{AbortHandle, JoinError, JoinSet};
use tonic::{Status, Streaming};

use super::peer_answers::Outgoing;
use super::peer_request::Asked;
use crate::error::Error;
use crate::proto::{PeerRequest, PeerResponse, peer_request};
use crate::transport::peer::{AT_ONCE, wire};
use crate::transport::remote::Local;

/// The callee's end of a stream. It reads every message at once, so that a cancellation
/// never waits behind a request. A caller may have at most [`AT_ONCE`] requests in
/// progress. A request beyond that is refused unless it can be answered at once. The stream
/// ends too when its caller is no node any more. Dropping
/// the stream aborts the requests that may be given up; changes run to their end.
pub(super) struct PeerStream {
    local: Arc<dyn Local>,
    answers: mpsc::Sender<Outgoing>,
    /// Tasks of the requests that were not answered at once.
    running: JoinSet<PeerResponse>,
    /// The running requests that count towards [`AT_ONCE`], by id. A cancelled request that
    /// was aborted no longer counts. A request is removed before its answer is sent,
    /// because the caller may send another as soon as it has the answer.
    places: HashMap<u64, Running>,
}

struct Running {
    task: AbortHandle,
    may_be_given_up: bool,
}

impl PeerStream {
    pub(super) fn new(local: Arc<dyn Local>, answers: mpsc::Sender<Outgoing>) -> Self {
        Self { local, answers, running: JoinSet::new(), places: HashMap::new() }
    }

    /// Serves until the caller leaves, or is `refused`. What may be given up then ends, whether or
    /// not somebody reads the answers.
    pub(super) async fn serve(
        self,
        requests: Streaming<PeerRequest>,
        draining: impl Future<Output = ()>,
        refused: impl Future<Output = Status>,
    ) {
        let answers = self.answers.clone();
        tokio::select! {
            biased;
            refused = refused => {
                let _ = answers.send(Outgoing::End(refused)).await;
            }
            () = self.work(requests, draining) => {}
        }
    }

    async fn work(
        mut self,
        mut requests: Streaming<PeerRequest>,
        draining: impl Future<Output = ()>,
    ) {
        let mut draining = pin!(draining);
        let mut takes_more = true;
        while takes_more || !self.running.is_empty() {
            tokio::select! {
                // Ended requests come first, so that their places are free before the next request
                // is read.
                biased;
                Some(ended) = self.running.join_next() => self.ended(ended).await,
                () = &mut draining, if takes_more => takes_more = false,
                message = requests.message(), if takes_more => match message {
                    Ok(Some(message)) => self.take(message).await,
                    Ok(None) | Err(_) => return,
                },
                () = self.answers.closed() => return,
            }
            // Messages that came together are taken in one turn. The end of the stream is looked for
            // between turns.
            for _ in 0..AT_ONCE {
                if !takes_more || !self.running.is_empty() {
                    break;
                }
                match requests.message().now_or_never() {
                    None => break,
                    Some(Ok(Some(message))) => self.take(message).await,
                    Some(Ok(None) | Err(_)) => return,
                }
            }
            // Nothing in a turn may wait, so others would not be polled while messages come.
            consume_budget().await;
        }
    }

    async fn take(&mut self, message: PeerRequest) {
        if let Some(peer_request::Call::Cancel(id)) = message.call {
            return self.cancel(id).await;
        }
        let id = message.id;
        let asked = match Asked::read(message) {
            Ok(asked) => asked,
            Err(refusal) => return self.send(refusal).await,
        };
        // A task would cost more than the answer.
        if let Some(answer) = asked.answer_from_memory(&*self.local) {
            return self.send(answer).await;
        }
        let may_be_given_up = asked.may_be_given_up();
        let has_place = self.places.len() < AT_ONCE && !self.places.contains_key(&id);
        if !has_place && !may_be_given_up {
            return self.refuse(id).await;
        }
        let mut answer = asked.answer(Arc::clone(&self.local)).boxed();
        match futures::poll!(&mut answer) {
            Poll::Ready(answer) => self.send(answer).await,
            Poll::Pending if has_place => {
                let task = self.running.spawn(answer);
                self.places.insert(id, Running { task, may_be_given_up });
            }
            Poll::Pending => self.refuse(id).await,
        }
    }

    async fn cancel(&mut self, id: u64) {
        match self.places.get(&id) {
            Some(running) if running.may_be_given_up => {
                running.task.abort();
                self.places.remove(&id);
            }
            Some(_) => {}
            // The answer may be a large one of which pieces are still to be sent.
            None => drop(self.answers.send(Outgoing::Forget(id)).await),
        }
    }

    async fn ended(&mut self, ended: Result<PeerResponse, JoinError>) {
        // One without an answer was aborted, and its place is free already. So is that of one
        // that was cancelled just when it ended.
        if let Ok(answer) = ended
            && self.places.remove(&answer.id).is_some()
        {
            self.send(answer).await;
        }
    }

    async fn refuse(&self, id: u64) {
        let reason = format!("it works on at most {AT_ONCE} requests of a stream at a time");
        let error = Error::Unavailable { who: "the node".into(), reason };
        self.send(wire::encode_response(id, Err(error))).await;
    }

    /// Queues an answer. It waits only if the caller has more requests in progress than
    /// allowed.
    async fn send(&self, answer: PeerResponse) {
        // There usually is room, and then nothing waits. `serve` notices a closed stream.
        if let Err(TrySendError::Full(answer)) = self.answers.try_send(Outgoing::Answer(answer)) {
            let _ = self.answers.send(answer).await;
        }
    }
}

impl Drop for PeerStream {
    fn drop(&mut self) {
        for running in self.places.values().filter(|running| running.may_be_given_up) {
            running.task.abort();
        }
        self.running.detach_all();
    }
}
