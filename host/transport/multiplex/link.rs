//! The connection to a node: made, watched, and made again for as long as anybody
//! wants it.

use std::sync::Arc;
use std::time::Duration;

use rand::Rng;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, timeout};
use tonic::Streaming;
use tonic::transport::Endpoint;

use super::Protocol;
use super::exchange::Exchange;

/// From the first packet to the node's word that it takes requests.
const CONNECT_WITHIN: Duration = Duration::from_secs(1);

/// A node that hangs is found out after one silent interval and one timeout.
const PING_EVERY: Duration = Duration::from_millis(500);
const PING_WITHIN: Duration = Duration::from_secs(1);

/// Between attempts, doubling from the first to the last.
const RETRY_FIRST: Duration = Duration::from_millis(50);
const RETRY_LAST: Duration = Duration::from_secs(1);

/// Several large values at a time leave room for the stream's small ones.
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 8 << 20;

/// How it stands with the connection.
pub(crate) enum State<P: Protocol> {
    /// The first attempt is under way.
    Connecting,
    Up(Up<P>),
    /// Why.
    Down(Arc<str>),
}

/// A connection that works.
pub(crate) struct Up<P: Protocol> {
    pub(crate) exchange: Arc<Exchange<P>>,
    /// The same connection, for requests outside of the stream.
    pub(crate) calls: P::Calls,
}

impl<P: Protocol> Clone for State<P> {
    fn clone(&self) -> Self {
        match self {
            Self::Connecting => Self::Connecting,
            Self::Up(up) => Self::Up(up.clone()),
            Self::Down(problem) => Self::Down(Arc::clone(problem)),
        }
    }
}

impl<P: Protocol> Clone for Up<P> {
    fn clone(&self) -> Self {
        Self { exchange: Arc::clone(&self.exchange), calls: self.calls.clone() }
    }
}

/// A node that is to be in reach. Dropping it closes the connection.
pub(crate) struct Link<P: Protocol> {
    address: String,
    state: watch::Receiver<State<P>>,
    connection: AbortHandle,
}

impl<P: Protocol> Link<P> {
    /// Begins to connect to `address`, and goes on for as long as this lives.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub(crate) fn connect(address: &str, protocol: P) -> Self {
        let (show, state) = watch::channel(State::Connecting);
        let connection = tokio::spawn(keep(address.to_owned(), protocol, show));
        Self { address: address.to_owned(), state, connection: connection.abort_handle() }
    }

    /// What it is connected to.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// How it stands now.
    pub(crate) fn state(&self) -> watch::Ref<'_, State<P>> {
        self.state.borrow()
    }

    /// A connection that works, or why there is none; waits only for the first
    /// attempt.
    pub(crate) async fn up(&self) -> Result<Up<P>, Arc<str>> {
        let known = self.state.borrow().clone();
        let state = match known {
            State::Connecting => {
                let mut state = self.state.clone();
                let settled = state.wait_for(|state| !matches!(state, State::Connecting)).await;
                settled.map_or(State::Connecting, |state| state.clone())
            }
            settled => settled,
        };
        match state {
            State::Up(up) => Ok(up),
            State::Down(problem) => Err(problem),
            State::Connecting => Err("this process is stopping".into()),
        }
    }
}

impl<P: Protocol> Drop for Link<P> {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

/// Keeps a connection to `address` and shows its state, until nobody looks.
async fn keep<P: Protocol>(address: String, protocol: P, show: watch::Sender<State<P>>) {
    let mut pause = RETRY_FIRST;
    loop {
        let problem = match timeout(CONNECT_WITHIN, connect(&address, &protocol)).await {
            Ok(Ok((up, answers))) => {
                let since = Instant::now();
                let exchange = Arc::clone(&up.exchange);
                show.send_replace(State::Up(up));
                let problem = receive(&exchange, answers).await;
                // One that lasted says nothing against the next.
                if since.elapsed() > RETRY_LAST {
                    pause = RETRY_FIRST;
                }
                // New requests must see it before those on the stream fail, or they
                // would try it again.
                show.send_replace(State::Down(problem.as_str().into()));
                exchange.fail();
                tracing::warn!(node = address, problem, "lost the connection to a node");
                problem
            }
            Ok(Err(problem)) => problem,
            Err(_) => format!("no connection within {CONNECT_WITHIN:?}"),
        };
        show.send_replace(State::Down(problem.into()));
        let spread = rand::rng().random_range(0.5..=1.0);
        sleep(pause.mul_f64(spread)).await;
        pause = (pause * 2).min(RETRY_LAST);
    }
}

async fn connect<P: Protocol>(
    address: &str,
    protocol: &P,
) -> Result<(Up<P>, Streaming<P::Response>), String> {
    let endpoint = Endpoint::from_shared(format!("http://{address}"))
        .map_err(|error| format!("{address:?} is no address: {error}"))?
        .connect_timeout(CONNECT_WITHIN)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_WITHIN)
        .keep_alive_while_idle(true)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW);
    let channel = endpoint.connect().await.map_err(|error| reason(&error))?;
    let calls = protocol.calls(channel);
    let (exchange, outgoing) = Exchange::new();
    let answers = P::open(calls.clone(), outgoing).await.map_err(|status| reason(&status))?;
    Ok((Up { exchange: Arc::new(exchange), calls }, answers))
}

/// Hands out answers until the stream ends; says why it did.
async fn receive<P: Protocol>(
    exchange: &Exchange<P>,
    mut answers: Streaming<P::Response>,
) -> String {
    loop {
        match answers.message().await {
            Ok(Some(answer)) => exchange.answer(answer),
            Ok(None) => return "it closed the connection".into(),
            Err(status) => return reason(&status),
        }
    }
}

/// The innermost cause: what lies around it only says "transport error".
fn reason(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
