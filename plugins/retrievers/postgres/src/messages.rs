//! Messages from and to the server, over a link.

use std::io::{Read, Write};
use std::time::Instant;

use bytes::BytesMut;
use postgres_protocol::message::backend::{DATA_ROW_TAG, Header, Message};
use psycache_plugin::FetchError;
use psycache_plugin::net::{Failure, Link, Quiet};

/// The largest message that is taken, which is a row; the memory that a node gives a retriever
/// is just enough for it.
const LARGEST_MESSAGE_BYTES: usize = 64 << 20;

/// What is read of the network at once.
const CHUNK_BYTES: usize = 16 << 10;

/// The messages of one connection.
pub(crate) struct Messages {
    link: Link,
    received: BytesMut,
    chunk: Vec<u8>,
}

impl Messages {
    /// Of a link on which nothing is under way.
    pub(crate) fn on(link: Link) -> Self {
        Self { link, received: BytesMut::new(), chunk: vec![0; CHUNK_BYTES] }
    }

    pub(crate) fn until(&mut self, deadline: Instant) {
        self.link.until(deadline);
    }

    pub(crate) fn is_secure(&self) -> bool {
        self.link.is_secure()
    }

    pub(crate) fn send(&mut self, messages: &[u8]) -> Result<(), Failure> {
        Ok(self.link.write_all(messages)?)
    }

    /// The next message that is about what was asked. What a server says by the way is
    /// passed over.
    pub(crate) fn next(&mut self) -> Result<Message, Failure> {
        loop {
            match self.next_of_any()? {
                Message::NoticeResponse(_)
                | Message::NotificationResponse(_)
                | Message::ParameterStatus(_) => {}
                message => return Ok(message),
            }
        }
    }

    fn next_of_any(&mut self) -> Result<Message, Failure> {
        loop {
            if let Some(header) = Header::parse(&self.received)? {
                let length = usize::try_from(header.len()).unwrap_or(usize::MAX);
                if length > LARGEST_MESSAGE_BYTES {
                    return Err(too_large(header.tag()));
                }
                // Never more than it has: what grows by doubling would not fit.
                let missing = (length + 1).saturating_sub(self.received.len());
                self.received.reserve(missing);
            }
            if let Some(message) = Message::parse(&mut self.received)? {
                return Ok(message);
            }
            match self.link.read(&mut self.chunk)? {
                0 => return Err(Failure::Broken("it has closed the connection".to_owned())),
                length => self.received.extend_from_slice(&self.chunk[..length]),
            }
        }
    }
}

impl Quiet for Messages {
    fn is_quiet(&mut self) -> bool {
        self.received.is_empty() && self.link.is_quiet()
    }
}

/// The connection must not be used any more: the rest of the message is under way.
fn too_large(tag: u8) -> Failure {
    if tag != DATA_ROW_TAG {
        return Failure::Broken("it does not speak the protocol of PostgreSQL".to_owned());
    }
    let limit = LARGEST_MESSAGE_BYTES >> 20;
    Failure::Answered(FetchError::BadValue(format!(
        "its row is larger than the {limit} MiB that this retriever takes; select less of it"
    )))
}
