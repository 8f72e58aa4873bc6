//! The order of the answers of one stream. A large value is sent in pieces, and small answers
//! overtake it.

use std::collections::VecDeque;

use crate::proto::PeerResponse;
use crate::proto::peer_response::Answer;
use crate::transport::peer::{AT_ONCE, wire};

/// Most small answers that are sent between two pieces of large ones. It is high enough not
/// to delay small answers, and the limit keeps large ones from starving.
const OVERTAKE: usize = 64;

/// The large answers that are on their way.
#[derive(Default)]
pub(super) struct Answers {
    /// The unsent rest of each. It shares the memory of the value.
    large: VecDeque<PeerResponse>,
    /// Number of small answers since the last piece.
    overtook: usize,
}

impl Answers {
    /// Returns the answer if it is small, to be sent now. A large one is kept.
    pub(super) fn add(&mut self, answer: PeerResponse) -> Option<PeerResponse> {
        if wire::is_large_answer(&answer) {
            self.large.push_back(answer);
            return None;
        }
        self.overtook += 1;
        Some(answer)
    }

    /// Whether so many large answers are on their way that no other may be added.
    pub(super) fn is_full(&self) -> bool {
        self.large.len() >= AT_ONCE
    }

    /// Drops the rest of the large answer with this id, because its request was cancelled.
    pub(super) fn forget(&mut self, id: u64) {
        self.large.retain(|answer| answer.id != id);
    }

    /// The next piece, if no other small answer may overtake it.
    pub(super) fn turn_of_large(&mut self) -> Option<PeerResponse> {
        if self.overtook >= OVERTAKE || self.is_full() { self.piece() } else { None }
    }

    /// The next piece. Large answers take turns.
    pub(super) fn piece(&mut self) -> Option<PeerResponse> {
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

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::proto::PeerValue;

    fn value(id: u64, bytes: usize) -> PeerResponse {
        let value = PeerValue {
            value: Bytes::from(vec![id as u8; bytes]),
            ttl_ms: 0,
            lent_ms: 0,
            stale: false,
        };
        PeerResponse { id, answer: Some(Answer::Value(value)) }
    }

    /// The id, and whether it is a piece that is not the last.
    fn sent(answer: &PeerResponse) -> (u64, bool) {
        (answer.id, matches!(answer.answer, Some(Answer::Piece(_))))
    }

    fn pieces(answers: &mut Answers) -> Vec<(u64, bool)> {
        std::iter::from_fn(|| answers.piece()).map(|piece| sent(&piece)).collect()
    }

    #[test]
    fn large_answers_take_turns_and_small_ones_overtake_them() {
        let mut answers = Answers::default();
        assert!(answers.add(value(1, 2 * wire::LARGE_BYTES + 1)).is_none());
        assert!(answers.add(value(2, wire::LARGE_BYTES + 1)).is_none());
        assert_eq!(answers.add(value(3, wire::LARGE_BYTES)).map(|a| sent(&a)), Some((3, false)));
        assert!(answers.turn_of_large().is_none());
        let expected = [(1, true), (2, true), (1, true), (2, false), (1, false)];
        assert_eq!(pieces(&mut answers), expected);
        assert!(answers.piece().is_none());

        assert!(answers.add(value(4, wire::LARGE_BYTES + 1)).is_none());
        for _ in 0..OVERTAKE {
            assert!(answers.turn_of_large().is_none());
            assert!(answers.add(value(5, 1)).is_some());
        }
        let piece = answers.turn_of_large().expect("it is not kept waiting for ever");
        assert_eq!(sent(&piece), (4, true));
        assert!(answers.turn_of_large().is_none(), "small ones may overtake again");
        assert_eq!(pieces(&mut answers), [(4, false)]);
    }

    #[test]
    fn an_answer_that_was_taken_back_sends_no_more() {
        let mut answers = Answers::default();
        assert!(answers.add(value(1, 9 * wire::LARGE_BYTES)).is_none());
        assert!(answers.add(value(2, 2 * wire::LARGE_BYTES)).is_none());
        assert_eq!(answers.piece().map(|a| sent(&a)), Some((1, true)));
        answers.forget(1);
        assert_eq!(pieces(&mut answers), [(2, true), (2, false)]);
    }

    #[test]
    fn no_more_than_the_places_are_on_their_way() {
        let mut answers = Answers::default();
        for id in 0..AT_ONCE as u64 {
            assert!(!answers.is_full());
            assert!(answers.add(value(id, wire::LARGE_BYTES + 1)).is_none());
        }
        assert!(answers.is_full() && answers.turn_of_large().is_some());
    }
}
