//! The head of an answer: its status and its headers.

use std::io::BufRead;

use psycache_plugin::FetchError;
use psycache_plugin::net::Failure;

/// The most bytes of a head, and of the lines around chunks.
pub(crate) const MOST_BYTES: usize = 64 << 10;
/// The most headers.
const MOST_HEADERS: usize = 128;
/// The most answers of the kind "still at it" before the one that counts.
const MOST_INTERIM: usize = 8;

/// The head of an answer.
#[derive(Debug, Default)]
pub(crate) struct Head {
    pub(crate) status: u16,
    reason: String,
    /// Whether the other end goes on after this answer, unless it says otherwise.
    is_1_1: bool,
    /// Names in lower case, in their order.
    headers: Vec<(String, String)>,
}

impl Head {
    /// Reads the head of the answer that counts.
    pub(crate) fn read(from: &mut impl BufRead) -> Result<Self, Failure> {
        for _ in 0..MOST_INTERIM {
            let head = Self::read_any(from)?;
            match head.status {
                101 => return Err(not_http("it changes the protocol, which nobody asked for")),
                100..=199 => {}
                _ => return Ok(head),
            }
        }
        Err(not_http("it says again and again that it is still at it"))
    }

    fn read_any(from: &mut impl BufRead) -> Result<Self, Failure> {
        let mut bytes = Vec::new();
        loop {
            let received = from.fill_buf()?;
            if received.is_empty() {
                return Err(Failure::Broken("it has closed the connection".to_owned()));
            }
            let before = bytes.len();
            let taken = received.len().min(MOST_BYTES - before);
            bytes.extend_from_slice(&received[..taken]);
            if let Some((head, length)) = Self::parse(&bytes)? {
                from.consume(length - before);
                return Ok(head);
            }
            from.consume(taken);
            if bytes.len() == MOST_BYTES {
                return Err(too_large());
            }
        }
    }

    /// The head at the beginning of `bytes` and its length; `None` if it is not whole yet.
    fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, Failure> {
        let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
        let mut parsed = httparse::Response::new(&mut headers);
        let length = match parsed.parse(bytes) {
            Ok(httparse::Status::Partial) => return Ok(None),
            Ok(httparse::Status::Complete(length)) => length,
            Err(httparse::Error::TooManyHeaders) => return Err(too_large()),
            Err(error) => return Err(not_http(&format!("it does not speak HTTP/1.1: {error}"))),
        };
        let header = |header: &httparse::Header<'_>| {
            let value = String::from_utf8_lossy(header.value).trim().to_owned();
            (header.name.to_ascii_lowercase(), value)
        };
        let head = Self {
            status: parsed.code.unwrap_or_default(),
            reason: parsed.reason.unwrap_or_default().to_owned(),
            is_1_1: parsed.version == Some(1),
            headers: parsed.headers.iter().map(header).collect(),
        };
        Ok(Some((head, length)))
    }

    /// The values of the headers of that name.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self.headers.iter().filter(move |(given, _)| given == name);
        named.map(|(_, value)| value.as_str())
    }

    /// The first of them.
    pub(crate) fn first<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.all(name).next()
    }

    /// The members of the lists that the headers of that name have.
    pub(crate) fn members<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.all(name).flat_map(|value| value.split(',')).map(str::trim)
    }

    /// Whether another request may follow on this connection.
    pub(crate) fn goes_on(&self) -> bool {
        self.is_1_1 && !self.members("connection").any(|word| word.eq_ignore_ascii_case("close"))
    }

    /// `503 Service Unavailable`, say.
    pub(crate) fn status_line(&self) -> String {
        format!("{} {}", self.status, self.reason).trim_end().to_owned()
    }

    #[cfg(test)]
    pub(crate) fn of(text: &str) -> Self {
        Self::read(&mut text.as_bytes()).expect("it is one")
    }
}

/// That the answer breaks the rules of HTTP. No retry mends that.
pub(crate) fn not_http(problem: &str) -> Failure {
    Failure::Answered(FetchError::Rejected(problem.to_owned()))
}

fn too_large() -> Failure {
    let limit = MOST_BYTES >> 10;
    not_http(&format!("its head has more than {limit} KiB or {MOST_HEADERS} headers"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        Head::read(&mut text.as_bytes()).expect_err(text).to_string()
    }

    #[test]
    fn reads_a_head_and_leaves_the_rest() {
        let mut from = &b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nAge:  7 \r\n\r\nbody"[..];
        let head = Head::read(&mut from).expect("a head");
        assert_eq!((head.status, head.first("age"), from), (200, Some("7"), &b"body"[..]));
        assert!(head.goes_on());
    }

    #[test]
    fn a_bomb_is_refused_before_it_is_read() {
        let many: String = (0..200).map(|at| format!("x{at}: y\r\n")).collect();
        let long = format!("x: {}\r\n", "y".repeat(MOST_BYTES));
        for bomb in [many, long] {
            let problem = refused(&format!("HTTP/1.1 200 OK\r\n{bomb}\r\n"));
            assert!(problem.contains("64 KiB or 128 headers"), "{problem}");
        }
        assert!(refused(&"HTTP/1.1 102 P\r\n\r\n".repeat(9)).contains("again and again"));
    }

    #[test]
    fn what_is_no_http_is_told() {
        for text in ["SSH-2.0-OpenSSH\r\n\r\n", "+OK\r\n", "HTTP/2 200\r\n\r\n"] {
            assert!(refused(text).contains("does not speak HTTP/1.1"), "{text}");
        }
        assert!(refused("HTTP/1.1 101 S\r\n\r\n").contains("changes the protocol"));
        assert!(refused("").contains("closed"));
    }

    #[test]
    fn a_connection_goes_on_unless_it_is_said() {
        assert!(!Head::of("HTTP/1.0 200 OK\r\n\r\n").goes_on());
        assert!(!Head::of("HTTP/1.1 200 OK\r\nConnection: a, Close\r\n\r\n").goes_on());
    }
}
