//! The network access of a retriever: only the hosts that the operator allowed.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use parking_lot::Mutex;
use wasmtime_wasi::sockets::SocketAddrUse;

use crate::host_port::HostPort;
use crate::plugin::guest_log::GuestLog;

/// One place that a retriever may connect to: `HOST:PORT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowNet {
    /// A name in lower case, or an address.
    host: String,
    port: u16,
}

/// Not a place on the network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no HOST:PORT; write db.example:3306, 10.0.0.7:3306 or [::1]:3306")]
pub struct AllowNetError(String);

impl FromStr for AllowNet {
    type Err = AllowNetError;

    fn from_str(text: &str) -> Result<Self, AllowNetError> {
        let error = || AllowNetError(text.to_owned());
        let place = HostPort::parse(text).filter(|place| place.port != 0).ok_or_else(error)?;
        let host = match place.host.parse::<Ipv6Addr>() {
            Ok(address) => address.to_string(),
            Err(_) => name(place.host),
        };
        Ok(Self { host, port: place.port })
    }
}

impl std::fmt::Display for AllowNet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

/// A host's name as it is compared.
fn name(host: &str) -> String {
    host.strip_suffix('.').unwrap_or(host).to_lowercase()
}

/// The addresses that one instance may reach. A name is resolved only when the guest looks it
/// up. So a node can start while its name server is down, and each new connection follows a
/// source that moved.
#[derive(Debug)]
pub(super) struct Network {
    ports: HashMap<String, HashSet<u16>>,
    /// Grows by look-ups and is read by each connect of one guest: never contended.
    reachable: Mutex<HashSet<SocketAddr>>,
    log: GuestLog,
}

impl Network {
    pub(super) fn new(allowed: &[AllowNet], log: GuestLog) -> Self {
        let mut ports: HashMap<String, HashSet<u16>> = HashMap::new();
        let mut reachable = HashSet::new();
        for AllowNet { host, port } in allowed {
            match host.parse::<IpAddr>() {
                Ok(address) => {
                    reachable.insert(SocketAddr::new(address.to_canonical(), *port));
                }
                Err(_) => {
                    ports.entry(host.clone()).or_default().insert(*port);
                }
            }
        }
        Self { ports, reachable: Mutex::new(reachable), log }
    }

    /// Whether the guest may look `host` up.
    pub(super) fn may_resolve(&self, host: &str) -> bool {
        let allowed = match host.parse::<IpAddr>() {
            Ok(address) => self.reaches(address),
            Err(_) => self.ports.contains_key(&name(host)),
        };
        if !allowed {
            self.log.write_line(&format!(
                "was refused to look up {host:?}; allow it with --allow-net {host}:PORT"
            ));
        }
        allowed
    }

    fn reaches(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.reachable.lock().iter().any(|place| place.ip() == address)
    }

    /// Notes what the look-up of an allowed `host` gave.
    pub(super) fn resolved(&self, host: &str, address: IpAddr) {
        let ports = self.ports.get(&name(host)).into_iter().flatten();
        let places = ports.map(|port| SocketAddr::new(address.to_canonical(), *port));
        self.reachable.lock().extend(places);
    }

    /// Whether a socket may do that.
    pub(super) fn allows(&self, place: SocketAddr, what: SocketAddrUse) -> bool {
        let refused = match what {
            // What a connect does first by itself.
            SocketAddrUse::TcpBind if place.ip().is_unspecified() && place.port() == 0 => {
                return true;
            }
            SocketAddrUse::TcpConnect => {
                let canonical = SocketAddr::new(place.ip().to_canonical(), place.port());
                if self.reachable.lock().contains(&canonical) {
                    return true;
                }
                format!("connect to {place}; allow it with --allow-net {place}")
            }
            // Both are asked for by the same name. WASI makes no socket of UDP.
            _ => format!("bind or listen at {place}; a retriever may only connect"),
        };
        self.log.write_line(&format!("was refused to {refused}"));
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(allowed: &[&str]) -> Network {
        let allowed: Vec<AllowNet> = allowed.iter().map(|text| text.parse().unwrap()).collect();
        Network::new(&allowed, GuestLog::new("test"))
    }

    fn connects(network: &Network, place: &str) -> bool {
        network.allows(place.parse().unwrap(), SocketAddrUse::TcpConnect)
    }

    #[test]
    fn a_place_reads_as_it_was_written() {
        for text in ["db.example:3306", "10.0.0.7:1", "[::1]:3306"] {
            assert_eq!(text.parse::<AllowNet>().unwrap().to_string(), text);
        }
        for text in
            ["db", "db:", "db:0", ":3306", "::1:3306", "db:x", "a b:1", "http://db:80", "[db]:1"]
        {
            let error = text.parse::<AllowNet>().unwrap_err().to_string();
            assert!(error.contains("write db.example:3306"), "{error}");
        }
    }

    #[test]
    fn an_address_is_reached_at_its_port_only() {
        let network = network(&["10.0.0.7:3306"]);
        assert!(connects(&network, "10.0.0.7:3306"));
        assert!(connects(&network, "[::ffff:10.0.0.7]:3306"));
        assert!(!connects(&network, "10.0.0.7:3307"));
        assert!(!connects(&network, "10.0.0.8:3306"));
    }

    #[test]
    fn a_name_is_reached_where_it_was_found() {
        let network = network(&["Db.Example.:3306"]);
        assert!(network.may_resolve("db.example"));
        assert!(!network.may_resolve("secret.attacker.example"));
        assert!(!connects(&network, "10.0.0.7:3306"));
        network.resolved("DB.example", "10.0.0.7".parse().unwrap());
        assert!(connects(&network, "10.0.0.7:3306"));
        assert!(!connects(&network, "10.0.0.7:22"));
    }

    #[test]
    fn nothing_listens_and_nothing_speaks_udp() {
        let network = network(&["10.0.0.7:3306"]);
        let place = "10.0.0.7:3306".parse().unwrap();
        for what in [
            SocketAddrUse::TcpBind,
            SocketAddrUse::TcpListen,
            SocketAddrUse::TcpAccept,
            SocketAddrUse::UdpBind,
            SocketAddrUse::UdpSend,
            SocketAddrUse::UdpReceive,
        ] {
            assert!(!network.allows(place, what), "{what:?}");
        }
        assert!(network.allows("0.0.0.0:0".parse().unwrap(), SocketAddrUse::TcpBind));
    }
}
