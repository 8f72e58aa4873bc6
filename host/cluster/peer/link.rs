//! The connection to a peer: made, watched, and made again for as long as the
//! peer is a member.

use std::sync::Arc;
use std::time::Duration;

use rand::Rng;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use tonic::Streaming;
use tonic::transport::{Channel, Endpoint};

use super::exchange::Exchange;
use super::wire::MESSAGE_BYTES;
use crate::proto::PeerResponse;
use crate::proto::peer_client::PeerClient;

/// From the first packet to the peer's word that it takes requests.
const CONNECT_WITHIN: Duration = Duration::from_secs(1);

/// A peer that hangs is found out after one silent interval and one timeout.
const PING_EVERY: Duration = Duration::from_millis(500);
const PING_WITHIN: Duration = Duration::from_secs(1);

/// Between attempts, doubling from the first to the last.
const RETRY_FIRST: Duration = Duration::from_millis(50);
const RETRY_LAST: Duration = Duration::from_secs(1);

/// Several large values at a time leave room for the stream's small ones.
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 8 << 20;

/// How it stands with the connection.
#[derive(Clone)]
pub(super) enum State {
    /// The first attempt is under way.
    Connecting,
    Up(Up),
    /// Why.
    Down(Arc<str>),
}

/// A connection that works.
#[derive(Clone)]
pub(super) struct Up {
    pub(super) exchange: Arc<Exchange>,
    /// The same connection, for requests outside of the stream.
    pub(super) client: PeerClient<Channel>,
}

/// Keeps a connection to `address` and shows its state, until nobody looks.
pub(super) async fn keep(address: String, show: watch::Sender<State>) {
    let mut pause = RETRY_FIRST;
    loop {
        let problem = match timeout(CONNECT_WITHIN, connect(&address)).await {
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
                tracing::warn!(peer = address, problem, "lost a peer");
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

async fn connect(address: &str) -> Result<(Up, Streaming<PeerResponse>), String> {
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
    let mut client = PeerClient::new(channel)
        .max_decoding_message_size(MESSAGE_BYTES)
        .max_encoding_message_size(MESSAGE_BYTES);
    let (exchange, outgoing) = Exchange::new();
    let answers = client.exchange(outgoing).await.map_err(|status| reason(&status))?;
    let up = Up { exchange: Arc::new(exchange), client };
    Ok((up, answers.into_inner()))
}

/// Hands out answers until the stream ends; says why it did.
async fn receive(exchange: &Exchange, mut answers: Streaming<PeerResponse>) -> String {
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
