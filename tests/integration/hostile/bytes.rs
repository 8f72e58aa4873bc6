//! Clients that make the node hold bytes for them: answers that they do not read, requests that
//! they do not end.

use psycache::proto::SetRequest;
use psycache::proto::cache_client::CacheClient;
use tokio::net::TcpStream;
use tonic::Code;
use tonic::codec::CompressionEncoding;

use super::frames::{
    DATA, END_STREAM, call, get, next_frame, preface, preface_with, round_trip, send, streams,
    upload,
};
use super::{memory_kib, node, open, refused, serves_others, until_refused};
use crate::harness::ServedNode;
use crate::metrics::scrape::Scrape;
use crate::patience::{soon, until};

const VALUE_BYTES: usize = 8 << 20;
const MIB: u64 = 1 << 20;

async fn held(node: &ServedNode) -> f64 {
    Scrape::of(node).await.value("psycache_connections_held_bytes", &[])
}

fn set(bytes: usize) -> SetRequest {
    let (group, key) = ("default".into(), "large".into());
    SetRequest { group, key, value: vec![7; bytes].into(), ..SetRequest::default() }
}

async fn client(node: &ServedNode) -> CacheClient<tonic::transport::Channel> {
    let client = CacheClient::connect(format!("http://{}", node.address())).await;
    client.expect("the node listens").max_decoding_message_size(80 << 20)
}

/// A connection that has asked for the large value so many times.
async fn asks(node: &ServedNode, times: u32) -> TcpStream {
    let mut stream = open(node.address()).await;
    assert!(send(&mut stream, &preface()).await);
    for number in streams(times) {
        assert!(send(&mut stream, &get(number, "large")).await);
    }
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_answers_that_nobody_reads_cost_little_and_are_all_sent_later() {
    const ANSWERS: u32 = 100;
    let node = node(&[]);
    let mut others = client(&node).await;
    others.set(set(VALUE_BYTES)).await.expect("it fits");
    serves_others(&node).await;
    let before = memory_kib(&node, "VmHWM");
    let mut stream = asks(&node, ANSWERS).await;
    // As many as may be unread, and some that both threads had begun.
    until("they are held", async || held(&node).await > 16e6).await;
    serves_others(&node).await;
    let held = held(&node).await;
    assert!(held < 110.0 * VALUE_BYTES as f64, "{held}");

    let mut received = 0;
    let reading = async {
        while received < VALUE_BYTES * ANSWERS as usize {
            let frame = next_frame(&mut stream).await.expect("it goes on");
            received += if frame.kind == DATA { frame.payload.len() } else { 0 };
        }
    };
    soon("all is sent", reading).await;
    let grown = memory_kib(&node, "VmHWM") - before;
    // Without a limit it is 815 MiB.
    assert!(grown < 200 << 10, "{grown} KiB");
    until("nothing is held", async || self::held(&node).await < 1e6).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn small_answers_pass_large_ones_that_nobody_reads() {
    let node = node(&["--max-unread", "1MiB"]);
    client(&node).await.set(set(VALUE_BYTES)).await.expect("it fits");
    let mut stream = open(node.address()).await;
    // A large answer stops after 64 KiB, and the connection takes more.
    assert!(send(&mut stream, &preface_with(None)).await);
    assert!(send(&mut stream, &get(1, "large")).await);
    assert!(round_trip(&mut stream).await);
    until("it is held", async || held(&node).await > 8e6).await;
    assert!(send(&mut stream, &get(3, "Tom")).await);
    let answered = async {
        loop {
            let frame = next_frame(&mut stream).await.expect("it goes on");
            if frame.stream == 3 && frame.flags & END_STREAM != 0 {
                return;
            }
        }
    };
    soon("the small call is answered", answered).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_are_never_whole_end_with_the_connection_that_holds_the_most() {
    let node = node(&["--max-client-bytes", "64MiB"]);
    serves_others(&node).await;
    let before = memory_kib(&node, "VmHWM");
    let mut held = Vec::new();
    for _ in 0..10 {
        let mut stream = open(node.address()).await;
        assert!(send(&mut stream, &preface()).await);
        assert!(send(&mut stream, &call(1, "Set")).await);
        // Without the end. The node may end it before all is sent.
        let request = [&[0, 0x03, 0, 0, 0][..], &vec![7; 30 << 20]].concat();
        soon("it is taken or ended", upload(&mut stream, &request)).await;
        held.push(stream);
        serves_others(&node).await;
    }
    // Two fit.
    until_refused(&node, "grpc", "bytes", 8).await;
    assert!(refused(&node, "grpc", "bytes").await < 10.0);
    let grown = (memory_kib(&node, "VmHWM") - before) << 10;
    assert!(grown < 192 * MIB, "{grown} bytes");
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_requests_that_are_never_whole_are_counted_with_the_others() {
    let node = node(&["--max-client-bytes", "64MiB"]);
    let mut held = Vec::new();
    for _ in 0..5 {
        let mut stream = open(node.told("redis")).await;
        let begun =
            [b"PING\r\n*3\r\n$3\r\nSET\r\n$1\r\na\r\n$60000000\r\n", &vec![7; 30 << 20][..]];
        soon("it is taken or ended", send(&mut stream, &begun.concat())).await;
        held.push(stream);
        serves_others(&node).await;
    }
    until_refused(&node, "redis", "bytes", 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_grow_when_they_are_decompressed_are_refused_and_cost_little() {
    let node = node(&[]);
    serves_others(&node).await;
    let before = memory_kib(&node, "VmHWM");
    let client = client(&node).await.send_compressed(CompressionEncoding::Gzip);
    let bomb = set(80 << 20);
    let bombs = (0..6).map(|_| {
        let (mut client, bomb) = (client.clone(), bomb.clone());
        async move { client.set(bomb).await.expect_err("it is too long").code() }
    });
    let refusals = soon("all are refused", futures::future::join_all(bombs)).await;
    assert!(refusals.iter().all(|code| *code == Code::ResourceExhausted), "{refusals:?}");
    serves_others(&node).await;
    // One for each thread of the node at a time.
    let threads = std::thread::available_parallelism().expect("it is known").get() as u64;
    let grown = (memory_kib(&node, "VmHWM") - before) << 10;
    assert!(grown < (threads + 1) * 160 * MIB, "{grown} bytes");
}
