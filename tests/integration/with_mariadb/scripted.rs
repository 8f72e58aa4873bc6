//! A server whose users log in by `caching_sha2_password`, which MariaDB does not have: what a
//! server of MySQL says while it does not remember the password, and one that says too much.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::{PASSWORD, SCORES, client, refused, serve_by, value};
use crate::certificates::{Authority, Valid};
use crate::harness::ServedNode;
use crate::scores::{REJECTED, get};

const OK: &[u8] = &[0, 0, 0, 2, 0, 0, 0];
/// Statements of the session that are answered at its begin, and that more follow.
const MORE: &[u8] = &[0, 0, 0, 10, 0, 0, 0];

/// Sends a packet of that number.
async fn send(stream: &mut (impl AsyncWrite + Unpin), sequence: u8, payload: &[u8]) {
    let mut packet = (payload.len() as u32).to_le_bytes()[..3].to_vec();
    packet.push(sequence);
    packet.extend_from_slice(payload);
    stream.write_all(&packet).await.unwrap();
    stream.flush().await.unwrap();
}

/// The number and the payload of the next packet; `None` at the end.
async fn next(stream: &mut (impl AsyncRead + Unpin)) -> Option<(u8, Vec<u8>)> {
    let mut header = [0; 4];
    stream.read_exact(&mut header).await.ok()?;
    let mut payload = vec![0; u32::from_le_bytes([header[0], header[1], header[2], 0]) as usize];
    stream.read_exact(&mut payload).await.unwrap();
    Some((header[3], payload))
}

/// What a server of MySQL 8 says first.
fn greeting(speaks_tls: bool) -> Vec<u8> {
    let capabilities: u32 = 0x00DF_F7FF | if speaks_tls { 0x0800 } else { 0 };
    let mut greeting = b"\x0a8.0.36\0\x07\0\0\0abcdefgh\0".to_vec();
    greeting.extend_from_slice(&capabilities.to_le_bytes()[..2]);
    greeting.extend_from_slice(&[255, 2, 0]);
    greeting.extend_from_slice(&capabilities.to_le_bytes()[2..]);
    greeting.push(21);
    greeting.extend_from_slice(&[0; 10]);
    greeting.extend_from_slice(b"ijklmnopqrst\0caching_sha2_password\0");
    greeting
}

/// One column `score` and one row.
fn rows(value: &str) -> [Vec<u8>; 5] {
    let mut column = b"\x03def\0\0\0\x05score\0\x0c".to_vec();
    column.extend_from_slice(&[45, 0, 0, 1, 0, 0, 253, 0, 0, 0, 0, 0]);
    let end = vec![0xFE, 0, 0, 2, 0];
    let row = [&[value.len() as u8][..], value.as_bytes()].concat();
    [vec![1], column, end.clone(), row, end]
}

/// Answers every query with `value`, and says `more` after each.
async fn serve_queries(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    value: &str,
    more: &[u8],
) {
    while let Some((_, payload)) = next(stream).await {
        let text = String::from_utf8_lossy(&payload).into_owned();
        if text.contains("SET NAMES") {
            for (at, answer) in [MORE, MORE, MORE, OK].iter().enumerate() {
                send(stream, at as u8 + 1, answer).await;
            }
        } else if text.contains("SET @") {
            send(stream, 1, OK).await;
        } else {
            for (at, packet) in rows(value).iter().enumerate() {
                send(stream, at as u8 + 1, packet).await;
            }
            stream.write_all(more).await.unwrap();
            stream.flush().await.unwrap();
        }
    }
}

async fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let place = format!("localhost:{}", listener.local_addr().unwrap().port());
    (listener, place)
}

fn node(place: &str, more: &[(&str, &str)]) -> ServedNode {
    let mut command = serve_by(&format!("mysql://psy@{place}/school"), SCORES);
    for (name, value) in more {
        command.args(["--retriever-opt", &format!("{name}={value}")]);
    }
    // One instance, which keeps its connection.
    command.args(["--allow-net", place, "--pool-size", "1"]);
    ServedNode::spawn(command)
}

#[tokio::test]
async fn a_server_that_does_not_remember_the_password_gets_it_over_tls() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new("an authority of databases");
    let signed = authority.sign(folder.path(), "server", &["localhost"], Valid::Now);
    let (listener, place) = listener().await;
    let acceptor = signed.acceptor();
    let server = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        send(&mut socket, 0, &greeting(true)).await;
        let (sequence, request) = next(&mut socket).await.unwrap();
        assert_eq!((sequence, request.len()), (1, 32), "a request for TLS, and nothing else");
        let mut stream = acceptor.accept(socket).await.unwrap();
        let (sequence, response) = next(&mut stream).await.unwrap();
        let response = String::from_utf8_lossy(&response).into_owned();
        assert!(response.contains("psy\0") && response.contains("school\0"), "{response:?}");
        assert!(!response.contains(PASSWORD), "{response:?}");
        send(&mut stream, sequence + 1, &[1, 4]).await;
        let (sequence, password) = next(&mut stream).await.unwrap();
        assert_eq!(password, format!("{PASSWORD}\0").as_bytes());
        send(&mut stream, sequence + 1, OK).await;
        serve_queries(&mut stream, "630", &[]).await;
    });
    let node = node(&place, &[("ca", authority.pem())]);
    let client = client(&node).await;
    assert_eq!(value(&client, "Tom").await, "630");
    assert_eq!(value(&client, "Jack").await, "630", "by the same connection: there is no other");
    drop(node);
    server.await.unwrap();
}

/// Takes the password by whatever key, which nobody has signed.
async fn without_tls(mut socket: TcpStream, key: &[u8]) -> Option<Vec<u8>> {
    send(&mut socket, 0, &greeting(false)).await;
    let (sequence, _) = next(&mut socket).await?;
    send(&mut socket, sequence + 1, &[1, 4]).await;
    let (sequence, request) = next(&mut socket).await?;
    assert_eq!(request, [2], "it asks for a key");
    send(&mut socket, sequence + 1, &[b"\x01", key].concat()).await;
    next(&mut socket).await.map(|(_, answer)| answer)
}

#[tokio::test]
async fn what_is_no_key_gets_no_password() {
    let (listener, place) = listener().await;
    let server = tokio::spawn(async move {
        let (socket, _) = listener.accept().await.unwrap();
        without_tls(socket, b"give it in clear").await
    });
    let node = node(&place, &[]);
    let parts = ["can't be encrypted", "`tls=true`"];
    refused(&client(&node).await, "Tom", REJECTED, &parts).await;
    assert_eq!(server.await.unwrap(), None);
}

#[tokio::test]
async fn what_a_server_says_unasked_is_not_taken_for_the_next_answer() {
    let (listener, place) = listener().await;
    let server = tokio::spawn(async move {
        for value in ["630", "589"] {
            let (mut socket, _) = listener.accept().await.unwrap();
            socket.set_nodelay(true).unwrap();
            send(&mut socket, 0, &greeting(false)).await;
            let (sequence, _) = next(&mut socket).await.unwrap();
            send(&mut socket, sequence + 1, OK).await;
            let mut forged = Vec::new();
            for (at, packet) in rows("forged").iter().enumerate() {
                send(&mut forged, at as u8 + 1, packet).await;
            }
            serve_queries(&mut socket, value, &forged).await;
        }
    });
    let node = node(&place, &[]);
    let client = client(&node).await;
    assert_eq!(value(&client, "Tom").await, "630");
    assert_eq!(value(&client, "Jack").await, "589");
    drop(server);
    assert!(get(&client, "Tom").await.is_ok());
}
