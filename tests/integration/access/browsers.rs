//! The pages ask a browser for a password, which is the token.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Tokens, page, token};

/// The answer of a page, of which a browser shows a name and a password.
async fn with_password(http: std::net::SocketAddr, pair: &str) -> String {
    let mut stream = TcpStream::connect(http).await.unwrap();
    let pair = STANDARD.encode(pair);
    let request = format!(
        "GET / HTTP/1.1\r\nHost: {http}\r\nAuthorization: Basic {pair}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn the_password_of_any_name_is_the_token() {
    let tokens = Tokens::of([("watch", "metrics", ""), ("web", "read", "")]);
    let node = tokens.node().await;
    let http = node.http_address().unwrap();
    let (head, _) = page(http, "/", None).await;
    let schemes: Vec<_> =
        head.lines().filter_map(|line| line.strip_prefix("www-authenticate: ")).collect();
    assert_eq!(schemes, ["Bearer realm=\"psycache\"", "Basic realm=\"psycache\""]);
    for (name, shown, status) in [
        ("", token("watch"), "200"),
        ("me", token("watch"), "200"),
        ("web", token("web"), "403"),
        ("watch", "wrong".to_owned(), "401"),
        ("watch", String::new(), "401"),
    ] {
        let answer = with_password(http, &format!("{name}:{shown}")).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{name}: {answer}");
        assert_eq!(answer.contains("<title>"), status == "200", "{name}: {answer}");
        assert!(!answer.contains(&token("web")), "{answer}");
    }
    let answer = with_password(http, "no colon").await;
    assert!(answer.starts_with("HTTP/1.1 401 ") && answer.contains("Bearer TOKEN"), "{answer}");
    // Other ways in know bearer tokens only.
    let (head, body) = page(http, "/absent", Some(&token("watch"))).await;
    assert!(head.starts_with("HTTP/1.1 404 ") && body.contains("/metrics"), "{head} {body}");
    node.shutdown().await;
}
