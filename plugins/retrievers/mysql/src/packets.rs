//! Packets from and to the server, over a link.

use std::io::{self, BufReader, ErrorKind, Read, Write};
use std::time::Instant;

use psycache_plugin::FetchError;
use psycache_plugin::net::{Failure, Link, Quiet};

/// The largest payload that is taken, which is a row; the memory that a node gives a retriever is
/// just enough for it. More is refused before it is read, or the instance would die of it.
const LARGEST_PAYLOAD_BYTES: usize = 64 << 20;

/// What one packet holds. A payload goes on in the next one after a packet of this length.
const FULL_PACKET_BYTES: usize = 0xFF_FFFF;

/// What is read of the network at once.
const CHUNK_BYTES: usize = 16 << 10;

/// The packets of one connection.
pub(crate) struct Packets {
    link: BufReader<Link>,
    /// The number of the next packet of an exchange, whoever sends it.
    sequence: u8,
}

impl Packets {
    /// Of a link on which nothing was said.
    pub(crate) fn on(link: Link) -> Self {
        Self { link: BufReader::with_capacity(CHUNK_BYTES, link), sequence: 0 }
    }

    pub(crate) fn until(&mut self, deadline: Instant) {
        self.link.get_mut().until(deadline);
    }

    pub(crate) fn is_secure(&self) -> bool {
        self.link.get_ref().is_secure()
    }

    /// Speaks TLS from here on.
    pub(crate) fn secure(&mut self, host: &str, ca: Option<&str>) -> Result<(), FetchError> {
        if !self.link.buffer().is_empty() {
            // It would be taken for what the server says after it has proved who it is.
            return Err(strange().into());
        }
        self.link.get_mut().secure(host, ca)
    }

    /// Begins an exchange.
    pub(crate) fn command(&mut self, command: u8, argument: &[u8]) -> Result<(), Failure> {
        self.sequence = 0;
        self.send(&[&[command], argument].concat())
    }

    /// Sends the next payload of the exchange.
    pub(crate) fn send(&mut self, payload: &[u8]) -> Result<(), Failure> {
        let mut bytes = Vec::with_capacity(payload.len() + 4);
        let mut rest = payload;
        loop {
            let (part, more) = rest.split_at(rest.len().min(FULL_PACKET_BYTES));
            bytes.extend_from_slice(&(part.len() as u32).to_le_bytes()[..3]);
            bytes.push(self.sequence);
            bytes.extend_from_slice(part);
            self.sequence = self.sequence.wrapping_add(1);
            rest = more;
            if part.len() < FULL_PACKET_BYTES {
                return Ok(self.link.get_mut().write_all(&bytes)?);
            }
        }
    }

    /// The next payload that the server sends.
    pub(crate) fn next(&mut self) -> Result<Vec<u8>, Failure> {
        let mut payload = Vec::new();
        loop {
            let mut header = [0; 4];
            self.link.read_exact(&mut header).map_err(ended)?;
            let [a, b, c, sequence] = header;
            if sequence != self.sequence {
                return Err(strange());
            }
            self.sequence = self.sequence.wrapping_add(1);
            let (before, length) = (payload.len(), u32::from_le_bytes([a, b, c, 0]) as usize);
            if before + length > LARGEST_PAYLOAD_BYTES {
                return Err(too_large());
            }
            // Never more than it has: what grows by doubling would not fit.
            payload.reserve_exact(length);
            payload.resize(before + length, 0);
            self.link.read_exact(&mut payload[before..]).map_err(ended)?;
            if length < FULL_PACKET_BYTES {
                return Ok(payload);
            }
        }
    }
}

impl Quiet for Packets {
    fn is_quiet(&mut self) -> bool {
        self.link.is_quiet()
    }
}

/// What a server says that does not speak the protocol, or is out of step.
pub(crate) fn strange() -> Failure {
    Failure::Broken("it does not speak the protocol of MySQL".to_owned())
}

fn ended(error: io::Error) -> Failure {
    match error.kind() {
        ErrorKind::UnexpectedEof => Failure::Broken("it has closed the connection".to_owned()),
        _ => error.into(),
    }
}

/// The connection must not be used any more: the rest of the payload is under way.
fn too_large() -> Failure {
    let limit = LARGEST_PAYLOAD_BYTES >> 20;
    Failure::Answered(FetchError::BadValue(format!(
        "its row is larger than the {limit} MiB that this retriever takes; select less of it"
    )))
}
