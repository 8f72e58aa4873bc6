//! Sockets of WASI 0.2, with as few calls as can be: each costs more than the bytes it moves.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6};
use std::time::Instant;

use wasip2::io::poll::Pollable;
use wasip2::io::streams::{InputStream, OutputStream, StreamError};
use wasip2::sockets::instance_network::instance_network;
use wasip2::sockets::network::{
    ErrorCode, IpAddressFamily, IpSocketAddress, Ipv4SocketAddress, Ipv6SocketAddress,
};
use wasip2::sockets::tcp::TcpSocket;
use wasip2::sockets::tcp_create_socket::create_tcp_socket;

use super::timer::Timer;
use crate::call::ends_by;

/// What a new connection receives at once.
const FIRST_BYTES: usize = 2 << 10;

/// A connection that is being made. Dropping it gives up.
#[derive(Debug)]
pub(in crate::net) struct Attempt {
    /// Dropped before the socket that it is of, as WASI demands.
    ended: Pollable,
    socket: TcpSocket,
}

impl Attempt {
    pub(in crate::net) fn begin(address: SocketAddr) -> io::Result<Self> {
        let (family, address) = match address {
            SocketAddr::V4(address) => (IpAddressFamily::Ipv4, v4(address)),
            SocketAddr::V6(address) => (IpAddressFamily::Ipv6, v6(address)),
        };
        let socket = create_tcp_socket(family).map_err(in_words)?;
        socket.start_connect(&instance_network(), address).map_err(in_words)?;
        Ok(Self { ended: socket.subscribe(), socket })
    }

    /// Waits until one of `attempts` has ended, and gives its index.
    pub(in crate::net) fn first(attempts: &[Self], by: Instant) -> io::Result<usize> {
        let ends: Vec<&Pollable> = attempts.iter().map(|attempt| &attempt.ended).collect();
        Timer::default().first(&ends, by)
    }

    /// The connection of an attempt that has ended, or why there is none.
    pub(in crate::net) fn finish(self) -> io::Result<Socket> {
        let (input, output) = self.socket.finish_connect().map_err(in_words)?;
        Ok(Socket {
            timer: Timer::default(),
            readable: input.subscribe(),
            writable: None,
            most_at_once: FIRST_BYTES,
            input,
            output,
            _socket: self.socket,
        })
    }
}

/// A connection.
#[derive(Debug)]
pub(in crate::net) struct Socket {
    timer: Timer,
    /// Dropped before the streams that they are of, and these before the socket.
    readable: Pollable,
    /// Most connections never wait for it.
    writable: Option<Pollable>,
    /// What is received at once. More, once there was so much: a node clears as much memory as it
    /// is asked for bytes.
    most_at_once: usize,
    input: InputStream,
    output: OutputStream,
    _socket: TcpSocket,
}

impl Socket {
    /// Sends what can be sent at once. Streams of sockets have nothing to flush: a node sends on
    /// by itself what the system has not taken at once.
    pub(in crate::net) fn try_send(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let permitted = self.output.check_write().map_err(cut)?;
        let length = usize::try_from(permitted).unwrap_or(usize::MAX).min(bytes.len());
        if length == 0 {
            return Err(ErrorKind::WouldBlock.into());
        }
        self.output.write(&bytes[..length]).map_err(cut)?;
        Ok(length)
    }

    /// Receives what is there, or 0 bytes at the end.
    pub(in crate::net) fn try_receive(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.take(buffer, InputStream::read)
    }

    /// Receives what comes, or 0 bytes at the end.
    pub(in crate::net) fn receive(&mut self, buffer: &mut [u8], by: Instant) -> io::Result<usize> {
        loop {
            let received = if ends_by(by) {
                self.take(buffer, InputStream::blocking_read)
            } else {
                self.timer.first(&[&self.readable], by)?;
                self.try_receive(buffer)
            };
            match received {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                received => return received,
            }
        }
    }

    fn take(
        &mut self,
        buffer: &mut [u8],
        read: impl FnOnce(&InputStream, u64) -> Result<Vec<u8>, StreamError>,
    ) -> io::Result<usize> {
        let most = buffer.len().min(self.most_at_once);
        let received = match read(&self.input, most as u64) {
            Ok(received) if received.is_empty() => return Err(ErrorKind::WouldBlock.into()),
            Ok(received) => received,
            Err(StreamError::Closed) => return Ok(0),
            Err(error) => return Err(cut(error)),
        };
        let length = received.len().min(most);
        buffer[..length].copy_from_slice(&received[..length]);
        if length == self.most_at_once {
            self.most_at_once = self.most_at_once.saturating_mul(4);
        }
        Ok(length)
    }

    /// Waits until it can send.
    pub(in crate::net) fn writable(&mut self, by: Instant) -> io::Result<()> {
        let writable = self.writable.get_or_insert_with(|| self.output.subscribe());
        self.timer.first(&[writable], by).map(drop)
    }
}

fn v4(address: SocketAddrV4) -> IpSocketAddress {
    let [a, b, c, d] = address.ip().octets();
    IpSocketAddress::Ipv4(Ipv4SocketAddress { port: address.port(), address: (a, b, c, d) })
}

fn v6(address: SocketAddrV6) -> IpSocketAddress {
    let [a, b, c, d, e, f, g, h] = address.ip().segments();
    IpSocketAddress::Ipv6(Ipv6SocketAddress {
        port: address.port(),
        flow_info: address.flowinfo(),
        address: (a, b, c, d, e, f, g, h),
        scope_id: address.scope_id(),
    })
}

/// Why there is no connection.
fn in_words(error: ErrorCode) -> io::Error {
    let kind = match error {
        ErrorCode::AccessDenied => ErrorKind::PermissionDenied,
        ErrorCode::ConnectionRefused => ErrorKind::ConnectionRefused,
        ErrorCode::ConnectionReset => ErrorKind::ConnectionReset,
        ErrorCode::ConnectionAborted => ErrorKind::ConnectionAborted,
        ErrorCode::RemoteUnreachable => ErrorKind::HostUnreachable,
        ErrorCode::Timeout => ErrorKind::TimedOut,
        ErrorCode::OutOfMemory => ErrorKind::OutOfMemory,
        other => return io::Error::other(other.name().replace('-', " ")),
    };
    kind.into()
}

/// Stable WASI has no error code for why a connection ended.
fn cut(_: StreamError) -> io::Error {
    ErrorKind::BrokenPipe.into()
}
