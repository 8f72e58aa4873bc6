//! The body of an answer. Its parts are counted as unread until the transport has written them,
//! and wait while too much is unread.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tonic::codegen::{Body as HttpBody, http};

use super::account::Held;
use super::call::{Call, Unread};
use super::large::large_answer;

/// A call whose answer was not sent to its end. Dropped before that, the client has given it up.
#[derive(Debug)]
pub(super) struct Unfinished {
    pub(super) call: Arc<Call>,
    pub(super) is_finished: bool,
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if !self.is_finished {
            self.call.cancel();
        }
    }
}

#[derive(Debug)]
pub(super) struct Answers<B> {
    body: B,
    unfinished: Unfinished,
    /// A large answer that is not encoded yet.
    large: Option<Held>,
}

impl<B: HttpBody> Answers<B> {
    pub(super) fn of(
        response: http::Response<B>,
        mut unfinished: Unfinished,
    ) -> http::Response<Self> {
        let account = &unfinished.call.account;
        let large = large_answer(&response).map(|bytes| Held::new(account, bytes));
        response.map(|body| {
            unfinished.is_finished = body.is_end_stream();
            Self { body, unfinished, large }
        })
    }
}

impl<B: HttpBody<Data = Bytes> + Unpin> HttpBody for Answers<B> {
    type Data = Unread;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Unread>, B::Error>>> {
        let call = Arc::clone(&self.unfinished.call);
        ready!(call.poll_room(self.large.as_ref().map_or(0, Held::bytes), cx));
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        self.large = None;
        let is_last = !matches!(&frame, Some(Ok(frame)) if frame.is_data());
        self.unfinished.is_finished = is_last || self.body.is_end_stream();
        Poll::Ready(frame.map(|part| part.map(|part| part.map_data(|bytes| call.unread(bytes)))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
