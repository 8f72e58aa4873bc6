//! What a hostile client does, for as long as it is let: what the tests of the node do once.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, Result};
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::future::{BoxFuture, FutureExt, pending, try_join_all};
use prost::Message;
use psycache::proto::SetRequest;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{interval, sleep};

use super::LARGE;
use super::frames::{
    DATA, END_STREAM, RST_STREAM, call, call_with, frame, get, preface, send, streams,
};
use crate::server::Server;

/// Where a node listens.
#[derive(Clone)]
pub(super) struct Listeners {
    pub(super) grpc: SocketAddr,
    http: SocketAddr,
    redis: SocketAddr,
}

impl Listeners {
    pub(super) fn of(node: &Server) -> Result<Self> {
        let of = |name| Ok::<_, anyhow::Error>(node.told(name)?.parse()?);
        Ok(Self { grpc: of("listen")?, http: of("http")?, redis: of("redis")? })
    }
}

/// It ends with an error only.
pub(super) type Run = fn(Listeners) -> BoxFuture<'static, Result<()>>;

pub(super) struct Attack {
    pub(super) name: &'static str,
    pub(super) run: Run,
}

pub(super) const ATTACKS: [Attack; 7] = [
    Attack { name: "600 slow requests", run: |at| slow(at, Pace::EachItsOwn).boxed() },
    Attack { name: "600 slow requests in step", run: |at| slow(at, Pace::InStep).boxed() },
    Attack { name: "5,000 silent connections", run: |at| silent(at).boxed() },
    Attack { name: "100,000 cancelled calls a second", run: |at| cancelled(at).boxed() },
    Attack { name: "100,000 streams a second", run: |at| without_request(at).boxed() },
    Attack { name: "400 unread answers of 8 MiB", run: |at| unread(at).boxed() },
    Attack { name: "5 compressed 80 MiB a second", run: |at| compressed(at).boxed() },
];

const CANCEL: [u8; 4] = [0, 0, 0, 8];

/// A connection from an address that others do not have.
async fn open(at: SocketAddr, last: u8) -> Result<TcpStream> {
    let socket = TcpSocket::new_v4().context("more open files are needed: `ulimit -n 20000`")?;
    socket.bind(SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 0, 0, last)), 0))?;
    Ok(socket.connect(at).await?)
}

/// A connection that speaks HTTP/2.
async fn begin(at: SocketAddr) -> Result<TcpStream> {
    let mut stream = open(at, 2).await?;
    send(&mut stream, &preface()).await;
    Ok(stream)
}

/// When the bytes of slow requests come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pace {
    EachItsOwn,
    /// All at the same moments, as from one program that has no other work: then a get waits for
    /// hundreds of them at once.
    InStep,
}

/// 200 requests to each listener, of which a byte comes ten times a second.
async fn slow(at: Listeners, pace: Pace) -> Result<()> {
    const PACE: Duration = Duration::from_millis(100);
    const OF_EACH: u32 = 200;
    // The head of a frame of 16,000 bytes with the headers of a call.
    let call = [&preface()[..], &[0, 0x3e, 0x80, 1, 0, 0, 0, 0, 1]].concat();
    let beginnings = [
        (at.grpc, &call[..]),
        (at.http, b"GET /metrics HTTP/1.1\r\nHost: node\r\nX-Long: "),
        (at.redis, b"*2\r\n$3\r\nGET\r\n$1000000\r\n"),
    ];
    let slow = beginnings.iter().flat_map(|request| [request; OF_EACH as usize]);
    let slow = slow.zip(0..).map(|((address, beginning), number)| async move {
        if pace == Pace::EachItsOwn {
            sleep(PACE * number / (3 * OF_EACH)).await;
        }
        loop {
            let mut stream = open(*address, 2).await?;
            send(&mut stream, beginning).await;
            // The node ends it some day.
            while send(&mut stream, b"x").await {
                sleep(PACE).await;
            }
        }
    });
    try_join_all(slow).await.map(|_: Vec<()>| ())
}

/// Connections on which nothing comes, from two addresses, since one may not have so many.
async fn silent(at: Listeners) -> Result<()> {
    let mut held = Vec::new();
    for number in 0..5_000_u16 {
        held.push(open(at.grpc, 2 + (number % 2) as u8).await?);
    }
    pending::<()>().await;
    drop(held);
    Ok(())
}

/// Ten times a second 10,000 calls that are cancelled as they come, on a connection of their own.
async fn cancelled(at: Listeners) -> Result<()> {
    let flood: Vec<u8> = streams(10_000)
        .flat_map(|stream| [call(stream, "Get"), frame(RST_STREAM, 0, stream, &CANCEL)].concat())
        .collect();
    again_and_again(at, 100, &flood).await
}

/// Ten times a second 10,000 calls whose requests never come.
async fn without_request(at: Listeners) -> Result<()> {
    let flood: Vec<u8> = streams(10_000).flat_map(|stream| call(stream, "Get")).collect();
    again_and_again(at, 100, &flood).await
}

/// Calls that decompress to more than a message may have.
async fn compressed(at: Listeners) -> Result<()> {
    let (group, key, value) = ("default".into(), LARGE.into(), vec![7; 80 << 20].into());
    let request = SetRequest { group, key, value, ..SetRequest::default() }.encode_to_vec();
    let mut zipped = GzEncoder::new(Vec::new(), Compression::default());
    zipped.write_all(&request)?;
    let zipped = zipped.finish()?;
    let whole = [&[1], &u32::try_from(zipped.len())?.to_be_bytes()[..], &zipped].concat();
    let mut call = call_with(1, "psycache.v1.Cache/Set", ("grpc-encoding", "gzip"));
    for part in whole.chunks(16 << 10) {
        call.extend(frame(DATA, 0, 1, part));
    }
    call.extend(frame(DATA, END_STREAM, 1, b""));
    again_and_again(at, 200, &call).await
}

/// Each `pace_ms` a connection on which `bytes` come.
async fn again_and_again(at: Listeners, pace_ms: u64, bytes: &[u8]) -> Result<()> {
    let mut pace = interval(Duration::from_millis(pace_ms));
    loop {
        pace.tick().await;
        let mut stream = begin(at.grpc).await?;
        // The node may end it before all was sent.
        send(&mut stream, bytes).await;
    }
}

/// Answers that stay in the node, on four connections.
async fn unread(at: Listeners) -> Result<()> {
    let mut held = Vec::new();
    for _ in 0..4 {
        let mut stream = begin(at.grpc).await?;
        for number in streams(100) {
            send(&mut stream, &get(number, LARGE)).await;
        }
        held.push(stream);
    }
    pending::<()>().await;
    drop(held);
    Ok(())
}
