//! The bytes of a Redis client, cut anywhere, in front of the groups of a real node.
//!
//! What comes back is whole answers: one for each request at most, and a protocol error only as
//! the last. The connection ends once the client has closed its side.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::requests::server::Server;

/// Most bytes that the connection holds in each direction.
const BUFFERED: usize = 512;

/// Runs one input: the length of the pieces, and the bytes.
///
/// # Panics
/// What comes back is not answers, or bytes are lost.
pub fn run(input: &[u8]) {
    let Some((piece, bytes)) = input.split_first() else { return };
    let piece = usize::from(*piece) + 1;
    let server = Server::shared();
    server.run(async {
        let (client, node) = tokio::io::duplex(BUFFERED);
        let (mut reader, mut writer) = tokio::io::split(client);
        let sent = async {
            for piece in bytes.chunks(piece) {
                // The node reads no more after an error of the protocol.
                if writer.write_all(piece).await.is_err() {
                    return;
                }
                tokio::task::yield_now().await;
            }
            let _ = writer.shutdown().await;
        };
        let mut answers = Vec::new();
        let read = async { reader.read_to_end(&mut answers).await.expect("a duplex can be read") };
        // The node's end is dropped with its connection, which is the end of what is read.
        let served = async { server.redis().serve(node, None).await };
        let (_, ended, _) = tokio::join!(sent, served, read);
        ended.expect("a duplex does not break while both sides are there");
        check(&answers, bytes);
    });
}

fn check(mut answers: &[u8], asked: &[u8]) {
    // The shortest request is a letter and the end of its line.
    let mut left = asked.len().div_ceil(2);
    while !answers.is_empty() {
        assert!(left > 0, "more answers than requests: {}", answers.escape_ascii());
        left -= 1;
        let (answer, rest) = answers.split_at(length(answers));
        let is_internal = answer.starts_with(b"-ERR internal");
        let panicked = answer.windows(5).any(|part| part == b"panic");
        assert!(!is_internal || panicked, "{}", answer.escape_ascii());
        let is_last = answer.starts_with(b"-ERR Protocol error");
        assert!(!is_last || rest.is_empty(), "{}", rest.escape_ascii());
        answers = rest;
    }
}

/// The length of the first answer.
fn length(answers: &[u8]) -> usize {
    let end = answers.windows(2).position(|two| two == b"\r\n").expect("a line ends");
    let (marker, header) = answers[..end].split_first().expect("a line begins");
    let after = end + 2;
    let number = || -> i64 { str::from_utf8(header).expect("digits").parse().expect("a number") };
    let items = |count: usize| (0..count).fold(after, |at, _| at + length(&answers[at..]));
    match marker {
        b'+' | b'-' => after,
        b':' => {
            number();
            after
        }
        b'_' => {
            assert!(header.is_empty(), "null has no value");
            after
        }
        b'$' if number() == -1 => after,
        b'$' => {
            let end = after + number() as usize;
            assert_eq!(&answers[end..end + 2], b"\r\n");
            end + 2
        }
        b'*' | b'~' => items(number() as usize),
        b'%' => items(number() as usize * 2),
        other => panic!("no answer begins with {:?}", *other as char),
    }
}
