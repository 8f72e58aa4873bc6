//! A network in between: it counts what it takes, and passes as much as it may.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::soon;

pub(super) struct Proxy {
    pub(super) address: SocketAddr,
    /// Taken from either end so far.
    bytes: Arc<watch::Sender<u64>>,
    /// What is taken after so many waits.
    limit: watch::Sender<u64>,
    _passing: JoinSet<()>,
}

impl Proxy {
    pub(super) async fn to(node: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let bytes = Arc::new(watch::channel(0).0);
        let limit = watch::channel(u64::MAX).0;
        let (counted, limited) = (Arc::clone(&bytes), limit.subscribe());
        let mut passing = JoinSet::new();
        passing.spawn(async move {
            let mut both_ways = JoinSet::new();
            while let Ok((asker, _)) = listener.accept().await {
                let Ok(node) = TcpStream::connect(node).await else { continue };
                node.set_nodelay(true).expect("it is connected");
                asker.set_nodelay(true).expect("it is connected");
                let ((from_asker, to_asker), (from_node, to_node)) =
                    (asker.into_split(), node.into_split());
                both_ways.spawn(pass(from_asker, to_node, Arc::clone(&counted), limited.clone()));
                both_ways.spawn(pass(from_node, to_asker, Arc::clone(&counted), limited.clone()));
            }
        });
        Self { address, bytes, limit, _passing: passing }
    }

    /// From now on it passes what it takes up to this many bytes; 0: connections are
    /// taken, and nothing passes.
    pub(super) fn limit(&self, bytes: u64) {
        self.limit.send_replace(bytes);
    }

    /// From now on it passes everything.
    pub(super) fn open(&self) {
        self.limit(u64::MAX);
    }

    pub(super) fn bytes(&self) -> u64 {
        *self.bytes.borrow()
    }

    /// Waits until it has taken more than `bytes`.
    pub(super) async fn taken(&self, bytes: u64) -> u64 {
        let mut counted = self.bytes.subscribe();
        let taken = counted.wait_for(|counted| *counted > bytes);
        *soon("something is sent", taken).await.expect("the proxy lives")
    }
}

async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    bytes: Arc<watch::Sender<u64>>,
    mut limit: watch::Receiver<u64>,
) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        let mut before = 0;
        bytes.send_modify(|bytes| {
            before = *bytes;
            *bytes += read as u64;
        });
        if limit.wait_for(|limit| *limit > before).await.is_err() {
            return;
        }
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}
