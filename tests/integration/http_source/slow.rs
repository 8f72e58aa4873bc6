//! Servers that read or write slowly, or stop half-way. A component sends and receives by sockets
//! of WASI, which its SDK has no test for outside of a node.

use std::io::ErrorKind;

use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

use super::liars::HONEST;
use super::{LATE, TOKEN, client, get, refused, serve_by, value};
use crate::certificates::{Authority, Valid};
use crate::harness::ServedNode;
use crate::patience::{soon, until};
use crate::scores::metrics;
use crate::service::has_unread;

/// More than the systems of both ends keep for an end that does not read.
const LARGE_BYTES: usize = 16 << 20;

/// What a server reads at a time.
const PIECE_BYTES: usize = 4 << 10;

/// A listener whose connections take little before they are read.
fn narrow() -> TcpListener {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(64 << 10).unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    socket.listen(16).unwrap()
}

/// A node whose requests to `url` have a header of [`LARGE_BYTES`], in which no part is like
/// another one, and that header.
fn with_large_header(url: &str, more: &[(&str, &str)]) -> (std::process::Command, String, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let header: String = (0..LARGE_BYTES / 8).map(|at| format!("{at:08}")).collect();
    std::fs::write(folder.path().join("header"), &header).unwrap();
    let file = format!("@{}", folder.path().join("header").display());
    let command = serve_by(url, &[&[("header.x-large", &*file)], more].concat());
    (command, header, folder)
}

/// Reads the head of a request in small pieces, and answers it.
async fn answer_slowly(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> String {
    let (mut head, mut piece) = (Vec::new(), [0; PIECE_BYTES]);
    while !head.ends_with(b"\r\n\r\n") {
        let length = stream.read(&mut piece).await.unwrap();
        assert!(length > 0, "it ends after {} bytes", head.len());
        head.extend_from_slice(&piece[..length]);
    }
    stream.write_all(HONEST.as_bytes()).await.unwrap();
    String::from_utf8(head).unwrap()
}

/// Asserts that a request of megabytes comes as it was sent.
async fn assert_arrives(
    url: &str,
    more: &[(&str, &str)],
    at: TcpListener,
    tls: Option<TlsAcceptor>,
) {
    let (mut command, header, _folder) = with_large_header(url, more);
    let place = url.split('/').nth(2).unwrap();
    command.args(["--allow-net", place, "--load-timeout", "60s"]);
    let node = ServedNode::spawn(command);
    let request = tokio::spawn(async move {
        let (socket, _) = at.accept().await.unwrap();
        match tls {
            None => answer_slowly(socket).await,
            Some(tls) => answer_slowly(tls.accept(socket).await.unwrap()).await,
        }
    });
    let client = client(&node).await;
    assert_eq!(soon("it is read", value(&client, "Tom")).await, "630");
    let expected = format!(
        "GET /Tom HTTP/1.1\r\nhost: {place}\r\naccept-encoding: identity\r\nx-large: {header}\r\n\
         user-agent: psycache\r\naccept: */*\r\nauthorization: {TOKEN}\r\n\r\n"
    );
    // Not shown: it has megabytes.
    assert!(request.await.unwrap() == expected, "it is not what was sent");
}

#[tokio::test]
async fn a_request_of_megabytes_comes_whole_to_a_server_that_reads_slowly() {
    let at = narrow();
    let url = format!("http://{}/{{key}}", at.local_addr().unwrap());
    assert_arrives(&url, &[], at, None).await;
}

#[tokio::test]
async fn so_it_does_over_tls() {
    let at = narrow();
    let url = format!("https://localhost:{}/{{key}}", at.local_addr().unwrap().port());
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new("an authority of slow sites");
    let signed = authority.sign(folder.path(), "site", &["localhost"], Valid::Now);
    assert_arrives(&url, &[("ca", authority.pem())], at, Some(signed.acceptor())).await;
}

#[tokio::test]
async fn a_server_that_stops_reading_costs_the_load_its_time_and_is_sent_no_more() {
    let at = narrow();
    let place = at.local_addr().unwrap().to_string();
    let (mut command, header, _folder) = with_large_header(&format!("http://{place}/{{key}}"), &[]);
    command.args(["--allow-net", &place, "--load-timeout", "2s"]);
    let node = ServedNode::spawn(command);
    let (given_up, is_given_up) = oneshot::channel();
    let read = tokio::spawn(async move {
        let (mut socket, _) = at.accept().await.unwrap();
        let mut bytes = vec![0; PIECE_BYTES];
        socket.read_exact(&mut bytes).await.unwrap();
        is_given_up.await.unwrap();
        // What was on the way, to the end of the connection.
        match socket.read_to_end(&mut bytes).await {
            Err(error) if error.kind() != ErrorKind::ConnectionReset => panic!("{error}"),
            _ => bytes.len(),
        }
    });
    let client = client(&node).await;
    soon("it is given up", refused(&client, "Tom", LATE, &["2000 ms"])).await;
    given_up.send(()).unwrap();
    let read = soon("its connection ends", read).await.unwrap();
    assert!(read < header.len(), "all {read} bytes were sent");
}

/// A server that gives the first connection this `half` of an answer and leaves it open, and all
/// others a whole one. What it gives ends when the node has closed the first one.
async fn half_way(half: &'static str) -> (String, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let place = listener.local_addr().unwrap().to_string();
    let (first, ended) = oneshot::channel();
    tokio::spawn(async move {
        let mut first = Some(first);
        while let Ok((mut socket, _)) = listener.accept().await {
            if socket.read(&mut [0; 4096]).await.unwrap_or(0) == 0 {
                continue;
            }
            match first.take() {
                None => {
                    // One that was too late has closed it.
                    let _ = socket.write_all(HONEST.as_bytes()).await;
                }
                Some(first) => {
                    socket.write_all(half.as_bytes()).await.unwrap();
                    first.send(socket).unwrap();
                }
            }
        }
    });
    let closed = tokio::spawn(async move {
        let mut socket: TcpStream = ended.await.unwrap();
        // Zero bytes, or an error.
        assert_eq!(socket.read(&mut [0]).await.unwrap_or(0), 0);
    });
    (place, closed)
}

#[tokio::test]
async fn an_answer_that_stops_half_way_costs_the_load_its_time_and_the_instance() {
    for half in [
        "HTTP/1.1 200 OK\r\nContent-",
        "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n630",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n630",
    ] {
        let (place, closed) = half_way(half).await;
        let mut command = serve_by(&format!("http://{place}/{{key}}"), &[]);
        command.args(["--allow-net", &place, "--load-timeout", "500ms", "--pool-size", "1"]);
        let node = ServedNode::spawn(command);
        let client = client(&node).await;
        soon("it is given up", refused(&client, "Tom", LATE, &["500 ms"])).await;
        soon("its connection is closed", closed).await.unwrap();
        until("another instance asks", async || get(&client, "Tom").await.is_ok()).await;
        assert_eq!(value(&client, "Tom").await, "630");
        let page = metrics(node.told("http"));
        let line = page.lines().find(|line| {
            line.starts_with("psycache_pool_instances_total") && line.contains("discarded")
        });
        let discarded = line.expect(&page).rsplit_once(' ').unwrap().1;
        assert!(discarded.parse::<f64>().unwrap() >= 1.0, "{page}");
    }
}

#[tokio::test]
async fn an_answer_that_comes_byte_by_byte_is_taken() {
    let chunked =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n63\r\n1\r\n0\r\n0\r\n\r\n";
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let place = listener.local_addr().unwrap().to_string();
    let mut command = serve_by(&format!("http://{place}/{{key}}"), &[]);
    command.args(["--allow-net", &place, "--load-timeout", "60s", "--pool-size", "1"]);
    let node = ServedNode::spawn(command);
    let serves = async {
        let (mut socket, node) = listener.accept().await.unwrap();
        socket.set_nodelay(true).unwrap();
        for answer in [HONEST, chunked] {
            assert!(socket.read(&mut [0; 4096]).await.unwrap() > 0);
            for byte in answer.bytes() {
                socket.write_all(&[byte]).await.unwrap();
                until("the node has read it", async || !has_unread(node.port())).await;
            }
        }
    };
    let asks = async {
        let client = client(&node).await;
        for key in ["Tom", "Jack"] {
            assert_eq!(soon("it is whole", value(&client, key)).await, "630");
        }
    };
    tokio::join!(serves, asks);
}
