//! Answers a client that is not served: one sentence in the client's own protocol.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::identity::Speaks;
use super::problem::SENTENCE;

/// How long the client may take to read the sentence.
const READ_WITHIN: Duration = Duration::from_secs(1);

/// The most bytes of the client that are read and dropped.
const MOST_DROPPED: u64 = 64 << 10;

/// The first byte of HTTP/2, `PRI * HTTP/2.0`. No method of HTTP/1 that is served begins so.
const HTTP2: u8 = b'P';

/// What a client sends before its first frame, and the head of each frame.
const PREFACE_BYTES: usize = 24;
const FRAME_HEAD_BYTES: usize = 9;

/// Kinds of frames.
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;

/// Errors of a connection.
const ENHANCE_YOUR_CALM: u32 = 0xb;
const INADEQUATE_SECURITY: u32 = 0xc;

/// Answers a client whose first byte is `first`.
pub(super) async fn answer(mut stream: TcpStream, speaks: Speaks, first: u8) -> io::Result<()> {
    match speaks {
        Speaks::Grpc | Speaks::Http if first == HTTP2 => {
            stream.write_all(&frame(SETTINGS, &[])).await?;
            // Some clients tell only a call why the connection ends, so there must be one.
            let _ = timeout(READ_WITHIN, until_headers(&mut stream)).await;
            stream.write_all(&go_away(INADEQUATE_SECURITY, SENTENCE)).await?;
        }
        Speaks::Grpc | Speaks::Http => {
            stream.write_all(&page("400 Bad Request", SENTENCE)).await?;
        }
        Speaks::Redis => stream.write_all(&redis_error(SENTENCE)).await?,
    }
    close(stream).await;
    Ok(())
}

/// What a client is sent that may not connect now.
pub(crate) fn refusal(speaks: Speaks, sentence: &str) -> Vec<u8> {
    match speaks {
        Speaks::Grpc => [frame(SETTINGS, &[]), go_away(ENHANCE_YOUR_CALM, sentence)].concat(),
        Speaks::Http => page("503 Service Unavailable", sentence),
        Speaks::Redis => redis_error(sentence),
    }
}

/// Closes a connection so that the other end reads what was sent to it. A socket that is closed
/// with unread bytes resets the connection, and what was sent is lost.
pub(super) async fn close(mut stream: TcpStream) {
    let read = async {
        stream.shutdown().await?;
        tokio::io::copy(&mut (&mut stream).take(MOST_DROPPED), &mut tokio::io::sink()).await
    };
    // Whatever comes of it, the connection ends here.
    let _ = timeout(READ_WITHIN, read).await;
}

/// Reads to the first frame of a call.
async fn until_headers(stream: &mut TcpStream) -> io::Result<()> {
    let mut dropped = vec![0; PREFACE_BYTES];
    stream.read_exact(&mut dropped).await?;
    let mut read = 0;
    while read < MOST_DROPPED {
        let mut head = [0; FRAME_HEAD_BYTES];
        stream.read_exact(&mut head).await?;
        if head[3] == HEADERS {
            return Ok(());
        }
        let length = u64::from(u32::from_be_bytes([0, head[0], head[1], head[2]]));
        let mut payload = (&mut *stream).take(length);
        read += tokio::io::copy(&mut payload, &mut tokio::io::sink()).await? + 1;
    }
    Ok(())
}

fn redis_error(sentence: &str) -> Vec<u8> {
    format!("-ERR {sentence}\r\n").into_bytes()
}

fn page(status: &str, sentence: &str) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\ncontent-type: text/plain\r\nconnection: close");
    let length = sentence.len() + 1;
    format!("{head}\r\ncontent-length: {length}\r\n\r\n{sentence}\n").into_bytes()
}

/// The frame GOAWAY of HTTP/2 (RFC 9113, 6.8). No stream was processed.
fn go_away(error: u32, sentence: &str) -> Vec<u8> {
    let mut payload = 0_u32.to_be_bytes().to_vec();
    payload.extend(error.to_be_bytes());
    payload.extend(sentence.as_bytes());
    frame(GOAWAY, &payload)
}

/// A frame of the connection, without flags.
fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    [&length[1..], &[kind, 0, 0, 0, 0, 0], payload].concat()
}
