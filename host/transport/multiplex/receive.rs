//! A stream while it works: answers are handed out, and the node is watched for as
//! long as somebody doubts that it lives.

use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, interval, sleep};
use tonic::Streaming;

use super::Protocol;
use super::signals::Signals;
use super::stream::RequestStream;

/// From a probe to the first message after it. A caller that allows less gives up
/// earlier, but it does not take the connection from those who allow more.
const PROBE_WITHIN: Duration = Duration::from_millis(500);

/// Why a stream ended.
pub(super) enum End {
    /// The connection broke.
    Broke(String),
    /// The node takes what is sent and answers nothing.
    Hangs(String),
    /// Nothing was asked for a while.
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
            // First: whatever comes is a sign of life, and needs no other branch.
            biased;
            message = answers.message() => match message {
                Ok(Some(answer)) => {
                    signals.hear();
                    probed = None;
                    exchange.answer(answer);
                }
                Ok(None) => return End::Broke("it closed the connection".into()),
                Err(status) => return End::Broke(reason(&status)),
            },
            // One probe at a time: its answer is everybody's.
            () = &mut doubted, if probed.is_none() => {
                doubted.set(signals.doubted());
                exchange.probe();
                late.as_mut().reset(Instant::now() + PROBE_WITHIN);
                probed = Some(Instant::now());
            }
            () = &mut late, if probed.is_some() => {
                // When this process stood still, the answer may lie in the socket.
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

/// The innermost cause: what lies around it only says "transport error".
pub(super) fn reason(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
