//! The open connections, for CLIENT LIST, INFO and the metrics.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Instant;

use super::client::Library;
use crate::sync::Mutex;

/// The connections of Redis clients. The counters guard no data, so they are relaxed.
#[derive(Debug, Default)]
pub struct RedisConnections {
    /// Locked when a connection begins or ends, and to list them.
    open: Mutex<BTreeMap<u64, Arc<Peer>>>,
    accepted: AtomicU64,
    commands: AtomicU64,
}

/// What is known of one client.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) id: u64,
    address: Option<SocketAddr>,
    since: Instant,
    /// Number of the group that it has selected.
    group: AtomicUsize,
    /// What it says of itself. Locked to set it and to list it.
    names: Mutex<Names>,
}

#[derive(Debug, Default)]
struct Names {
    connection: String,
    library: String,
    version: String,
}

/// An open connection. It is no longer listed once this is dropped.
#[derive(Debug)]
pub(super) struct Registered {
    peer: Arc<Peer>,
    connections: Arc<RedisConnections>,
}

impl RedisConnections {
    /// Number of open connections.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.open.lock().len() as u64
    }

    pub(super) fn accepted(&self) -> u64 {
        self.accepted.load(Relaxed)
    }

    pub(super) fn commands(&self) -> u64 {
        self.commands.load(Relaxed)
    }

    pub(super) fn count_commands(&self, count: u64) {
        self.commands.fetch_add(count, Relaxed);
    }

    pub(super) fn register(self: &Arc<Self>, address: Option<SocketAddr>) -> Registered {
        let id = self.accepted.fetch_add(1, Relaxed) + 1;
        let (group, names) = (AtomicUsize::new(0), Mutex::default());
        let peer = Arc::new(Peer { id, address, since: Instant::now(), group, names });
        self.open.lock().insert(id, Arc::clone(&peer));
        Registered { peer, connections: Arc::clone(self) }
    }

    /// One line for each connection.
    pub(super) fn list(&self) -> String {
        let peers: Vec<_> = self.open.lock().values().cloned().collect();
        peers.iter().map(|peer| peer.line()).collect()
    }
}

impl Peer {
    pub(super) fn select(&self, group: usize) {
        self.group.store(group, Relaxed);
    }

    pub(super) fn name(&self) -> String {
        self.names.lock().connection.clone()
    }

    pub(super) fn set_name(&self, name: &str) {
        self.names.lock().connection = name.to_owned();
    }

    pub(super) fn set_library(&self, property: Library, text: &str) {
        let mut names = self.names.lock();
        match property {
            Library::Name => names.library = text.to_owned(),
            Library::Version => names.version = text.to_owned(),
        }
    }

    /// The line of CLIENT INFO.
    pub(super) fn line(&self) -> String {
        let names = self.names.lock();
        let address = self.address.map_or_else(String::new, |address| address.to_string());
        let mut line = String::new();
        writeln!(
            line,
            "id={} addr={address} name={} age={} db={} lib-name={} lib-ver={}",
            self.id,
            names.connection,
            self.since.elapsed().as_secs(),
            self.group.load(Relaxed),
            names.library,
            names.version,
        )
        .expect("writing to a string can't fail");
        line
    }
}

impl std::ops::Deref for Registered {
    type Target = Peer;

    fn deref(&self) -> &Peer {
        &self.peer
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.connections.open.lock().remove(&self.peer.id);
    }
}
