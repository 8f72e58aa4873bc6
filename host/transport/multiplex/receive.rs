//! Receives the answers of a stream, and probes the node when a caller doubts that it
//! lives.

use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, interval, sleep};
use tonic::Streaming;
use tonic_types::StatusExt;

use super::Protocol;
use super::signals::Signals;
use super::stream::RequestStream;
use crate::tls::reason;

/// Time limit from a probe to the next message. A caller with less time gives up earlier,
/// but does not end the connection for the others.
const PROBE_WITHIN: Duration = Duration::from_millis(500);

/// Why a stream ended.
pub(super) enum End {
    /// The connection broke.
    Broke(String),
    /// The node ended the stream by a message of its own. It has answered all that it has read.
    Left(String),
    /// The node accepts requests, but sends no answers.
    Hangs(String),
    /// There were no requests for a while.
    Unused,
}

/// Hands out answers until the stream ends.
pub(super) async fn receive<P: Protocol>(
    exchange: &RequestStream<P>,
    mut answers: Streaming<P::Response>,
    signals: &Signals,
) -> End {
    let never = Duration::MAX;
    let mut doubted = pin!(signals.doubted());
    let mut probed: Option<Instant> = None;
    let mut late = pin!(sleep(never));
    let mut rounds = interval(P::UNUSED_FOR.unwrap_or(never));
    let mut asked = 0;
    loop {
        tokio::select! {
            // Polled first: each message is a sign of life, which makes the other
            // branches unnecessary.
            biased;
            message = answers.message() => match message {
                Ok(Some(answer)) => {
                    signals.hear();
                    probed = None;
                    exchange.answer(answer);
                }
                Ok(None) => return End::Broke("it closed the connection".into()),
                Err(status) => return match status.get_details_error_info() {
                    Some(_) => End::Left(reason(&status)),
                    None => End::Broke(reason(&status)),
                },
            },
            // One probe at a time, for all callers.
            () = &mut doubted, if probed.is_none() => {
                doubted.set(signals.doubted());
                exchange.probe();
                late.as_mut().reset(Instant::now() + PROBE_WITHIN);
                probed = Some(Instant::now());
            }
            () = &mut late, if probed.is_some() => {
                // If this process was suspended, the answer may be waiting in the socket.
                if probed.is_none_or(|since| since.elapsed() < 2 * PROBE_WITHIN) {
                    return End::Hangs(format!("it does not answer, not even a probe within {PROBE_WITHIN:?}"));
                }
                late.as_mut().reset(Instant::now() + PROBE_WITHIN);
                probed = Some(Instant::now());
            }
            _ = rounds.tick(), if P::UNUSED_FOR.is_some() => {
                let before = std::mem::replace(&mut asked, exchange.asked());
                if before == asked && exchange.end_unused() {
                    return End::Unused;
                }
            }
        }
    }
}
