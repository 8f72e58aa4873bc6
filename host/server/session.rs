//! A session: many concurrent calls on one stream.
//!
//! The answers are a stream. Polling it begins the calls, and most end at once. There is no task and
//! no queue between a request and its answer. A get from memory has no future either. A call that has
//! to wait becomes a task, so its time limit holds and its value counts as held by the connection,
//! even while the client reads nothing and the stream is not polled. While a client does not read its
//! answers, its requests are not read either. If the client disconnects, the stream is dropped
//! together with its running calls. The transport sends all answers that are ready in one frame.
//!
//! At most `window` calls run at a time. Further requests are read and set aside, so that
//! cancellations behind them are seen. When more than `window` requests are set aside, the
//! session reads no more until a call ends.

use std::collections::{HashMap, VecDeque};
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt};
use futures::stream::{Stream, StreamExt};
use prost::Message;
use tokio::task::{AbortHandle, JoinError, JoinSet};
use tonic::{Status, Streaming};

use super::cache_call::{CacheCall, CallContext, SERVICE};
use super::callers::Guest;
use super::config::ServerConfig;
use super::connections::{Account, Held};
use super::deadline::{self, Limit};
use super::groups::Groups;
use super::health::DrainWatch;
use super::limit::restated;
use super::status::{failure, outcome, status};
use crate::access::Role;
use crate::clock::Clock;
use crate::error::Error;
use crate::proto::session_request::Call as Wanted;
use crate::proto::session_response::Answer;
use crate::proto::{ClockResponse, GetResult, SessionRequest, SessionResponse, get_result};
use crate::telemetry::RpcSpan;
use crate::telemetry::propagation::Incoming;

type Running = BoxFuture<'static, SessionResponse>;

/// A call that was admitted or refused.
enum Begun {
    Ended(SessionResponse),
    Runs(Running),
}

/// Bytes of requests set aside at which the session reads no more. It is about as much as
/// the connection would buffer.
const ASIDE_BYTES: usize = 1 << 20;

/// The answers of one session.
pub(super) struct Session {
    guest: Guest,
    /// What the connection takes of the node.
    account: Arc<Account>,
    groups: Groups,
    request_timeout: Duration,
    window: usize,
    /// For the limits that the client gives in it.
    clock: Clock,
    /// `None` when the session takes no more requests.
    requests: Option<Streaming<SessionRequest>>,
    /// Calls that are waiting for something, with what they hold of the connection.
    running: JoinSet<(SessionResponse, Held)>,
    /// Cancellation handles of the running calls, by request id.
    cancels: HashMap<u64, AbortHandle>,
    /// Requests set aside until a call ends, oldest first.
    aside: VecDeque<SessionRequest>,
    /// Encoded length of these requests.
    aside_bytes: usize,
    /// The same, as held by the connection.
    aside_held: Held,
    draining: DrainWatch,
    /// Status that ends the stream after the last answer; `None` for OK.
    farewell: Option<Status>,
}

impl Session {
    pub(super) fn new(
        requests: Streaming<SessionRequest>,
        groups: Groups,
        (config, clock): (&ServerConfig, Clock),
        guest: Guest,
        account: Arc<Account>,
        draining: DrainWatch,
    ) -> Self {
        Self {
            guest,
            aside_held: Held::new(&account, 0),
            account,
            groups,
            request_timeout: config.request_timeout,
            window: config.session_window,
            clock,
            requests: Some(requests),
            running: JoinSet::new(),
            cancels: HashMap::new(),
            aside: VecDeque::new(),
            aside_bytes: 0,
            draining,
            farewell: None,
        }
    }

    /// The answer of a running call, if one has ended.
    fn poll_running(&mut self, cx: &mut Context<'_>) -> Option<SessionResponse> {
        while !self.running.is_empty()
            && let Poll::Ready(Some(ended)) = self.running.poll_join_next(cx)
        {
            match ended.map_err(JoinError::try_into_panic) {
                // One that was cancelled when it had ended has no answer either.
                Ok((answer, _)) if self.cancels.remove(&answer.id).is_some() => {
                    return Some(answer);
                }
                Err(Ok(panic)) => resume_unwind(panic),
                _ => {}
            }
        }
        None
    }

    /// Takes no more requests. Requests that were read are still answered.
    fn close(&mut self, farewell: Option<Status>) {
        self.requests = None;
        self.farewell = farewell;
    }

    fn has_place(&self) -> bool {
        self.running.len() < self.window
    }

    /// Whether too many requests are set aside to read the next one. One more than `window`
    /// is allowed, because the next message could be a cancellation.
    fn is_full(&self) -> bool {
        self.aside.len() > self.window || self.aside_bytes >= ASIDE_BYTES
    }

    /// Cancels the request with `id`, running or set aside.
    fn cancel(&mut self, id: u64) {
        if let Some(cancel) = self.cancels.remove(&id) {
            cancel.abort();
            return;
        }
        self.aside.retain(|request| request.id != id);
        self.set_aside(self.aside.iter().map(Message::encoded_len).sum());
    }

    /// Starts a request, or sets it aside. Returns the answer if it is ready at once.
    fn take(&mut self, request: SessionRequest, cx: &mut Context<'_>) -> Option<SessionResponse> {
        match request.call {
            Some(Wanted::Cancel(id)) => {
                self.cancel(id);
                return None;
            }
            Some(Wanted::Clock(_)) => {
                let now = Answer::Clock(ClockResponse { now_ms: self.clock.now_ms() });
                return Some(SessionResponse { id: request.id, answer: Some(now) });
            }
            _ => {}
        }
        if self.has_place() && self.aside.is_empty() {
            return self.begin(request, cx);
        }
        self.set_aside(self.aside_bytes + request.encoded_len());
        self.aside.push_back(request);
        None
    }

    /// Notes how many bytes are set aside.
    fn set_aside(&mut self, bytes: usize) {
        self.aside_bytes = bytes;
        self.aside_held.set(bytes as u64);
    }

    /// The oldest request set aside, if another call may run.
    fn next_aside(&mut self) -> Option<SessionRequest> {
        let request = self.has_place().then(|| self.aside.pop_front())??;
        self.set_aside(self.aside_bytes - request.encoded_len());
        Some(request)
    }

    /// Starts a request. Returns the answer if it is ready at once, as for most gets, which
    /// are hits. Otherwise the call is added to the running ones.
    fn begin(&mut self, request: SessionRequest, cx: &mut Context<'_>) -> Option<SessionResponse> {
        let bytes = match request.call {
            Some(Wanted::Get(_)) => 0,
            _ => request.encoded_len() as u64,
        };
        let SessionRequest { id, timeout_ms, traceparent, inline_bytes, until_ms, call } = request;
        let allowed = (timeout_ms > 0).then(|| Duration::from_millis(timeout_ms.into()));
        let within = deadline::within(allowed, self.request_timeout);
        let envelope = Envelope {
            id,
            guest: &mut self.guest,
            groups: &self.groups,
            limit: Limit::new(within, until_ms, &self.clock),
            traceparent,
            inline_bytes,
        };
        let begun = match call {
            Some(Wanted::Get(call)) => envelope.run(call, Answer::Get),
            Some(Wanted::GetMany(call)) => envelope.run(call, Answer::GetMany),
            Some(Wanted::Set(call)) => envelope.run(call, Answer::Set),
            Some(Wanted::SetMany(call)) => envelope.run(call, Answer::SetMany),
            Some(Wanted::Remove(call)) => envelope.run(call, Answer::Remove),
            Some(Wanted::RemoveMany(call)) => envelope.run(call, Answer::RemoveMany),
            Some(Wanted::Clear(call)) => envelope.run(call, Answer::Clear),
            // `take` handles these.
            Some(Wanted::Cancel(_) | Wanted::Clock(_)) => return None,
            None => {
                let problem = "there is none that this node knows".into();
                let error = Error::InvalidArgument { argument: "call", problem };
                let answer = Some(Answer::Failure(failure(&error)));
                return Some(SessionResponse { id, answer });
            }
        };
        // A caller that is not known any more is asked who it is when it opens another session.
        let gone = self.guest.gone().filter(|_| self.requests.is_some());
        if let Some(farewell) = gone.map(|problem| status(problem, b"")) {
            self.close(Some(farewell));
        }
        let mut running = match begun {
            Begun::Ended(answer) => return Some(answer),
            Begun::Runs(running) => running,
        };
        if let Poll::Ready(answer) = running.poll_unpin(cx) {
            return Some(answer);
        }
        let mut held = Held::new(&self.account, bytes);
        let task = self.running.spawn(async move {
            let answer = running.await;
            held.set(answer.answer.as_ref().map_or(0, value_bytes));
            (answer, held)
        });
        self.cancels.insert(id, task);
        None
    }
}

impl Stream for Session {
    type Item = Result<SessionResponse, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let session = &mut *self;
        loop {
            if let Some(answer) = session.poll_running(cx) {
                return Poll::Ready(Some(Ok(answer)));
            }
            if let Some(request) = session.next_aside() {
                if let Some(answer) = session.begin(request, cx) {
                    return Poll::Ready(Some(Ok(answer)));
                }
                continue;
            }
            if session.requests.is_some() && session.draining.has_begun() {
                session.close(Some(status(&Error::Stopping, b"")));
            }
            if session.is_full() {
                return Poll::Pending;
            }
            let Some(requests) = &mut session.requests else {
                if session.running.is_empty() {
                    return Poll::Ready(session.farewell.take().map(Err));
                }
                return Poll::Pending;
            };
            match requests.poll_next_unpin(cx) {
                Poll::Ready(Some(Ok(request))) => {
                    if let Some(answer) = session.take(request, cx) {
                        return Poll::Ready(Some(Ok(answer)));
                    }
                }
                Poll::Ready(Some(Err(broken))) => session.close(Some(restated(broken))),
                Poll::Ready(None) => session.close(None),
                Poll::Pending => {
                    ready!(session.draining.poll_begun(cx));
                    session.close(Some(status(&Error::Stopping, b"")));
                }
            }
        }
    }
}

/// The parameters of a session's call besides the call itself.
struct Envelope<'a> {
    id: u64,
    guest: &'a mut Guest,
    groups: &'a Groups,
    limit: Result<Limit, Error>,
    traceparent: String,
    inline_bytes: u64,
}

impl Envelope<'_> {
    fn run<C: CacheCall>(self, call: C, answer: fn(C::Answer) -> Answer) -> Begun {
        let Self { id, guest, groups, limit, traceparent, inline_bytes } = self;
        // Who calls was found when the session was opened, and is found again when the file changes.
        let admitted = guest.admit(C::METHOD, C::NEEDS, Some(call.group()));
        let admitted = admitted.map(|()| (C::NEEDS == Role::Clear).then(|| guest.note()));
        let incoming = || Incoming::in_text(&traceparent);
        let span = RpcSpan::serve(SERVICE, C::METHOD, call.group(), incoming);
        let response = move |ended: Result<C::Answer, Error>| {
            let ended = ended.map_or_else(|error| Answer::Failure(failure(&error)), answer);
            SessionResponse { id, answer: Some(inline(ended, inline_bytes)) }
        };
        if admitted.is_ok()
            && limit.is_ok()
            && span.is_none()
            && let Ok(group) = groups.of_request(call.group())
            && let Some(ended) = call.look_up(group)
        {
            return Begun::Ended(response(ended));
        }
        let groups = groups.clone();
        let running = async move {
            let run = async {
                let (note, limit) = (admitted?, limit?);
                let group = groups.of_request(call.group())?;
                call.run(group, CallContext { limit, span: &span, note }).await
            };
            response(span.record(run, outcome).await)
        };
        Begun::Runs(running.boxed())
    }
}

/// Replaces an answer by [`Answer::Large`] if its values exceed `inline_bytes`. 0 means no
/// limit.
fn inline(answer: Answer, inline_bytes: u64) -> Answer {
    let bytes = if inline_bytes == 0 { 0 } else { value_bytes(&answer) };
    if bytes > inline_bytes { Answer::Large(bytes) } else { answer }
}

/// Bytes of the values in an answer.
fn value_bytes(answer: &Answer) -> u64 {
    match answer {
        Answer::Get(found) => found.value.len() as u64,
        Answer::GetMany(many) => many.results.iter().map(result_bytes).sum(),
        _ => 0,
    }
}

fn result_bytes(result: &GetResult) -> u64 {
    match &result.result {
        Some(get_result::Result::Found(found)) => found.value.len() as u64,
        _ => 0,
    }
}
