//! Sockets of a Unix, for tests and for retrievers that are compiled into a program.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, FdFlags, fcntl_setfd};
use rustix::net::{AddressFamily, SocketType, connect, socket};

use crate::net::deadline::left_until;

/// A connection that is being made. Dropping it gives up.
#[derive(Debug)]
pub(in crate::net) struct Attempt(TcpStream);

impl Attempt {
    pub(in crate::net) fn begin(address: SocketAddr) -> io::Result<Self> {
        let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        // Apple's systems can't do both at once.
        let socket = socket(family, SocketType::STREAM, None)?;
        fcntl_setfd(&socket, FdFlags::CLOEXEC)?;
        let socket = TcpStream::from(socket);
        socket.set_nonblocking(true)?;
        match connect(&socket, &address) {
            Ok(()) | Err(Errno::INPROGRESS) => Ok(Self(socket)),
            Err(error) => Err(error.into()),
        }
    }

    /// Waits until one of `attempts` has ended, and gives its index.
    pub(in crate::net) fn first(attempts: &[Self], by: Instant) -> io::Result<usize> {
        let ends = attempts.iter().map(|Self(socket)| PollFd::new(socket, PollFlags::OUT));
        first(&mut ends.collect::<Vec<_>>(), by)
    }

    /// The connection of an attempt that has ended, or why there is none.
    pub(in crate::net) fn finish(self) -> io::Result<Socket> {
        match self.0.take_error()? {
            Some(error) => Err(error),
            None => Ok(Socket(self.0)),
        }
    }
}

/// A connection.
#[derive(Debug)]
pub(in crate::net) struct Socket(TcpStream);

impl Socket {
    #[cfg(test)]
    pub(in crate::net) fn peer(&self) -> io::Result<SocketAddr> {
        self.0.peer_addr()
    }

    /// Sends what can be sent at once.
    pub(in crate::net) fn try_send(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    /// Receives what is there, or 0 bytes at the end.
    pub(in crate::net) fn try_receive(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }

    /// Waits until it can send.
    pub(in crate::net) fn writable(&mut self, by: Instant) -> io::Result<()> {
        first(&mut [PollFd::new(&self.0, PollFlags::OUT)], by).map(drop)
    }

    /// Receives what comes, or 0 bytes at the end.
    pub(in crate::net) fn receive(&mut self, buffer: &mut [u8], by: Instant) -> io::Result<usize> {
        loop {
            first(&mut [PollFd::new(&self.0, PollFlags::IN)], by)?;
            match self.try_receive(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                received => return received,
            }
        }
    }
}

/// Waits until one of them is ready, or has failed, which its next use tells.
fn first(of: &mut [PollFd<'_>], by: Instant) -> io::Result<usize> {
    loop {
        // None: too far away for `poll`, which then has no limit.
        let left = Timespec::try_from(left_until(by)?).ok();
        match poll(of, left.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        if let Some(ready) = of.iter().position(|one| !one.revents().is_empty()) {
            return Ok(ready);
        }
    }
}
