//! The connection to a node: made on demand, monitored, and made again while there are
//! requests for it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{AbortHandle, yield_now};
use tokio::time::{Instant, sleep, timeout};
use tonic::Streaming;
use tonic::transport::Endpoint;

use super::Protocol;
use super::receive::{End, receive};
use super::signals::Signals;
use super::stream::{Broken, RequestStream};
use crate::backoff::Backoff;
use crate::tls::reason;

/// Time limit from the first packet until the node has shown that it answers requests.
const CONNECT_WITHIN: Duration = Duration::from_secs(1);

/// Time limit of the answer to a ping, if pings are sent.
const PING_WITHIN: Duration = Duration::from_secs(1);

/// How long connecting is retried after the last request that found no connection. After
/// that only a new request starts it again, so an unused node costs nothing.
const WANTED_FOR: Duration = Duration::from_secs(10);

/// The pause between attempts, which doubles from the first to the last.
const RETRY_FIRST: Duration = Duration::from_millis(50);
const RETRY_LAST: Duration = Duration::from_secs(1);

/// Flow-control windows: several large values in transfer leave room for the small
/// messages of the stream.
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 8 << 20;

/// The state of the connection.
pub(crate) enum ConnectionState<P: Protocol> {
    /// There were no recent requests. The next one starts an attempt, and waits for its
    /// outcome.
    Idle,
    /// The first attempt since then is running.
    Connecting,
    Up(Up<P>),
    /// The reason. Connecting is retried while there are requests.
    Down(Arc<str>),
}

/// A connection that works.
pub(crate) struct Up<P: Protocol> {
    exchange: Arc<RequestStream<P>>,
    /// The same connection, for requests outside of the stream. Shared, because a clone of it
    /// costs more than a request.
    calls: Arc<P::Calls>,
}

impl<P: Protocol> Clone for Up<P> {
    fn clone(&self) -> Self {
        Self { exchange: Arc::clone(&self.exchange), calls: Arc::clone(&self.calls) }
    }
}

impl<P: Protocol> Up<P> {
    /// Sends a request on this connection's stream, see [`Connection::ask`].
    pub(crate) async fn ask(
        &self,
        lasts: bool,
        request: impl FnOnce(u64) -> P::Request,
    ) -> Result<P::Response, Broken> {
        self.exchange.ask(lasts, request).await
    }

    /// Calls on this connection, outside of the stream.
    pub(crate) fn calls(&self) -> &P::Calls {
        &self.calls
    }
}

/// The connection to one node. Dropping this closes it.
pub(crate) struct Connection<P: Protocol> {
    address: String,
    state: watch::Receiver<ConnectionState<P>>,
    signals: Arc<Signals>,
    keeper: AbortHandle,
}

impl<P: Protocol> Connection<P> {
    /// A connection to `address`, which is made at the first request.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub(crate) fn new(address: &str, protocol: P) -> Self {
        let (show, state) = watch::channel(ConnectionState::Idle);
        let signals = Arc::new(Signals::default());
        let keeper = Keeper {
            address: address.to_owned(),
            protocol,
            signals: Arc::clone(&signals),
            show,
            backoff: Backoff::new(RETRY_FIRST, RETRY_LAST),
        };
        let keeper = tokio::spawn(keeper.keep()).abort_handle();
        Self { address: address.to_owned(), state, signals, keeper }
    }

    /// The address of the node.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// The present state.
    pub(crate) fn state(&self) -> watch::Ref<'_, ConnectionState<P>> {
        self.state.borrow()
    }

    /// A number that changes with each sign of life.
    pub(crate) fn heard(&self) -> u64 {
        self.signals.heard()
    }

    /// Probes the node for a sign of life, unless a probe is running. Without a sign the
    /// connection is given up.
    pub(crate) fn doubt(&self) {
        self.signals.doubt();
    }

    /// Sends the request that `request` makes from an id, and waits for the answer, or
    /// for the reason why there is none. Dropping the future cancels the request at the
    /// other end, unless it `lasts`, see [`RequestStream::ask`].
    pub(crate) async fn ask(
        &self,
        lasts: bool,
        request: impl Fn(u64) -> P::Request,
    ) -> Result<P::Response, Arc<str>> {
        loop {
            match self.up().await?.exchange.ask(lasts, &request).await {
                Ok(answer) => return Ok(answer),
                Err(Broken::Unread(problem) | Broken::Unanswered(problem)) => return Err(problem),
                // The keeper is about to publish that this stream has ended.
                Err(Broken::Unsent) => yield_now().await,
            }
        }
    }

    /// The same connection, for requests that would delay others on the stream.
    pub(crate) async fn calls(&self) -> Result<P::Calls, Arc<str>> {
        Ok(self.up().await?.calls().clone())
    }

    /// A working connection, or the reason why there is none. Waits for an attempt only
    /// if there is no recent outcome.
    pub(crate) async fn up(&self) -> Result<Up<P>, Arc<str>> {
        if let ConnectionState::Up(up) = &*self.state.borrow() {
            return Ok(up.clone());
        }
        self.signals.want();
        let mut state = self.state.clone();
        let settled = state
            .wait_for(|state| matches!(state, ConnectionState::Up(_) | ConnectionState::Down(_)))
            .await;
        match settled.as_deref() {
            Ok(ConnectionState::Up(up)) => Ok(up.clone()),
            Ok(ConnectionState::Down(problem)) => Err(Arc::clone(problem)),
            _ => Err("this process is stopping".into()),
        }
    }
}

impl<P: Protocol> Drop for Connection<P> {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

/// The task that makes the connection on demand, and publishes its state.
struct Keeper<P: Protocol> {
    address: String,
    protocol: P,
    signals: Arc<Signals>,
    show: watch::Sender<ConnectionState<P>>,
    backoff: Backoff,
}

impl<P: Protocol> Keeper<P> {
    async fn keep(mut self) {
        loop {
            self.signals.wanted().await;
            self.show.send_replace(ConnectionState::Connecting);
            self.backoff.reset();
            self.while_wanted().await;
            self.show.send_replace(ConnectionState::Idle);
        }
    }

    /// Connects again and again, until there were no requests for a while.
    async fn while_wanted(&mut self) {
        let mut last_wanted = Instant::now();
        loop {
            let attempt = timeout(CONNECT_WITHIN, connect(&self.address, &self.protocol)).await;
            let late = |_| Err(format!("no connection within {CONNECT_WITHIN:?}"));
            match attempt.unwrap_or_else(late) {
                Ok((up, answers)) => {
                    if !self.carry(up, answers).await {
                        return;
                    }
                    last_wanted = Instant::now();
                }
                Err(problem) => drop(self.show.send_replace(ConnectionState::Down(problem.into()))),
            }
            let pause = self.backoff.spread_pause(&mut rand::rng());
            sleep(pause).await;
            if self.signals.was_wanted() {
                last_wanted = Instant::now();
            } else if last_wanted.elapsed() > WANTED_FOR {
                return;
            }
        }
    }

    /// Carries requests until the connection ends. Returns whether a request was left
    /// without an answer, so that another connection is wanted.
    async fn carry(&mut self, up: Up<P>, answers: Streaming<P::Response>) -> bool {
        let since = Instant::now();
        let exchange = Arc::clone(&up.exchange);
        self.signals.hear();
        self.signals.was_wanted();
        self.show.send_replace(ConnectionState::Up(up));
        let end = receive(&exchange, answers, &self.signals).await;
        // After a connection that lasted, the next attempt need not wait long.
        if since.elapsed() > RETRY_LAST {
            self.backoff.reset();
        }
        let wanted = matches!(end, End::Hangs(_)) || exchange.is_waited_for();
        let is_read = !matches!(end, End::Left(_));
        let problem: Arc<str> = match end {
            End::Broke(problem) | End::Left(problem) => {
                format!("the connection broke: {problem}").into()
            }
            End::Hangs(problem) => problem.into(),
            End::Unused => "it was not asked for a while".into(),
        };
        // The new state is published before the requests on the stream fail. Otherwise a
        // retry could use this stream again.
        self.show.send_replace(match wanted {
            true => ConnectionState::Down(Arc::clone(&problem)),
            false => ConnectionState::Idle,
        });
        exchange.fail(|| match is_read {
            true => Broken::Unanswered(Arc::clone(&problem)),
            false => Broken::Unread(Arc::clone(&problem)),
        });
        if wanted {
            tracing::warn!(node = self.address, %problem, "lost the connection to a node");
        }
        wanted
    }
}

async fn connect<P: Protocol>(
    address: &str,
    protocol: &P,
) -> Result<(Up<P>, Streaming<P::Response>), String> {
    let tuned = |endpoint: Endpoint| {
        let endpoint = endpoint
            .connect_timeout(CONNECT_WITHIN)
            .tcp_nodelay(true)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW);
        match P::PING_EVERY {
            None => endpoint,
            Some(every) => endpoint
                .http2_keep_alive_interval(every)
                .keep_alive_timeout(PING_WITHIN)
                .keep_alive_while_idle(true),
        }
    };
    let calls = protocol.calls(protocol.dialer().connect(address, tuned).await?);
    let (exchange, outgoing) = RequestStream::new(protocol);
    // The probe is sent with the headers. Without it, a process that hangs may still
    // accept connections and open streams.
    let is_probed = exchange.probe();
    let mut answers = P::open(calls.clone(), outgoing).await.map_err(|status| reason(&status))?;
    if is_probed && answers.message().await.map_err(|status| reason(&status))?.is_none() {
        return Err("it closed the connection".into());
    }
    Ok((Up { exchange: Arc::new(exchange), calls: Arc::new(calls) }, answers))
}
