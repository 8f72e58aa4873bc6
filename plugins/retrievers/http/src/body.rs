//! The body of an answer, however its end is marked.

use std::io::{BufRead, Read as _};

use psycache_plugin::FetchError;
use psycache_plugin::net::Failure;

use crate::head::{Head, MOST_BYTES, not_http};

/// The largest value that is taken; the memory that a node gives a retriever is just enough
/// for it.
pub(crate) const LARGEST_VALUE_BYTES: u64 = 64 << 20;

/// How the end of a body is marked (RFC 9112, 6.3).
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    Length(u64),
    Chunked,
    UntilClosed,
}

impl Framing {
    pub(crate) fn of(head: &Head) -> Result<Self, Failure> {
        if matches!(head.status, 204 | 304) {
            return Ok(Self::Length(0));
        }
        let coded: Vec<&str> = head.members("transfer-encoding").collect();
        let mut lengths = head.members("content-length");
        match (&*coded, lengths.next()) {
            ([], None) => Ok(Self::UntilClosed),
            ([], Some(first)) => {
                let is_number =
                    !first.is_empty() && first.bytes().all(|byte| byte.is_ascii_digit());
                if !is_number || lengths.any(|other| other != first) {
                    return Err(not_http("its content-length is no number, or more than one"));
                }
                Ok(Self::Length(first.parse().unwrap_or(u64::MAX)))
            }
            // Two ends: whoever believes the other one sees another answer.
            (_, Some(_)) => Err(not_http("it has a content-length and a transfer-encoding")),
            ([coding], None) if coding.eq_ignore_ascii_case("chunked") => Ok(Self::Chunked),
            (other, None) => {
                let other = other.join(", ");
                Err(not_http(&format!("its transfer-encoding is `{other}`, not `chunked`")))
            }
        }
    }
}

/// Reads a body of at most `most` bytes.
pub(crate) fn read(
    from: &mut impl BufRead,
    framing: &Framing,
    most: u64,
) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    match *framing {
        Framing::Length(length) => {
            if length > most {
                return Err(too_large(most));
            }
            append(from, &mut body, length, most)?;
        }
        Framing::UntilClosed => loop {
            let received = from.fill_buf()?.len() as u64;
            if received == 0 {
                break;
            }
            append(from, &mut body, received, most)?;
        },
        Framing::Chunked => loop {
            let line = line(from)?;
            let size = match httparse::parse_chunk_size(&line) {
                Ok(httparse::Status::Complete((_, size))) => size,
                _ => return Err(not_http("the size of a chunk is no number")),
            };
            if size == 0 {
                trailers(from)?;
                break;
            }
            append(from, &mut body, size, most)?;
            if self::line(from)? != b"\r\n" {
                return Err(not_http("a chunk is longer than its size says"));
            }
        },
    }
    Ok(body)
}

/// Reads `length` more bytes of the body.
fn append(
    from: &mut impl BufRead,
    body: &mut Vec<u8>,
    length: u64,
    most: u64,
) -> Result<(), Failure> {
    if length > most.saturating_sub(body.len() as u64) {
        return Err(too_large(most));
    }
    let mut left = length as usize;
    while left > 0 {
        let received = from.fill_buf()?;
        let taken = received.len().min(left);
        if taken == 0 {
            let got = length - left as u64;
            return Err(Failure::Broken(format!(
                "it has closed the connection after {got} of {length} bytes"
            )));
        }
        if body.capacity() - body.len() < taken {
            // Twice as much as before, as usual, but never more than can come: the memory
            // would not do for that.
            let wanted = (body.len() * 2).clamp(body.len() + taken, most as usize);
            body.reserve_exact(wanted - body.len());
        }
        body.extend_from_slice(&received[..taken]);
        from.consume(taken);
        left -= taken;
    }
    Ok(())
}

/// A line with its end.
fn line(from: &mut impl BufRead) -> Result<Vec<u8>, Failure> {
    let mut line = Vec::new();
    from.take(MOST_BYTES as u64).read_until(b'\n', &mut line)?;
    match line.last() {
        Some(b'\n') => Ok(line),
        _ if line.len() == MOST_BYTES => Err(not_http("a line between chunks is too long")),
        _ => Err(Failure::Broken("it has closed the connection between chunks".to_owned())),
    }
}

/// Reads and drops what follows the last chunk.
fn trailers(from: &mut impl BufRead) -> Result<(), Failure> {
    let mut bytes = 0;
    while bytes < MOST_BYTES {
        match line(from)?.as_slice() {
            b"\r\n" | b"\n" => return Ok(()),
            line => bytes += line.len(),
        }
    }
    Err(not_http("what follows its last chunk is too long"))
}

fn too_large(most: u64) -> Failure {
    let problem = format!("it is larger than the {} MiB that this retriever takes", most >> 20);
    Failure::Answered(FetchError::BadValue(problem))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: u64 = 1 << 20;

    fn framing(headers: &str) -> Result<Framing, Failure> {
        Framing::of(&Head::of(&format!("HTTP/1.1 200 OK\r\n{headers}\r\n")))
    }

    fn read_all(text: &str, framing: Framing, most: u64) -> Result<(Vec<u8>, usize), String> {
        let mut from = text.as_bytes();
        let body = read(&mut from, &framing, most).map_err(|failure| failure.to_string())?;
        Ok((body, from.len()))
    }

    #[test]
    fn the_end_is_where_the_head_says() {
        for (headers, expected) in [
            ("", Framing::UntilClosed),
            ("Content-Length: 3\r\n", Framing::Length(3)),
            ("Content-Length: 3\r\nContent-Length: 3\r\n", Framing::Length(3)),
            ("Content-Length: 99999999999999999999999\r\n", Framing::Length(u64::MAX)),
            ("Transfer-Encoding: Chunked\r\n", Framing::Chunked),
        ] {
            assert_eq!(framing(headers).expect(headers), expected);
        }
        for headers in [
            "Content-Length: 3\r\nContent-Length: 4\r\n",
            "Content-Length: -3\r\n",
            "Content-Length: +3\r\n",
            "Content-Length: \r\n",
            "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding: gzip, chunked\r\n",
            "Transfer-Encoding: identity\r\n",
        ] {
            let failure = framing(headers).expect_err(headers);
            assert!(matches!(failure, Failure::Answered(FetchError::Rejected(_))), "{failure}");
        }
        let empty = Head::of("HTTP/1.1 204 No Content\r\nContent-Length: 9\r\n\r\n");
        assert_eq!(Framing::of(&empty).expect("it has none"), Framing::Length(0));
    }

    #[test]
    fn a_body_of_each_kind_is_read() {
        assert_eq!(read_all("abcd", Framing::Length(3), MOST), Ok((b"abc".to_vec(), 1)));
        assert_eq!(read_all("abcd", Framing::UntilClosed, MOST), Ok((b"abcd".to_vec(), 0)));
        let chunks = "3;a=b\r\nabc\r\nA\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\nrest";
        assert_eq!(read_all(chunks, Framing::Chunked, MOST), Ok((b"abc0123456789".to_vec(), 4)));
    }

    #[test]
    fn a_body_that_ends_too_early_is_none() {
        for (text, framing) in [
            ("ab", Framing::Length(3)),
            ("3\r\nab", Framing::Chunked),
            ("3\r\nabc\r\n", Framing::Chunked),
            ("3\r\nabc\r\n0\r\n", Framing::Chunked),
        ] {
            let problem = read_all(text, framing, MOST).expect_err(text);
            assert!(problem.contains("has closed the connection"), "{problem}");
        }
    }

    #[test]
    fn what_is_too_large_is_refused_before_it_is_read() {
        let large = read_all("", Framing::Length(MOST + 1), MOST).expect_err("too large");
        assert!(large.contains("larger than the 1 MiB"), "{large}");
        let chunk = read_all("fffffffff\r\n", Framing::Chunked, MOST).expect_err("too large");
        assert!(chunk.contains("larger than the 1 MiB"), "{chunk}");
        let open = read_all("abcd", Framing::UntilClosed, 3).expect_err("too large");
        assert!(open.contains("larger than"), "{open}");
    }

    #[test]
    fn chunks_that_lie_are_refused() {
        let trailers = "x: y\r\n".repeat(20_000);
        for text in ["x\r\nabc\r\n", "2\r\nabc\r\n0\r\n\r\n", &*format!("0\r\n{trailers}\r\n")] {
            let failure = read(&mut text.as_bytes(), &Framing::Chunked, MOST).expect_err("it lies");
            assert!(matches!(failure, Failure::Answered(FetchError::Rejected(_))), "{failure}");
        }
    }
}
