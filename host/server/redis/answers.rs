//! The answers of one connection: commands end in any order, and their answers are sent in the
//! order of the commands.

use std::collections::VecDeque;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::StreamExt;
use futures::future::{BoxFuture, FutureExt};
use futures::stream::FuturesUnordered;

use super::overlap::Touch;
use super::reply::{Reply, Version};

/// The most commands that run at a time.
const MOST_RUNNING: usize = 64;

/// Bytes of the requests of commands that run, at which no other is started.
const MOST_RUNNING_BYTES: usize = 8 << 20;

/// Bytes of answers that wait for the client, at which no other command is started.
const MOST_BYTES: usize = 8 << 20;

/// The most bytes that an idle connection keeps for its next answers.
const KEPT_BYTES: usize = 1 << 10;

/// Answers that are not sent yet, and commands that have none yet.
#[derive(Default)]
pub(super) struct Answers {
    /// Encoded answers; those before `sent` are sent.
    out: Vec<u8>,
    sent: usize,
    /// What follows `out`.
    queue: VecDeque<Slot>,
    /// The number of the first in `queue`.
    first: u64,
    /// Bytes of the answers in `queue`.
    queued_bytes: usize,
    /// Bytes of the requests of running commands, of which each has a copy.
    running_bytes: usize,
    running: FuturesUnordered<BoxFuture<'static, (u64, Reply)>>,
}

enum Slot {
    Running(Form, Touch<Bytes>, usize),
    Ended(Vec<u8>),
    /// An answer beyond [`MOST_BYTES`]: encoded when the client takes what is before it. Until
    /// then it shares the memory of its value.
    Shared(Form, Reply),
}

/// How an answer is sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Form {
    pub(super) version: Version,
    /// The client wants none.
    pub(super) is_muted: bool,
}

impl Form {
    fn encode(self, reply: &Reply, out: &mut Vec<u8>) {
        if !self.is_muted {
            reply.encode(self.version, out);
        }
    }
}

impl Answers {
    /// Whether another command may be started.
    pub(super) fn has_room(&self) -> bool {
        self.places() > 0 && self.running_bytes < MOST_RUNNING_BYTES && !self.is_full()
    }

    /// Whether as many bytes wait for the client as may.
    pub(super) fn is_full(&self) -> bool {
        self.bytes() >= MOST_BYTES
    }

    /// How many more commands may run.
    pub(super) fn places(&self) -> usize {
        MOST_RUNNING - self.running.len()
    }

    /// Number of running commands.
    pub(super) fn running(&self) -> usize {
        self.running.len()
    }

    /// Bytes that are not sent yet.
    fn bytes(&self) -> usize {
        self.out.len() - self.sent + self.queued_bytes
    }

    /// Bytes that they take, and the commands.
    pub(super) fn capacity(&self) -> usize {
        self.out.capacity() + self.queued_bytes + self.running_bytes
    }

    /// Nothing is running and everything is sent.
    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty() && self.unsent().is_empty()
    }

    /// Whether a command has to wait for one that runs.
    pub(super) fn delay(&self, touch: &Touch<&[u8]>) -> bool {
        self.queue.iter().any(|slot| match slot {
            Slot::Running(_, running, _) => touch.waits_for(running),
            Slot::Ended(_) | Slot::Shared(..) => false,
        })
    }

    /// Appends the answer to a command that has ended.
    pub(super) fn push(&mut self, reply: &Reply, form: Form) {
        if self.is_full() {
            self.queued_bytes += reply.value_bytes() as usize;
            return self.queue.push_back(Slot::Shared(form, reply.clone()));
        }
        let (out, before) = match self.queue.back_mut() {
            None => return form.encode(reply, &mut self.out),
            Some(Slot::Ended(out)) => {
                let before = out.len();
                (out, before)
            }
            Some(Slot::Running(..) | Slot::Shared(..)) => {
                self.queue.push_back(Slot::Ended(Vec::new()));
                let Some(Slot::Ended(out)) = self.queue.back_mut() else { return };
                (out, 0)
            }
        };
        form.encode(reply, out);
        self.queued_bytes += out.len() - before;
    }

    /// Appends a command that has begun: its answer if there is one already. Its request has so
    /// many bytes.
    pub(super) fn begin(
        &mut self,
        cx: &mut Context<'_>,
        mut running: BoxFuture<'static, Reply>,
        form: Form,
        touch: &Touch<&[u8]>,
        bytes: usize,
    ) {
        match running.poll_unpin(cx) {
            Poll::Ready(reply) => self.push(&reply, form),
            Poll::Pending => self.push_running(running, form, touch.to_owned(), bytes),
        }
    }

    /// Appends a running command, whose request has so many bytes.
    fn push_running(
        &mut self,
        running: BoxFuture<'static, Reply>,
        form: Form,
        touch: Touch<Bytes>,
        bytes: usize,
    ) {
        let number = self.first + self.queue.len() as u64;
        self.running_bytes += bytes;
        self.queue.push_back(Slot::Running(form, touch, bytes));
        self.running.push(running.map(move |reply| (number, reply)).boxed());
    }

    /// Takes the answers of commands that have ended. Returns whether there were any.
    pub(super) fn poll_running(&mut self, cx: &mut Context<'_>) -> bool {
        let mut ended = false;
        while !self.running.is_empty()
            && let Poll::Ready(Some((number, reply))) = self.running.poll_next_unpin(cx)
        {
            ended = true;
            let slot = &mut self.queue[(number - self.first) as usize];
            if let Slot::Running(form, _, bytes) = slot {
                self.running_bytes -= *bytes;
                let mut out = Vec::new();
                form.encode(&reply, &mut out);
                self.queued_bytes += out.len();
                *slot = Slot::Ended(out);
            }
        }
        self.advance();
        ended
    }

    /// Prepares what can be sent next, up to [`MOST_BYTES`]. Returns whether there is something.
    pub(super) fn advance(&mut self) -> bool {
        while self.unsent().len() < MOST_BYTES
            && let Some(next) = self.queue.pop_front_if(|slot| !matches!(slot, Slot::Running(..)))
        {
            self.first += 1;
            match next {
                Slot::Running(..) => {}
                Slot::Ended(ended) => {
                    self.queued_bytes -= ended.len();
                    self.out.extend_from_slice(&ended);
                }
                Slot::Shared(form, reply) => {
                    self.queued_bytes -= reply.value_bytes() as usize;
                    form.encode(&reply, &mut self.out);
                }
            }
        }
        !self.unsent().is_empty()
    }

    /// What can be sent now.
    pub(super) fn unsent(&self) -> &[u8] {
        &self.out[self.sent..]
    }

    /// Notes that the first `count` unsent bytes are sent.
    pub(super) fn sent(&mut self, count: usize) {
        self.sent += count;
        // Half of the buffer at least, so that the rest is moved once for each byte sent.
        if self.sent * 2 >= self.out.len() {
            self.out.drain(..self.sent);
            self.sent = 0;
        }
    }

    /// Gives back what long answers took.
    pub(super) fn shrink(&mut self) {
        if self.is_empty() && self.out.capacity() > KEPT_BYTES {
            self.out = Vec::new();
            self.queue = VecDeque::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::task::noop_waker;
    use tokio::sync::oneshot;

    use super::*;

    const FORM: Form = Form { version: Version::Resp2, is_muted: false };

    #[test]
    fn answers_keep_the_order_of_their_commands() {
        let (waker, mut answers) = (noop_waker(), Answers::default());
        let cx = &mut Context::from_waker(&waker);
        let begin = |answers: &mut Answers, form| {
            let (ended, end) = oneshot::channel();
            let reply = async { end.await.unwrap() };
            answers.push_running(reply.boxed(), form, Touch::Nothing, 100);
            ended
        };
        answers.push(&Reply::Integer(1), FORM);
        let second = begin(&mut answers, FORM);
        answers.push(&Reply::Integer(3), FORM);
        answers.push(&Reply::Integer(4), FORM);
        let fifth = begin(&mut answers, FORM);
        let muted = begin(&mut answers, Form { is_muted: true, ..FORM });
        assert!(!answers.poll_running(cx));
        assert_eq!(answers.unsent(), b":1\r\n");
        assert_eq!((answers.running(), answers.bytes()), (3, 12));
        assert_eq!((answers.running_bytes, answers.capacity() >= 312), (300, true));

        fifth.send(Reply::Integer(5)).unwrap();
        assert!(answers.poll_running(cx));
        assert_eq!((answers.unsent(), answers.bytes()), (&b":1\r\n"[..], 16));
        second.send(Reply::Integer(2)).unwrap();
        assert!(answers.poll_running(cx));
        assert_eq!(answers.unsent(), b":1\r\n:2\r\n:3\r\n:4\r\n:5\r\n");
        muted.send(Reply::OK).unwrap();
        assert!(answers.poll_running(cx));
        answers.sent(8);
        assert_eq!(answers.unsent(), b":3\r\n:4\r\n:5\r\n");
        answers.sent(12);
        assert!(answers.is_empty() && answers.bytes() + answers.running_bytes == 0);
    }

    #[test]
    fn answers_beyond_the_limit_share_their_values_until_they_are_sent() {
        let value = Reply::Value(Bytes::from(vec![b'v'; MOST_BYTES]).into());
        let mut answers = Answers::default();
        (0..3).for_each(|_| answers.push(&value, FORM));
        answers.push(&Reply::Null, FORM);
        assert!(!answers.has_room() && answers.bytes() > 3 * MOST_BYTES);
        assert!(answers.out.len() < 2 * MOST_BYTES, "one of them is encoded");
        let mut sent = Vec::new();
        while answers.advance() {
            assert!(answers.out.len() < 2 * MOST_BYTES);
            sent.extend_from_slice(answers.unsent());
            answers.sent(answers.unsent().len());
        }
        let mut expected = Vec::new();
        (0..3).for_each(|_| value.encode(Version::Resp2, &mut expected));
        Reply::Null.encode(Version::Resp2, &mut expected);
        assert!(sent == expected && answers.is_empty() && answers.has_room());
    }
}
