//! A connection whose every step ends by a deadline.

use std::io::{self, ErrorKind, Read, Write};
use std::time::Instant;

use super::connect::connect;
use super::deadline::left_until;
use super::socket::Socket;
use super::tls::Session;
use super::{Place, Quiet};
use crate::{FetchError, io_words};

/// What is read of the network at once.
const CHUNK_BYTES: usize = 16 << 10;

/// A TCP connection, with TLS or without. An operation that waits past the deadline fails with
/// [`ErrorKind::TimedOut`], and so does one that sends after it when something was received before.
/// The connection must not be used after that. Where the deadline is that of the node's call, the
/// node may end the call instead, and this instance with it.
///
/// In a node, dropping it waits while bytes are on their way to an end that reads nothing. The
/// node's own limit ends that, and this instance with it.
pub struct Link {
    socket: Socket,
    secure: Option<Secure>,
    deadline: Instant,
    /// Whether it has received since the deadline was given. Nothing is sent after it then without
    /// a look at the clock, so no request begins too late.
    has_received: bool,
}

/// TLS, and what it gave and nobody has read yet.
struct Secure {
    session: Session,
    clear: Vec<u8>,
    read: usize,
    closed: bool,
}

impl Link {
    /// Connects to `place`, by `connected_by` at the latest. Everything after that ends by
    /// `deadline`.
    ///
    /// # Errors
    /// The place can't be reached in time, or the node does not allow it; the flag that would
    /// is named. See [`Place::told`].
    pub fn open(
        place: &Place,
        connected_by: Instant,
        deadline: Instant,
    ) -> Result<Self, FetchError> {
        let socket = connect(place, connected_by.min(deadline))?;
        Ok(Self { socket, secure: None, deadline, has_received: false })
    }

    /// Gives it another deadline.
    pub fn until(&mut self, deadline: Instant) {
        self.deadline = deadline;
        self.has_received = false;
    }

    /// Speaks TLS from here on. The certificate of the other end must be of `host` and signed
    /// by one of `authorities`, in PEM, or by one that the node's system trusts.
    ///
    /// # Errors
    /// The handshake fails; the reason is in words.
    pub fn secure(&mut self, host: &str, authorities: Option<&str>) -> Result<(), FetchError> {
        let rejected = |why: String| FetchError::Rejected(format!("TLS: {why}"));
        let mut session = Session::begin(host, authorities).map_err(rejected)?;
        let mut turned = session.turn(&[], &[]).map_err(rejected)?;
        let mut chunk = vec![0; CHUNK_BYTES];
        let broken = |error: io::Error| match error.kind() {
            ErrorKind::TimedOut => FetchError::Unavailable("no TLS handshake in time".into()),
            _ => FetchError::Unavailable(format!("in the TLS handshake: {}", io_words(&error))),
        };
        loop {
            self.send(&turned.to_network).map_err(broken)?;
            if turned.established {
                break;
            }
            match self.receive(&mut chunk).map_err(broken)? {
                0 => return Err(broken(io::Error::other("it has closed the connection"))),
                length => turned = session.turn(&chunk[..length], &[]).map_err(rejected)?,
            }
        }
        let (clear, closed) = (turned.clear, turned.closed);
        self.secure = Some(Secure { session, clear, read: 0, closed });
        Ok(())
    }

    /// Whether it speaks TLS.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.secure.is_some()
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.has_received = true;
        self.socket.receive(buffer, self.deadline)
    }

    fn send(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        if std::mem::take(&mut self.has_received) {
            left_until(self.deadline)?;
        }
        while !bytes.is_empty() {
            match self.socket.try_send(bytes) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.socket.writable(self.deadline)?;
                }
                sent => bytes = &bytes[sent?..],
            }
        }
        Ok(())
    }
}

impl Read for Link {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        if self.secure.is_none() {
            return self.receive(buffer);
        }
        let mut chunk = Vec::new();
        loop {
            if let Some(secure) = &mut self.secure {
                let rest = &secure.clear[secure.read..];
                if !rest.is_empty() || secure.closed {
                    let length = rest.len().min(buffer.len());
                    buffer[..length].copy_from_slice(&rest[..length]);
                    secure.read += length;
                    return Ok(length);
                }
            }
            chunk.resize(CHUNK_BYTES, 0);
            let length = self.receive(&mut chunk)?;
            if length == 0 {
                let problem = "the connection was cut without the end of TLS";
                return Err(io::Error::new(ErrorKind::UnexpectedEof, problem));
            }
            self.turn(&chunk[..length], &[])?;
        }
    }
}

impl Link {
    /// Gives TLS what was received and what is to be sent, and sends what comes of it.
    fn turn(&mut self, received: &[u8], to_say: &[u8]) -> io::Result<()> {
        let Some(secure) = &mut self.secure else { return self.send(to_say) };
        let turned = secure.session.turn(received, to_say).map_err(io::Error::other)?;
        secure.clear.drain(..secure.read);
        secure.read = 0;
        secure.clear.extend(turned.clear);
        secure.closed |= turned.closed;
        self.send(&turned.to_network)
    }
}

impl Write for Link {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.turn(&[], bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The most parts of TLS without data that are read before a connection is given up.
const MOST_TURNS: usize = 4;

impl Quiet for Link {
    fn is_quiet(&mut self) -> bool {
        let mut chunk = [0; 1 << 10];
        for _ in 0..MOST_TURNS {
            if self.secure.as_ref().is_some_and(Secure::has_more) {
                return false;
            }
            match self.socket.try_receive(&mut chunk) {
                Err(error) => return error.kind() == ErrorKind::WouldBlock,
                Ok(0) => return false,
                // A ticket for the next session, say.
                Ok(length) if self.secure.is_some() => {
                    if self.turn(&chunk[..length], &[]).is_err() {
                        return false;
                    }
                }
                Ok(_) => return false,
            }
        }
        false
    }
}

impl Secure {
    /// Whether something is to be read: bytes, or the end.
    fn has_more(&self) -> bool {
        self.closed || self.read < self.clear.len()
    }
}

impl std::fmt::Debug for Link {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Link").field("socket", &self.socket).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::time::Duration;

    use super::*;

    fn here(listener: &TcpListener) -> Place {
        let address = listener.local_addr().expect("it is bound");
        Place { host: address.ip().to_string(), port: address.port() }
    }

    #[test]
    fn a_silent_source_costs_no_more_than_the_deadline() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let deadline = Instant::now() + Duration::from_millis(20);
        let mut link = Link::open(&here(&listener), deadline, deadline).expect("it listens");
        let error = link.read(&mut [0; 8]).expect_err("it says nothing");
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert!(Instant::now() >= deadline);
        let error = link.write_all(b"?").expect_err("it is begun too late");
        assert_eq!(error.kind(), ErrorKind::TimedOut);
    }

    #[test]
    fn a_source_that_reads_nothing_costs_no_more_than_the_deadline() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let deadline = Instant::now() + Duration::from_millis(20);
        let mut link = Link::open(&here(&listener), deadline, deadline).expect("it listens");
        let _other = listener.accept().expect("it connects");
        let error = link.write_all(&vec![0; 64 << 20]).expect_err("it does not fit on the way");
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert!(Instant::now() >= deadline);
    }

    #[test]
    fn more_than_fits_on_the_way_arrives_whole() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let deadline = Instant::now() + Duration::from_secs(60);
        let mut link = Link::open(&here(&listener), deadline, deadline).expect("it listens");
        let mut other = listener.accept().expect("it connects").0;
        let sent: Vec<u8> = (0..16 << 20).map(|at: u32| (at / 3) as u8).collect();
        let mut received = vec![0; sent.len()];
        std::thread::scope(|scope| {
            // It reads all before it says a word.
            scope.spawn(|| {
                other.read_exact(&mut received).expect("it is sent");
                other.write_all(&received).expect("it is connected");
                drop(other);
            });
            link.write_all(&sent).expect("it is read");
            let mut back = Vec::new();
            link.read_to_end(&mut back).expect("it is sent");
            assert!(back == sent);
        });
    }

    #[test]
    fn what_nobody_asked_for_and_an_end_are_noticed_without_waiting() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let deadline = Instant::now() + Duration::from_secs(60);
        let open = || {
            let link = Link::open(&here(&listener), deadline, deadline).expect("it listens");
            (link, listener.accept().expect("it connects").0)
        };
        let (mut link, mut other) = open();
        assert!(link.is_quiet());
        other.write_all(b"630").expect("it is connected");
        link.read_exact(&mut [0; 3]).expect("it is sent");
        assert!(link.is_quiet(), "what was read is nobody's any more");
        other.write_all(b"more").expect("it is connected");
        while link.is_quiet() {}
        let (mut link, other) = open();
        drop(other);
        while link.is_quiet() {}
    }

    #[test]
    fn a_closed_port_is_told() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let place = here(&listener);
        drop(listener);
        let deadline = Instant::now() + Duration::from_secs(60);
        let error = Link::open(&place, deadline, deadline).expect_err("nobody listens").to_string();
        assert!(error.contains("refused") && !error.contains("os error"), "{error}");
    }
}
