//! The page as it goes over the wire.

use std::io::Read;
use std::io::Write;
use std::net::TcpStream;

use flate2::read::GzDecoder;

use crate::harness::ServedNode;

/// The most that a reader's network is asked for, style and script included.
const MOST_BYTES: usize = 100_000;

/// The head, and the body as it came.
fn ask(node: &ServedNode, method: &str, path: &str, headers: &str) -> (String, Vec<u8>) {
    let mut stream = TcpStream::connect(node.told("http")).unwrap();
    let request =
        format!("{method} {path} HTTP/1.1\r\nHost: a\r\n{headers}Connection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("an answer has a head");
    let head = String::from_utf8(answer[..end].to_vec()).unwrap();
    (head, answer[end + 4..].to_vec())
}

#[test]
fn the_page_allows_no_outside_request_and_is_small() {
    let node = ServedNode::start(&[]);
    let mut bytes = 0;
    for (path, kind) in
        [("/", "text/html"), ("/page.css", "text/css"), ("/page.js", "text/javascript")]
    {
        let (head, body) = ask(&node, "GET", path, "Accept-Encoding: br, gzip\r\n");
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        for line in [
            &format!("content-type: {kind}; charset=utf-8")[..],
            "content-encoding: gzip",
            "content-security-policy: default-src 'none'; style-src 'self'; script-src 'self'; \
             connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; \
             frame-ancestors 'none'",
            "x-content-type-options: nosniff",
        ] {
            assert!(head.contains(line), "no {line} in {head}");
        }
        bytes += head.len() + body.len();
        let mut text = String::new();
        GzDecoder::new(&body[..]).read_to_string(&mut text).unwrap();
        let (head, plain) = ask(&node, "GET", path, "Accept-Encoding: gzip;q=0\r\n");
        assert!(!head.contains("content-encoding"), "{head}");
        if path == "/" {
            for words in ["Group default", "<td>lru</td>", node.address()] {
                assert!(text.contains(words), "no {words} in {text}");
            }
        } else {
            assert_eq!(text.as_bytes(), plain);
        }
    }
    assert!(bytes <= MOST_BYTES, "{bytes}");
}

#[test]
fn nothing_but_reading_is_allowed() {
    let node = ServedNode::start(&[]);
    let (head, body) = ask(&node, "HEAD", "/", "");
    assert!(head.starts_with("HTTP/1.1 200 ") && body.is_empty(), "{head}");
    for method in ["POST", "PUT", "DELETE", "PATCH"] {
        let (head, _) = ask(&node, method, "/", "Content-Length: 0\r\n");
        assert!(head.starts_with("HTTP/1.1 405 "), "{method}: {head}");
    }
    for query in ["/?page=0", "/?page=99999999999999999999", "/?page=-1", "/?page=%3Cscript%3E"] {
        let (head, body) = ask(&node, "GET", query, "");
        assert!(head.starts_with("HTTP/1.1 200 "), "{query}: {head}");
        assert!(!String::from_utf8(body).unwrap().contains("%3C"), "{query}");
    }
}
