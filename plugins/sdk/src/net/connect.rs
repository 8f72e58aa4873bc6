//! Connects to that address of a place which answers first.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use super::Place;
use super::within::within;
use crate::{FetchError, io_words};

/// How long an address is tried alone before the next one is tried beside it (RFC 8305, 5).
const HEAD_START: Duration = Duration::from_millis(250);

/// A connection to `place`, by `by` at the latest.
pub(super) fn connect(
    runtime: &Runtime,
    place: &Place,
    by: Instant,
) -> Result<TcpStream, FetchError> {
    let began = Instant::now();
    let addresses = place.addresses()?;
    within(runtime, by, first_of(addresses)).map_err(|error| match error.kind() {
        ErrorKind::PermissionDenied => FetchError::Rejected(format!(
            "the node does not let this group connect there; start it with --allow-net {place}"
        )),
        ErrorKind::TimedOut => {
            let limit = by.saturating_duration_since(began).as_millis();
            FetchError::Unavailable(format!("not connected within {limit} ms"))
        }
        _ => FetchError::Unavailable(io_words(&error)),
    })
}

/// The first connection that is made. One address that swallows what is sent to it takes no more
/// than its head start from the others.
async fn first_of(addresses: Vec<SocketAddr>) -> io::Result<TcpStream> {
    let mut untried = addresses.into_iter();
    let mut attempts = JoinSet::new();
    let mut failed = None;
    loop {
        if let Some(address) = untried.next() {
            attempts.spawn(TcpStream::connect(address));
        }
        let Ok(ended) = tokio::time::timeout(HEAD_START, attempts.join_next()).await else {
            continue;
        };
        match ended {
            Some(Ok(Ok(socket))) => return Ok(socket),
            // The error of an allowed address says more than the refusal of another one.
            Some(Ok(Err(error))) if error.kind() == ErrorKind::PermissionDenied => {
                failed.get_or_insert(error);
            }
            Some(Ok(Err(error))) => failed = Some(error),
            // Nobody cancels an attempt.
            Some(Err(_)) => {}
            None => {
                let none = || io::Error::new(ErrorKind::NotFound, "its name has no address");
                return Err(failed.unwrap_or_else(none));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{SocketAddr, TcpListener};

    use tokio::net::TcpSocket;
    use tokio::runtime::Builder;

    use super::*;

    fn runtime() -> Runtime {
        Builder::new_current_thread().enable_all().build().expect("it takes memory only")
    }

    fn listener() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        (listener, address)
    }

    /// A place that takes no connection and refuses none: its queue is full.
    async fn swallows() -> (tokio::net::TcpListener, SocketAddr, JoinSet<io::Result<TcpStream>>) {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind("127.0.0.1:0".parse().expect("an address")).expect("a free port");
        let listener = socket.listen(1).expect("it listens");
        let address = listener.local_addr().expect("it is bound");
        let mut waiting = JoinSet::new();
        for _ in 0..8 {
            waiting.spawn(TcpStream::connect(address));
        }
        // Those that fit into the queue.
        while let Ok(Some(_)) = tokio::time::timeout(HEAD_START, waiting.join_next()).await {}
        assert!(!waiting.is_empty(), "the queue is not full");
        (listener, address, waiting)
    }

    #[test]
    fn an_address_that_swallows_everything_leaves_time_for_the_next() {
        let (_here, good) = listener();
        let by = Instant::now() + Duration::from_secs(60);
        let connected = within(&runtime(), by, async {
            let (_listener, bad, _waiting) = swallows().await;
            first_of(vec![bad, bad, good]).await?.peer_addr()
        });
        assert_eq!(connected.expect("the third answers"), good);
    }

    #[test]
    fn an_address_that_refuses_is_followed_by_the_next_and_the_last_is_told() {
        let (closed, refuses) = listener();
        drop(closed);
        let (_here, good) = listener();
        let by = Instant::now() + Duration::from_secs(60);
        let of =
            |addresses| within(&runtime(), by, async { first_of(addresses).await?.peer_addr() });
        assert_eq!(of(vec![refuses, good]).expect("the second answers"), good);
        let refused = of(vec![refuses, refuses]).expect_err("nobody listens");
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        assert_eq!(of(Vec::new()).expect_err("nobody is there").kind(), ErrorKind::NotFound);
    }
}
