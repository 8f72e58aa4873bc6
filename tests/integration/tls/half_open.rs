//! Handshakes that never end, as many as a client may begin.

use std::io::{Read, Write};
use std::net::TcpStream;

use super::{Files, flags};
use crate::harness::{ServedNode, stdout};
use crate::patience::PATIENCE;

#[test]
fn handshakes_that_never_end_are_ended_and_delay_nobody() {
    let files = Files::new();
    let limits = ["--handshake-timeout", "1s", "--redis", "127.0.0.1:0"].map(str::to_owned);
    let node = Files::serve(&[flags(&files.node), limits.to_vec()].concat());
    for listener in ["listen", "http", "redis"] {
        let half_open: Vec<TcpStream> = (0..200)
            .map(|number| {
                let mut socket = TcpStream::connect(node.told(listener)).expect("it listens");
                // Nothing, the first byte of a handshake, or more of it.
                let begun = [0x16, 3, 1, 2, 0, 1, 0];
                socket.write_all(&begun[..number % begun.len()]).expect("it is taken");
                socket
            })
            .collect();
        let found = files.asks(node.address(), None, &["get", "default", "Tom"]);
        assert_eq!(stdout(&found), "630");
        for mut socket in half_open {
            socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
            let ended = socket.read(&mut [0]);
            assert!(!ended.as_ref().is_err_and(is_timeout), "{listener}: {ended:?}");
        }
    }
    ends_with_lines(node);
}

fn is_timeout(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)
}

fn ends_with_lines(node: ServedNode) {
    node.signal("TERM");
    let (status, _, log) = node.ended();
    assert!(status.success(), "{status}");
    assert!(log.contains("no handshake within 1s"), "{log}");
}
