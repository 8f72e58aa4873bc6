//! A connection whose bytes the test sends and reads itself.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Far more than any answer takes; a test that waits so long has failed.
const DEADLINE: Duration = Duration::from_secs(30);

pub(crate) struct Wire {
    pub(crate) stream: TcpStream,
}

impl Wire {
    pub(crate) async fn open(address: impl Into<SocketAddr>) -> Self {
        Self { stream: TcpStream::connect(address.into()).await.unwrap() }
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Reads exactly the bytes that are expected.
    pub(crate) async fn expect(&mut self, expected: impl AsRef<[u8]>) {
        let expected = expected.as_ref();
        let mut read = Vec::new();
        while read.len() < expected.len() {
            let mut part = vec![0; expected.len() - read.len()];
            let count = timeout(DEADLINE, self.stream.read(&mut part)).await;
            match count.unwrap_or_else(|_| panic!("after {}", read.escape_ascii())).unwrap() {
                0 => panic!("ended after {}", read.escape_ascii()),
                count => read.extend_from_slice(&part[..count]),
            }
            if !expected.starts_with(&read) {
                break;
            }
        }
        assert_eq!(read.escape_ascii().to_string(), expected.escape_ascii().to_string());
    }

    /// Sends a line, and reads the answer that is expected.
    pub(crate) async fn call(&mut self, line: &str, expected: impl AsRef<[u8]>) {
        self.send(format!("{line}\r\n")).await;
        self.expect(expected).await;
    }

    /// Sends a line, and reads a line.
    pub(crate) async fn line(&mut self, line: &str) -> String {
        self.send(format!("{line}\r\n")).await;
        self.read_line().await
    }

    pub(crate) async fn read_line(&mut self) -> String {
        let mut read = Vec::new();
        while !read.ends_with(b"\r\n") {
            let byte = timeout(DEADLINE, self.stream.read_u8()).await.expect("a line ends");
            read.push(byte.unwrap());
        }
        String::from_utf8(read).unwrap().trim_end().to_owned()
    }

    /// Sends a line, and reads the text that is the answer.
    pub(crate) async fn text(&mut self, line: &str) -> String {
        let header = self.line(line).await;
        let length: usize = header.strip_prefix('$').expect("a text").parse().unwrap();
        let mut text = vec![0; length + 2];
        self.stream.read_exact(&mut text).await.unwrap();
        text.truncate(length);
        String::from_utf8(text).unwrap()
    }

    /// Reads to the end of the connection.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        timeout(DEADLINE, self.stream.read_to_end(&mut rest)).await.expect("it ends").unwrap();
        rest
    }
}

/// An array of bulk strings.
pub(crate) fn array(arguments: &[&[u8]]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", arguments.len()).into_bytes();
    for argument in arguments {
        bytes.extend(format!("${}\r\n", argument.len()).bytes());
        bytes.extend_from_slice(argument);
        bytes.extend(b"\r\n");
    }
    bytes
}
