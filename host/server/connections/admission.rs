//! Lets connections in, as many as there may be, and counts those that are refused or ended.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use super::account::{Account, Accounts};
use super::limits::ConnectionLimits;
use super::listener::{ListenerKind, Reason};
use crate::sync::Mutex;
use crate::telemetry::{ConnectionsReading, LogLimiter};

/// At most one line about connections that are refused or ended in this time.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// The connections of a node, of all its listeners.
#[derive(Debug)]
pub struct Connections {
    limits: Arc<ConnectionLimits>,
    accounts: Arc<Accounts>,
    /// Locked when a connection begins or ends.
    open: Mutex<Open>,
    /// By listener and reason. The counters guard no data, so they are relaxed.
    refused: [[AtomicU64; Reason::ALL.len()]; ListenerKind::ALL.len()],
    lines: LogLimiter,
}

#[derive(Debug, Default)]
struct Open {
    of_listener: [u32; ListenerKind::ALL.len()],
    of_address: HashMap<(usize, IpAddr), u32>,
    /// How many have begun.
    begun: u64,
}

/// Why a connection was not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server) struct Refused(Reason);

/// A connection that was let in. It is open until this is dropped.
#[derive(Debug)]
pub(in crate::server) struct Admitted {
    pub(in crate::server) account: Arc<Account>,
    pub(in crate::server) address: SocketAddr,
    listener: ListenerKind,
    connections: Arc<Connections>,
}

impl Default for Connections {
    fn default() -> Self {
        Self::new(ConnectionLimits::default())
    }
}

impl Connections {
    /// No connections yet.
    #[must_use]
    pub fn new(limits: ConnectionLimits) -> Self {
        Self {
            limits: Arc::new(limits),
            accounts: Arc::default(),
            open: Mutex::default(),
            refused: Default::default(),
            lines: LogLimiter::every(LINE_EVERY),
        }
    }

    pub(in crate::server) fn limits(&self) -> &ConnectionLimits {
        &self.limits
    }

    /// Lets a connection in.
    ///
    /// # Errors
    /// The listener has too many, or the address.
    pub(in crate::server) fn admit(
        self: &Arc<Self>,
        listener: ListenerKind,
        address: SocketAddr,
    ) -> Result<Admitted, Refused> {
        match self.take_place(listener, client(address)) {
            Ok(number) => Ok(Admitted {
                account: self.accounts.open(number, &self.limits),
                address,
                listener,
                connections: Arc::clone(self),
            }),
            Err(reason) => {
                self.note(listener, address, reason);
                Err(Refused(reason))
            }
        }
    }

    fn take_place(&self, listener: ListenerKind, client: IpAddr) -> Result<u64, Reason> {
        let mut open = self.open.lock();
        if open.of_listener[listener as usize] >= self.limits.max_connections {
            return Err(Reason::Connections);
        }
        let of_address = open.of_address.entry((listener as usize, client)).or_default();
        if *of_address >= self.limits.max_per_address {
            return Err(Reason::Address);
        }
        *of_address += 1;
        open.of_listener[listener as usize] += 1;
        open.begun += 1;
        Ok(open.begun)
    }

    fn give_place_back(&self, listener: ListenerKind, client: IpAddr) {
        let mut open = self.open.lock();
        open.of_listener[listener as usize] -= 1;
        let key = (listener as usize, client);
        if let Some(of_address) = open.of_address.get_mut(&key) {
            *of_address -= 1;
            if *of_address == 0 {
                open.of_address.remove(&key);
            }
        }
    }

    /// Counts a connection that was refused or ended, and says it in the log.
    fn note(&self, listener: ListenerKind, client: SocketAddr, reason: Reason) {
        self.refused[listener as usize][reason as usize].fetch_add(1, Relaxed);
        if let Some(suppressed) = self.lines.admit() {
            let (listener, problem) = (listener.label(), reason.sentence());
            tracing::warn!(listener, %client, problem, suppressed, "A connection was refused or ended");
        }
    }

    /// What metrics show.
    #[must_use]
    pub fn reading(&self) -> ConnectionsReading {
        let of_listener = self.open.lock().of_listener;
        let open = |kind: ListenerKind| (kind.label(), u64::from(of_listener[kind as usize]));
        let refused = |kind: ListenerKind| {
            let counts = &self.refused[kind as usize];
            Reason::ALL
                .map(|reason| (kind.label(), reason.label(), counts[reason as usize].load(Relaxed)))
        };
        ConnectionsReading {
            open: ListenerKind::ALL.map(open).to_vec(),
            refused: ListenerKind::ALL.into_iter().flat_map(refused).collect(),
            held_bytes: self.accounts.held(),
        }
    }
}

impl Refused {
    /// What the client is told.
    pub(in crate::server) fn sentence(self) -> &'static str {
        self.0.sentence()
    }
}

impl Admitted {
    /// Resolves when the connection must end, also for want of a request, which is counted and
    /// logged.
    pub(in crate::server) async fn ended(&self) {
        let reason = tokio::select! {
            reason = self.account.ended() => reason,
            () = self.account.asks_nothing(Duration::ZERO) => Reason::FirstRequest,
        };
        self.note(reason);
    }

    /// Notes why it has ended, which is counted and logged.
    pub(super) fn note(&self, reason: Reason) {
        self.connections.note(self.listener, self.address, reason);
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.connections.accounts.close(&self.account);
        self.connections.give_place_back(self.listener, client(self.address));
    }
}

/// Whose connection it is: the address, or the part of an IPv6 address that one machine may
/// have for itself.
fn client(address: SocketAddr) -> IpAddr {
    match address.ip().to_canonical() {
        IpAddr::V6(address) => {
            let network = u128::from(address) >> 64 << 64;
            IpAddr::V6(Ipv6Addr::from(network))
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connections(max_connections: u32, max_per_address: u32) -> Arc<Connections> {
        let limits =
            ConnectionLimits { max_connections, max_per_address, ..ConnectionLimits::default() };
        Arc::new(Connections::new(limits))
    }

    #[test]
    fn a_place_is_free_again_when_its_connection_has_ended() {
        let connections = connections(3, 2);
        let admit = |kind, text: &str| connections.admit(kind, text.parse().unwrap());
        let first = admit(ListenerKind::Grpc, "10.0.0.1:1").unwrap();
        let _second = admit(ListenerKind::Grpc, "10.0.0.1:2").unwrap();
        let refused = |kind, text: &str| admit(kind, text).unwrap_err().0;
        assert_eq!(refused(ListenerKind::Grpc, "10.0.0.1:3"), Reason::Address);
        // The same address, as a socket for both families shows it.
        assert_eq!(refused(ListenerKind::Grpc, "[::ffff:10.0.0.1]:3"), Reason::Address);
        let _third = admit(ListenerKind::Grpc, "[2001:db8::1]:1").unwrap();
        assert_eq!(refused(ListenerKind::Grpc, "10.0.0.2:1"), Reason::Connections);
        // Another listener has places of its own.
        let _page = admit(ListenerKind::Http, "10.0.0.1:1").unwrap();
        drop(first);
        let _fourth = admit(ListenerKind::Grpc, "[2001:db8::1:2:3:4]:1").unwrap();
        let reading = connections.reading();
        assert_eq!(reading.open, [("grpc", 3), ("http", 1), ("redis", 0), ("peer", 0)]);
        let count = |reason| {
            let of = |(listener, why, _): &&(_, _, _)| *listener == "grpc" && *why == reason;
            reading.refused.iter().find(of).unwrap().2
        };
        assert_eq!((count("address"), count("connections"), count("bytes")), (2, 1, 0));
    }

    #[test]
    fn a_network_of_ipv6_is_one_client() {
        let connections = connections(9, 1);
        let admit = |text: &str| connections.admit(ListenerKind::Redis, text.parse().unwrap());
        let _one = admit("[2001:db8::1]:1").unwrap();
        assert!(admit("[2001:db8::ffff:2]:1").is_err());
        assert!(admit("[2001:db8:0:1::1]:1").is_ok());
    }
}
