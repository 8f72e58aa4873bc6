//! What the client of a call may rely on.

use std::collections::BTreeMap;

use bytes::{Buf, Bytes};
use prost::Message as _;
use psycache::proto::session_request::Call as InSession;
use psycache::proto::{PeerRequest, PeerResponse, SessionRequest, SessionResponse, peer_request};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::message::Message;
use super::method::Method;

/// What was asked by one call.
pub(super) struct Asked {
    method: Method,
    /// Whether nothing is wrong with it before somebody looks into the messages.
    well_formed: bool,
    /// How often each id asks for an answer.
    ids: BTreeMap<u64, usize>,
    cancels: bool,
}

impl Asked {
    pub(super) fn of(method: Method, messages: &[Message], clean: bool) -> Self {
        let readable = messages
            .iter()
            .take_while(|message| message.flag() == 0 && method.takes(message.payload()))
            .count();
        let count_is_right = method.is_streaming() || messages.len() == 1;
        let mut asked = Self {
            method,
            well_formed: clean && count_is_right && readable == messages.len() && readable > 0,
            ids: BTreeMap::new(),
            cancels: false,
        };
        messages.iter().for_each(|message| asked.count(message.payload()));
        asked
    }

    fn count(&mut self, payload: Bytes) {
        let asked = match self.method {
            Method::Session => SessionRequest::decode(payload)
                .ok()
                .map(|request| (request.id, matches!(request.call, Some(InSession::Cancel(_))))),
            Method::Exchange => PeerRequest::decode(payload).ok().map(|request| {
                (request.id, matches!(request.call, Some(peer_request::Call::Cancel(_))))
            }),
            // Unary, so there is one answer, and its id is the request's.
            _ => None,
        };
        match asked {
            Some((_, true)) => self.cancels = true,
            Some((id, false)) => *self.ids.entry(id).or_default() += 1,
            None => {}
        }
    }

    /// Holds the node to it.
    pub(super) fn check(mut self, status: &Status, data: Bytes) {
        if self.well_formed {
            self.check_status(status);
        }
        let answers = messages(data);
        if !matches!(self.method, Method::Session | Method::Exchange | Method::Reflection) {
            let wanted = usize::from(status.code() == Code::Ok);
            assert_eq!(answers.len(), wanted, "{:?}: {status:?}", self.method);
        }
        for answer in answers {
            assert!(self.method.gives(answer.clone()), "{:?}: {answer:?}", self.method);
            self.answered(answer);
        }
        // A message beyond the node's limit ends a session, and what follows is not read.
        let to_its_end = self.well_formed && status.code() == Code::Ok;
        let all = self.method == Method::Session && to_its_end && !self.cancels;
        assert!(!all || self.ids.is_empty(), "without an answer: {:?}, {status:?}", self.ids);
    }

    /// Errors of ours say so, and none is a fault of the node but where the data
    /// source panicked.
    fn check_status(&self, status: &Status) {
        let code = status.code();
        // Health and reflection are tonic's, and so are their errors.
        let is_ours = !matches!(self.method, Method::Check | Method::Watch | Method::Reflection);
        if code == Code::Ok || !is_ours {
            return;
        }
        let details = status.get_error_details();
        let info = details.error_info().unwrap_or_else(|| panic!("no ErrorInfo: {status:?}"));
        assert_eq!(info.domain, "psycache");
        assert!(!info.reason.is_empty() && !status.message().is_empty());
        let panicked = status.message().contains("panic");
        assert!(code != Code::Unknown && (code != Code::Internal || panicked), "{status:?}");
    }

    /// Each id is answered as often as it asked, at most.
    fn answered(&mut self, answer: Bytes) {
        let id = match self.method {
            Method::Session => SessionResponse::decode(answer).map(|answer| answer.id),
            Method::Exchange => PeerResponse::decode(answer).map(|answer| answer.id),
            _ => return,
        };
        let id = id.expect("it was read before");
        let left = self.ids.get_mut(&id).unwrap_or_else(|| panic!("{id} was not asked"));
        *left -= 1;
        if *left == 0 {
            self.ids.remove(&id);
        }
    }
}

/// The messages in the data of an answer.
fn messages(mut data: Bytes) -> Vec<Bytes> {
    let mut messages = Vec::new();
    while data.has_remaining() {
        assert_eq!(data.get_u8(), 0, "nobody asked for compression");
        let length = data.get_u32() as usize;
        messages.push(data.split_to(length));
    }
    messages
}
