//! The body of a request. The message that is being received is counted as held by its
//! connection.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tonic::codegen::Body as HttpBody;

use super::account::Held;
use super::call::Call;

/// A flag and a length stand before each message of gRPC.
const HEAD_BYTES: usize = 5;

pub(super) struct Requests<B> {
    body: B,
    call: Arc<Call>,
    held: Held,
    messages: Messages,
}

impl<B> Requests<B> {
    pub(super) fn new(body: B, call: Arc<Call>) -> Self {
        let held = Held::new(&call.account, 0);
        Self { body, call, held, messages: Messages::default() }
    }
}

impl<B: HttpBody<Data = Bytes> + Unpin> HttpBody for Requests<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        match &frame {
            Some(Ok(part)) => {
                if let Some(bytes) = part.data_ref() {
                    self.messages.receive(bytes);
                    let held = self.messages.held();
                    self.held.set(held);
                }
            }
            // The call ends with an answer then, which nobody gets.
            Some(Err(_)) => self.call.cancel(),
            None => {}
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Where in its messages a stream of bytes is.
#[derive(Debug, Default)]
struct Messages {
    head: [u8; HEAD_BYTES],
    /// How much of the head is there.
    head_bytes: usize,
    /// What the message lacks.
    lacks: u64,
    /// Bytes of the message that are there.
    received: u64,
}

impl Messages {
    /// Bytes of the message that is not whole.
    fn held(&self) -> u64 {
        if self.lacks > 0 { self.received } else { 0 }
    }

    fn receive(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.lacks == 0 {
                let (head, rest) = bytes.split_at(bytes.len().min(HEAD_BYTES - self.head_bytes));
                self.head[self.head_bytes..][..head.len()].copy_from_slice(head);
                self.head_bytes += head.len();
                bytes = rest;
                if self.head_bytes == HEAD_BYTES {
                    let [_, length @ ..] = self.head;
                    self.lacks = u32::from_be_bytes(length).into();
                    (self.head_bytes, self.received) = (0, 0);
                }
            } else {
                let count = self.lacks.min(bytes.len() as u64);
                self.lacks -= count;
                self.received += count;
                bytes = &bytes[count as usize..];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_held_as_far_as_it_has_come_however_it_is_cut() {
        let mut stream = vec![0, 0, 0, 1, 0];
        stream.extend([7; 256]);
        // An empty message, and the beginning of a long one.
        stream.extend([0, 0, 0, 0, 0]);
        stream.extend([0, 1, 0, 0, 0, 1, 2, 3]);
        for size in [1, 2, 3, 5, 7, 100, stream.len()] {
            let mut messages = Messages::default();
            let mut most = 0;
            for part in stream.chunks(size) {
                messages.receive(part);
                most = most.max(messages.held());
            }
            assert_eq!((messages.held(), messages.lacks), (3, (1 << 24) - 3), "{size}");
            assert!(most < 256 && (most > 200 || size > 8), "{size}: {most}");
        }
    }
}
