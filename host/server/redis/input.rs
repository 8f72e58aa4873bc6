//! The bytes that a connection has received and not yet executed.

use super::gets::{Get, Gets};
use super::request::{Arguments, Decoder, Malformed};

/// The buffer of an idle connection. A pipeline of 64 gets has room in it.
const IDLE_BYTES: usize = 4 << 10;

/// The least room for the next read of a busy connection.
const READ_BYTES: usize = 16 << 10;

pub(super) struct Input {
    decoder: Decoder,
    bytes: Vec<u8>,
    /// Bytes that are executed.
    at: usize,
    /// Length of the request at `at`, if it is decoded.
    whole: Option<usize>,
}

impl Input {
    /// An empty one, for requests of at most `most_bytes`.
    pub(super) fn new(most_bytes: usize) -> Self {
        Self { decoder: Decoder::new(most_bytes), bytes: Vec::new(), at: 0, whole: None }
    }

    /// The next request, if it is whole, and its length. It stays the next until it is taken. Only
    /// a client that `is_known` may send a long one.
    pub(super) fn next(
        &mut self,
        is_known: bool,
    ) -> Result<Option<(Arguments<'_>, usize)>, Malformed> {
        let rest = &self.bytes[self.at..];
        if self.whole.is_none() {
            self.whole = self.decoder.decode(rest, is_known)?;
        }
        Ok(self.whole.map(|length| (self.decoder.arguments(rest), length)))
    }

    /// Takes the request that [`next`](Self::next) returned.
    pub(super) fn take(&mut self) {
        self.at += self.whole.take().unwrap_or(0);
    }

    /// The gets that come next. None while a request is decoded in part.
    pub(super) fn gets(&self) -> impl Iterator<Item = Get<'_>> {
        let is_between = self.whole.is_none() && self.decoder.is_between();
        Gets::of(if is_between { &self.bytes[self.at..] } else { &[] })
    }

    /// Takes the first `bytes` of the [`gets`](Self::gets).
    pub(super) fn take_gets(&mut self, bytes: usize) {
        self.at += bytes;
    }

    /// Whether a request waits to be taken.
    pub(super) fn has_next(&self) -> bool {
        self.whole.is_some()
    }

    /// Drops what is not executed.
    pub(super) fn clear(&mut self) {
        (self.at, self.whole) = (self.bytes.len(), None);
    }

    /// The buffer, with room for more at its end.
    pub(super) fn buffer(&mut self) -> &mut Vec<u8> {
        self.bytes.drain(..self.at);
        self.at = 0;
        match self.bytes.capacity() {
            0 => self.bytes.reserve_exact(IDLE_BYTES),
            capacity if capacity == self.bytes.len() => self.bytes.reserve(READ_BYTES),
            _ => {}
        }
        &mut self.bytes
    }

    /// Bytes that its buffer takes.
    pub(super) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// Gives back what long requests took, if nothing is kept.
    pub(super) fn shrink(&mut self) {
        if self.bytes.is_empty() && self.bytes.capacity() > IDLE_BYTES {
            self.bytes = Vec::new();
            self.bytes.reserve_exact(IDLE_BYTES);
            self.decoder.shrink();
        }
    }
}
