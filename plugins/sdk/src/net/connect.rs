//! Connects to that address of a place which answers first.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::Place;
use super::deadline::left_until;
use super::socket::{Attempt, Socket};
use crate::{FetchError, io_words};

/// How long an address is tried alone before the next one is tried beside it (RFC 8305, 5).
const HEAD_START: Duration = Duration::from_millis(250);

/// A connection to `place`, by `by` at the latest.
pub(super) fn connect(place: &Place, by: Instant) -> Result<Socket, FetchError> {
    let began = Instant::now();
    let addresses = place.addresses()?;
    first_of(addresses, by).map_err(|error| match error.kind() {
        ErrorKind::PermissionDenied => FetchError::Rejected(format!(
            "the node does not let this group connect there; start it with --allow-net {place}, or \
             look at this machine's firewall if the node's log names no refusal"
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
fn first_of(addresses: Vec<SocketAddr>, by: Instant) -> io::Result<Socket> {
    let mut untried = addresses.into_iter();
    let mut attempts = Vec::new();
    let mut failed = None;
    while untried.len() + attempts.len() > 0 {
        left_until(by)?;
        match untried.next().map(Attempt::begin).transpose() {
            Ok(begun) => attempts.extend(begun),
            Err(error) => failed = Some(to_tell(failed, error)),
        }
        if attempts.is_empty() {
            continue;
        }
        let head_start = if untried.len() == 0 { by } else { Instant::now() + HEAD_START };
        match Attempt::first(&attempts, head_start.min(by)) {
            Ok(first) => match attempts.remove(first).finish() {
                Ok(socket) => return Ok(socket),
                Err(error) => failed = Some(to_tell(failed, error)),
            },
            // The attempt goes on beside the next one.
            Err(error) if error.kind() == ErrorKind::TimedOut => {}
            Err(error) => return Err(error),
        }
    }
    let none = || io::Error::new(ErrorKind::NotFound, "its name has no address");
    Err(failed.unwrap_or_else(none))
}

/// The error of an allowed address says more than the refusal of another one.
fn to_tell(before: Option<io::Error>, error: io::Error) -> io::Error {
    match before {
        Some(before) if error.kind() == ErrorKind::PermissionDenied => before,
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use std::net::{SocketAddr, TcpListener};

    use rustix::net::{AddressFamily, SocketType, bind, listen, socket};

    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    fn listener() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        (listener, address)
    }

    /// A place that takes no connection and refuses none: its queue is full.
    fn swallows() -> (TcpListener, SocketAddr, Vec<Attempt>) {
        let socket = socket(AddressFamily::INET, SocketType::STREAM, None).expect("a socket");
        let anywhere: SocketAddr = "127.0.0.1:0".parse().expect("an address");
        bind(&socket, &anywhere).expect("a free port");
        listen(&socket, 1).expect("it listens");
        let listener = TcpListener::from(socket);
        let address = listener.local_addr().expect("it is bound");
        let begin = |_| Attempt::begin(address).expect("it is begun");
        let mut waiting: Vec<_> = (0..8).map(begin).collect();
        // Those that fit into the queue.
        let mut queued = Vec::new();
        while let Ok(first) = Attempt::first(&waiting, Instant::now() + HEAD_START) {
            queued.push(waiting.remove(first));
        }
        assert!(!waiting.is_empty(), "the queue is not full");
        waiting.extend(queued);
        (listener, address, waiting)
    }

    /// Connects to an address, and says to which of them.
    fn peer(addresses: Vec<SocketAddr>) -> io::Result<SocketAddr> {
        first_of(addresses, soon())?.peer()
    }

    #[test]
    fn an_address_that_swallows_everything_leaves_time_for_the_next() {
        let (_here, good) = listener();
        let (_listener, bad, _waiting) = swallows();
        assert_eq!(peer(vec![bad, bad, good]).expect("the third answers"), good);
    }

    #[test]
    fn addresses_that_all_swallow_everything_take_no_longer_than_the_deadline() {
        let (_listener, bad, _waiting) = swallows();
        let late =
            first_of(vec![bad, bad], Instant::now() + HEAD_START).expect_err("nobody answers");
        assert_eq!(late.kind(), ErrorKind::TimedOut);
    }

    #[test]
    fn an_address_that_refuses_is_followed_by_the_next_and_the_last_is_told() {
        let (closed, refuses) = listener();
        drop(closed);
        let (_here, good) = listener();
        assert_eq!(peer(vec![refuses, good]).expect("the second answers"), good);
        let refused = peer(vec![refuses, refuses]).expect_err("nobody listens");
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        assert_eq!(peer(Vec::new()).expect_err("nobody is there").kind(), ErrorKind::NotFound);
    }
}
