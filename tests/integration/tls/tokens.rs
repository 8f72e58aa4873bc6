//! Tokens over TLS, as `openssl s_client` shows them.

use super::{Files, flags, openssl, text};
use crate::access::{Tokens, token};
use crate::harness::{stderr, stdout};

#[test]
fn a_token_is_asked_for_over_tls_by_http_and_by_redis() {
    let files = Files::new();
    let tokens = Tokens::of([("watch", "metrics read", "")]);
    let redis = ["--redis".to_owned(), "127.0.0.1:0".to_owned()];
    let node = Files::serve(&[&flags(&files.node)[..], &tokens.flags(), &redis].concat());
    let ca = text(&files.ca);
    let ask = |listener: &str, input: &str| {
        let verify = ["-CAfile", &ca, "-verify_return_error", "-quiet"];
        let said = openssl(node.told(listener), &verify, input.as_bytes());
        format!("{}{}", stdout(&said), stderr(&said))
    };
    let page = |shown: &str| {
        ask(
            "http",
            &format!("GET /metrics HTTP/1.1\r\nHost: node\r\n{shown}Connection: close\r\n\r\n"),
        )
    };
    let known = token("watch");
    let said = page(&format!("Authorization: Bearer {known}\r\n"));
    assert!(said.contains("HTTP/1.1 200 ") && said.contains("psycache_gets_total"), "{said}");
    let said = page("");
    assert!(said.contains("HTTP/1.1 401 ") && !said.contains("psycache_gets_total"), "{said}");

    let said = ask("redis", &format!("AUTH {known}\r\nGET Tom\r\nQUIT\r\n"));
    assert!(said.contains("+OK") && said.contains("630"), "{said}");
    let said = ask("redis", "GET Tom\r\nQUIT\r\n");
    assert!(said.contains("-NOAUTH ") && !said.contains("630"), "{said}");
}
