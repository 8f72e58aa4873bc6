//! How long gets wait that come at a fixed rate, whether the one before was answered or not.
//!
//! One thread sends and receives on all connections without ever sleeping, so it has a core for
//! itself. A get that finds all connections busy waits for one, and its time counts from when it was
//! due.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};

use super::KEYS;
use super::protocol::Protocol;

/// Room for an answer.
const MOST_BYTES: usize = 256;

/// A connection without a get, or with one.
struct Connection {
    stream: TcpStream,
    /// When its get was due.
    due: Instant,
    received: usize,
}

/// The time from each of `gets` was due until its answer was whole, shortest first. They are due
/// `apart` from each other; with no time between, as soon as a connection is free. The keys are the
/// first [`KEYS`].
pub(super) fn waits(
    streams: Vec<TcpStream>,
    protocol: Protocol,
    gets: usize,
    apart: Duration,
) -> Result<Vec<Duration>> {
    let began = Instant::now();
    let mut free = VecDeque::new();
    for stream in streams {
        stream.set_nonblocking(true)?;
        free.push_back(Connection { stream, due: began, received: 0 });
    }
    let (mut busy, mut sent) = (Vec::with_capacity(free.len()), 0);
    let mut waits = Vec::with_capacity(gets);
    while waits.len() < gets {
        let now = Instant::now();
        let due = match apart {
            Duration::ZERO => now,
            apart => began + apart * sent as u32,
        };
        if sent < gets
            && due <= now
            && let Some(mut connection) = free.pop_front()
        {
            // Keys in an order that no cache of the processor foresees.
            let key = sent.wrapping_mul(7_919) % KEYS;
            connection.stream.write_all(protocol.get(key).as_bytes())?;
            (connection.due, connection.received) = (due, 0);
            busy.push(connection);
            sent += 1;
        }
        let mut at = 0;
        while let Some(connection) = busy.get_mut(at) {
            if connection.is_answered(protocol.answer_bytes())? {
                waits.push(connection.due.elapsed());
                free.push_back(busy.swap_remove(at));
            } else {
                at += 1;
            }
        }
    }
    waits.sort_unstable();
    Ok(waits)
}

impl Connection {
    /// Receives what has come of an answer of so many bytes.
    fn is_answered(&mut self, bytes: usize) -> Result<bool> {
        let mut buffer = [0; MOST_BYTES];
        match self.stream.read(&mut buffer) {
            Ok(0) => bail!("the server has closed the connection"),
            Ok(length) => {
                // `$100` or `VALUE`.
                ensure!(self.received > 0 || matches!(buffer[0], b'$' | b'V'), "a get failed");
                self.received += length;
                Ok(self.received == bytes)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}
