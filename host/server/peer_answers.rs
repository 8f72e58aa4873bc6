//! The outgoing answers of one stream. A large value is sent in pieces, and small answers
//! overtake it.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::Stream;
use tokio::sync::mpsc;
use tonic::Status;

use crate::proto::PeerResponse;
use crate::proto::peer_response::Answer;
use crate::transport::peer::{AT_ONCE, wire};

/// Most small answers that are sent between two pieces of large ones. It is high enough not
/// to delay small answers, and the limit keeps large ones from starving.
const OVERTAKE: usize = 64;

/// An instruction to the sending side of a stream.
pub(super) enum Outgoing {
    /// Send this answer.
    Answer(PeerResponse),
    /// Drop the rest of the large answer with this id, because its request was cancelled.
    Forget(u64),
    /// End the stream with this status, and send nothing that waits.
    End(Status),
}

/// The stream of answers to send.
pub(super) struct Answers {
    queue: mpsc::Receiver<Outgoing>,
    /// The unsent rest of each large answer. It shares the memory of the value.
    large: VecDeque<PeerResponse>,
    /// Number of small answers sent since the last piece.
    overtook: usize,
}

impl Answers {
    pub(super) fn new(queue: mpsc::Receiver<Outgoing>) -> Self {
        Self { queue, large: VecDeque::new(), overtook: 0 }
    }

    /// The next small answer, or the end. `Ready(None)` means that the queue is closed and empty.
    fn poll_small(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<PeerResponse, Status>>> {
        loop {
            match self.queue.poll_recv(context) {
                Poll::Ready(Some(Outgoing::Answer(answer))) if !wire::is_large_answer(&answer) => {
                    return Poll::Ready(Some(Ok(answer)));
                }
                Poll::Ready(Some(Outgoing::Answer(answer))) => {
                    self.large.push_back(answer);
                    if self.large.len() == AT_ONCE {
                        return Poll::Pending;
                    }
                }
                Poll::Ready(Some(Outgoing::Forget(id))) => self.large.retain(|a| a.id != id),
                Poll::Ready(Some(Outgoing::End(status))) => {
                    self.large.clear();
                    return Poll::Ready(Some(Err(status)));
                }
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// The next piece of a large answer. Large answers take turns.
    fn next_piece(&mut self) -> Option<PeerResponse> {
        let mut answer = self.large.pop_front()?;
        self.overtook = 0;
        let id = answer.id;
        let Some(Answer::Value(value)) = &mut answer.answer else { return Some(answer) };
        if value.value.len() <= wire::LARGE_BYTES {
            return Some(answer);
        }
        let piece = value.value.split_to(wire::LARGE_BYTES);
        self.large.push_back(answer);
        Some(PeerResponse { id, answer: Some(Answer::Piece(piece)) })
    }
}

impl Stream for Answers {
    type Item = Result<PeerResponse, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let is_turn_of_large = self.overtook >= OVERTAKE || self.large.len() >= AT_ONCE;
        if !is_turn_of_large || self.large.is_empty() {
            match self.poll_small(context) {
                Poll::Ready(Some(answer)) => {
                    self.overtook += 1;
                    return Poll::Ready(Some(answer));
                }
                Poll::Ready(None) if self.large.is_empty() => return Poll::Ready(None),
                Poll::Pending if self.large.is_empty() => return Poll::Pending,
                Poll::Ready(None) | Poll::Pending => {}
            }
        }
        Poll::Ready(self.next_piece().map(Ok))
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use futures::{FutureExt, StreamExt};

    use super::*;
    use crate::proto::PeerValue;

    fn value(id: u64, bytes: usize) -> Outgoing {
        let value = PeerValue {
            value: Bytes::from(vec![id as u8; bytes]),
            ttl_ms: 0,
            lent_ms: 0,
            stale: false,
        };
        Outgoing::Answer(PeerResponse { id, answer: Some(Answer::Value(value)) })
    }

    /// What goes out: the id, and whether it is a piece that is not the last.
    fn sent(answers: &mut Answers) -> Vec<(u64, bool)> {
        let one = |answers: &mut Answers| answers.next().now_or_never().flatten();
        std::iter::from_fn(|| one(answers))
            .map(|answer| answer.expect("no status"))
            .map(|answer| (answer.id, matches!(answer.answer, Some(Answer::Piece(_)))))
            .collect()
    }

    #[test]
    fn small_answers_overtake_large_ones_which_take_turns() {
        let (queue, receiver) = mpsc::channel(OVERTAKE * 4);
        let mut answers = Answers::new(receiver);
        let send = |message| queue.try_send(message).expect("there is room");
        send(value(1, 2 * wire::LARGE_BYTES + 1));
        send(value(2, wire::LARGE_BYTES + 1));
        send(value(3, wire::LARGE_BYTES));
        let expected = [(3, false), (1, true), (2, true), (1, true), (2, false), (1, false)];
        assert_eq!(sent(&mut answers), expected);

        send(value(4, wire::LARGE_BYTES + 1));
        (0..OVERTAKE + 1).for_each(|_| send(value(5, 1)));
        let order = sent(&mut answers);
        assert_eq!(order[OVERTAKE], (4, true), "it is not kept waiting for ever");
        assert_eq!(order[OVERTAKE + 1..], [(5, false), (4, false)]);
    }

    #[test]
    fn an_answer_that_was_taken_back_sends_no_more() {
        let (queue, receiver) = mpsc::channel(8);
        let mut answers = Answers::new(receiver);
        queue.try_send(value(1, 9 * wire::LARGE_BYTES)).expect("there is room");
        let first = answers.next().now_or_never().flatten().expect("a piece").expect("no status");
        assert!(
            matches!(first.answer, Some(Answer::Piece(piece)) if piece.len() == wire::LARGE_BYTES)
        );
        queue.try_send(Outgoing::Forget(1)).expect("there is room");
        queue.try_send(value(2, 1)).expect("there is room");
        assert_eq!(sent(&mut answers), [(2, false)]);
        drop(queue);
        assert!(answers.next().now_or_never().expect("at once").is_none());
    }
}
