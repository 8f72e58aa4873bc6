//! One connection: reads requests, starts them in their order, and sends the answers in that
//! order.
//!
//! All answers to what one read brought are written at once. A command that waits does not hold
//! up the start of later ones, unless they touch its keys. Commands are started while the answers
//! [have room](Answers::has_room). While a request can't be started, none is read.

use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::time::Sleep;

use super::answers::Answers;
use super::command;
use super::connections::Registered;
use super::dispatch::{Dispatcher, Started};
use super::gets::Get;
use super::input::Input;
use super::overlap::Touch;
use super::reply::Reply;
use super::shared::Shared;
use super::visitor::Visitor;
use crate::server::connections::{Account, Held};

/// Reads of a busy connection after which it lets others go on.
const READS_IN_TURN: usize = 8;

/// Gets that are looked up together where it is not known how large their answers are, or they are
/// large: what is found waits for the client, beside what waits already.
const FEWEST_GETS: usize = 4;

/// The most gets that are looked up together.
const MOST_GETS: usize = 64;

pub(super) struct Connection<S> {
    stream: S,
    input: Input,
    answers: Answers,
    dispatcher: Dispatcher,
    /// Whether more is read. If not, the connection ends after the last answer.
    reads: bool,
    /// Resolves when the node begins to stop.
    draining: BoxFuture<'static, ()>,
    /// How long the client may leave its answers.
    write_timeout: Duration,
    /// What it takes of the node.
    account: Arc<Account>,
    /// Bytes of its requests and answers.
    held: Held,
    /// Ends a client that does not take its answers.
    stuck: Option<Pin<Box<Sleep>>>,
    /// The most gets that are looked up together next. It doubles while their answers are small.
    gets_at_once: usize,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    pub(super) fn new(
        stream: S,
        shared: &Arc<Shared>,
        peer: Registered,
        account: &Arc<Account>,
        visitor: Visitor,
    ) -> Self {
        Self {
            stream,
            input: Input::new(shared.most_bytes),
            answers: Answers::default(),
            dispatcher: Dispatcher::new(Arc::clone(shared), peer, visitor),
            reads: true,
            draining: shared.health.draining().boxed(),
            write_timeout: shared.request_timeout,
            account: Arc::clone(account),
            held: Held::new(account, 0),
            stuck: None,
            gets_at_once: FEWEST_GETS,
        }
    }

    /// Serves until the client or the node ends the connection.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let served = self.serve(cx);
        self.held.set((self.input.capacity() + self.answers.capacity()) as u64);
        served
    }

    fn serve(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        for _ in 0..READS_IN_TURN {
            self.execute(cx);
            let was_full = !self.answers.has_room();
            self.write(cx)?;
            match self.answers.has_room() {
                true if was_full => continue,
                true if !self.input.has_next() => {}
                _ => return Poll::Pending,
            }
            if !self.reads {
                if !self.answers.is_empty() {
                    return Poll::Pending;
                }
                return Pin::new(&mut self.stream).poll_shutdown(cx);
            }
            let read = pin!(self.stream.read_buf(self.input.buffer())).poll(cx)?;
            match read {
                Poll::Ready(0) => self.reads = false,
                Poll::Ready(_) => {}
                Poll::Pending if self.draining.poll_unpin(cx).is_ready() => self.reads = false,
                Poll::Pending => {
                    self.input.shrink();
                    self.answers.shrink();
                    return Poll::Pending;
                }
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Starts all requests that can be, and takes the answers that there are.
    fn execute(&mut self, cx: &mut Context<'_>) {
        let mut count = 0;
        self.dispatcher.begin_batch();
        loop {
            while self.answers.has_room() {
                let gets = self.start_gets(cx);
                if gets == 0 && !self.start_next(cx) {
                    break;
                }
                count += gets.max(1) as u64;
            }
            // The end of a command can be what the next waits for.
            if !self.answers.poll_running(cx) {
                break;
            }
        }
        if count > 0 {
            self.account.asks();
            self.dispatcher.count_commands(count);
        }
    }

    /// Starts the gets that come next, if several can be. Returns their number.
    fn start_gets(&mut self, cx: &mut Context<'_>) -> usize {
        let Self { input, answers, dispatcher, gets_at_once, .. } = self;
        let mut next = input.gets();
        let (Some(first), Some(second)) = (next.next(), next.next()) else { return 0 };
        if !dispatcher.may_look_up() {
            return 0;
        }
        let is_free = |get: &Get<'_>| {
            answers.running() == 0 || !answers.delay(&Touch::Read(get.key.as_bytes()))
        };
        // A usual pipeline has room in it.
        let mut gets = Vec::with_capacity(16);
        let most = answers.places().min(*gets_at_once);
        let next = [first, second].into_iter().chain(next);
        gets.extend(next.take(most).take_while(is_free));
        if gets.len() < 2 {
            return 0;
        }
        dispatcher.start_gets(&gets, |get, started, form| match started {
            Started::Now(reply) | Started::Last(reply) => answers.push(&reply, form),
            Started::Later(running) => {
                answers.begin(cx, running, form, &Touch::Read(get.key.as_bytes()), get.length);
            }
        });
        *gets_at_once =
            if answers.is_full() { FEWEST_GETS } else { MOST_GETS.min(*gets_at_once * 2) };
        let (count, bytes) = (gets.len(), gets.iter().map(|get| get.length).sum());
        self.input.take_gets(bytes);
        count
    }

    /// Starts the next request. Returns whether there was one that can be started.
    fn start_next(&mut self, cx: &mut Context<'_>) -> bool {
        let (arguments, length) = match self.input.next(self.dispatcher.is_known()) {
            Ok(Some(next)) => next,
            Ok(None) => return false,
            Err(malformed) => {
                let reply = Reply::Error(format!("ERR {malformed}"));
                self.answers.push(&reply, self.dispatcher.form(false));
                self.end();
                return false;
            }
        };
        if arguments.len() == 0 {
            self.input.take();
            return true;
        }
        let command = command::parse(arguments);
        let touch = command.as_ref().map_or(Touch::Nothing, Touch::of);
        if self.answers.running() > 0 && self.answers.delay(&touch) {
            return false;
        }
        let (started, form) = self.dispatcher.start(command);
        match started {
            Started::Now(reply) => self.answers.push(&reply, form),
            Started::Last(reply) => {
                self.answers.push(&reply, form);
                self.end();
                return false;
            }
            Started::Later(running) => {
                self.answers.begin(cx, running, form, &touch, length);
            }
        }
        self.input.take();
        true
    }

    /// Ends the connection after the answers that there are.
    fn end(&mut self) {
        self.reads = false;
        self.input.clear();
    }

    /// Writes as much as the client takes.
    fn write(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        while self.answers.advance() {
            match Pin::new(&mut self.stream).poll_write(cx, self.answers.unsent())? {
                Poll::Ready(0) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(count) => {
                    self.answers.sent(count);
                    self.stuck = None;
                }
                Poll::Pending => {
                    let timeout = self.write_timeout;
                    let sleep = || Box::pin(tokio::time::sleep(timeout));
                    return match self.stuck.get_or_insert_with(sleep).poll_unpin(cx) {
                        Poll::Ready(()) => Err(io::ErrorKind::TimedOut.into()),
                        Poll::Pending => Ok(()),
                    };
                }
            }
        }
        Ok(())
    }
}
