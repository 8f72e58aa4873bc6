//! A way to a server that a test can disturb.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// What becomes of the answer that is disturbed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It is lost, and the connection closed.
    Cut,
    /// Neither it nor anything after it on this connection arrives.
    Silence,
}

/// Who does not get through.
#[derive(Clone)]
enum Barred {
    Nobody,
    Process(u32),
    Everybody,
}

/// Passes what comes to its address on to a server.
pub(super) struct Proxy {
    address: SocketAddr,
    /// Pieces that came from the server.
    pieces: Arc<AtomicU64>,
    barred: watch::Sender<Barred>,
    _accepting: JoinSet<()>,
}

impl Proxy {
    /// One that disturbs nothing until it is [closed](Self::close).
    pub(super) async fn start(server: SocketAddr) -> Self {
        Self::start_with(server, None).await
    }

    /// One that disturbs the piece with this number from the server, counted from 0
    /// over all connections.
    pub(super) async fn disturbing(server: SocketAddr, piece: u64, fault: Fault) -> Self {
        Self::start_with(server, Some((piece, fault))).await
    }

    async fn start_with(server: SocketAddr, fault: Option<(u64, Fault)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let pieces = Arc::new(AtomicU64::new(0));
        let barred = watch::Sender::new(Barred::Nobody);
        let (counted, bar) = (Arc::clone(&pieces), barred.subscribe());
        let mut accepting = JoinSet::new();
        accepting.spawn(async move {
            // Connections end with the proxy.
            let mut passing = JoinSet::new();
            while let Ok((client, from)) = listener.accept().await {
                while passing.try_join_next().is_some() {}
                let mut bar = bar.clone();
                if bar.borrow().bars(from) {
                    continue;
                }
                let counted = Arc::clone(&counted);
                passing.spawn(async move {
                    let Ok(server) = TcpStream::connect(server).await else { return };
                    let (from_client, to_client) = client.into_split();
                    let (from_server, to_server) = server.into_split();
                    // However it ends, both ends are closed.
                    tokio::select! {
                        () = pass_up(from_client, to_server) => {}
                        () = pass_down(from_server, to_client, &counted, fault) => {}
                        _ = bar.wait_for(|bar| bar.bars(from)) => {}
                    }
                });
            }
        });
        Self { address, pieces, barred, _accepting: accepting }
    }

    pub(super) fn address(&self) -> String {
        self.address.to_string()
    }

    pub(super) fn pieces(&self) -> u64 {
        self.pieces.load(Ordering::Relaxed)
    }

    /// Closes all connections, and new ones at once.
    pub(super) fn close(&self) {
        self.barred.send_replace(Barred::Everybody);
    }

    /// The same for those of one process.
    pub(super) fn refuse(&self, pid: u32) {
        self.barred.send_replace(Barred::Process(pid));
    }

    pub(super) fn open(&self) {
        self.barred.send_replace(Barred::Nobody);
    }
}

impl Barred {
    fn bars(&self, from: SocketAddr) -> bool {
        match self {
            Self::Nobody => false,
            Self::Process(pid) => is_of(*pid, from),
            Self::Everybody => true,
        }
    }
}

/// Whether the process has a socket with this address.
fn is_of(pid: u32, address: SocketAddr) -> bool {
    let sockets = std::fs::read_to_string("/proc/net/tcp").expect("a Linux");
    let port = format!(":{:04X}", address.port());
    let inodes = sockets.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let is_its = words.nth(1)?.ends_with(&port);
        is_its.then(|| format!("socket:[{}]", words.nth(7).unwrap_or_default()))
    });
    let inodes: Vec<String> = inodes.collect();
    let Ok(files) = std::fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    let mut targets = files.filter_map(|file| std::fs::read_link(file.ok()?.path()).ok());
    targets.any(|target| inodes.iter().any(|inode| target.as_os_str() == inode.as_str()))
}

async fn pass_up(mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
    let _ = tokio::io::copy(&mut from, &mut to).await;
}

async fn pass_down(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    pieces: &AtomicU64,
    fault: Option<(u64, Fault)>,
) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        let piece = pieces.fetch_add(1, Ordering::Relaxed);
        match fault {
            Some((disturbed, Fault::Cut)) if piece == disturbed => return,
            Some((disturbed, Fault::Silence)) if piece == disturbed => {
                return std::future::pending().await;
            }
            _ => {}
        }
        if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}
