//! Each listener, with TLS, to real clients.

use std::process::Command;

use super::{Files, flags, openssl, text};
use crate::cli::assert_fails;
use crate::harness::{ServedNode, psycache_command, run, stderr, stdout};

#[test]
fn a_command_gets_a_value_over_tls_and_a_plain_one_gets_a_sentence() {
    let files = Files::new();
    let node = Files::serve(&flags(&files.node));
    let found = files.asks(node.address(), None, &["get", "default", "Tom"]);
    assert_eq!(stdout(&found), "630", "{}", stderr(&found));
    let set = files.asks(node.address(), None, &["set", "default", "Ada", "815"]);
    assert!(set.status.success(), "{}", stderr(&set));

    let plain = node.run(["get", "default", "Tom"]);
    assert_fails(&plain, 4, &["this port speaks TLS only", "--tls-ca"]);
    // The environment says the same as the flags.
    let mut command = psycache_command(["get", "default", "Ada"]);
    command.env("PSYCACHE_NODE", node.address()).env("PSYCACHE_TLS_CA", &files.ca);
    assert_eq!(stdout(&run(command, b"")), "815");
}

#[test]
fn a_command_with_tls_gets_a_sentence_from_a_plain_node() {
    let files = Files::new();
    let node = ServedNode::start(&[]);
    let answer = files.asks(node.address(), None, &["get", "default", "Tom"]);
    assert_fails(&answer, 4, &["does not speak TLS at this port"]);
}

#[test]
fn a_node_that_asks_for_certificates_serves_who_shows_one() {
    let files = Files::new();
    let node = Files::serve(&files.mutual());
    let found = files.asks(node.address(), Some(&files.client), &["get", "default", "Tom"]);
    assert_eq!(stdout(&found), "630", "{}", stderr(&found));
    let without = files.asks(node.address(), None, &["get", "default", "Tom"]);
    assert_fails(&without, 4, &["asks for a certificate", "--tls-cert"]);
}

#[test]
fn openssl_agrees_on_http2_and_trusts_the_chain() {
    let files = Files::new();
    let node = Files::serve(&flags(&files.node));
    let ca = text(&files.ca);
    let verify = ["-CAfile", &ca, "-verify_ip", "127.0.0.1", "-verify_return_error"];
    let said = openssl(node.address(), &[&verify[..], &["-alpn", "h2", "-brief"]].concat(), b"");
    assert!(said.status.success(), "{}", stderr(&said));
    assert!(stderr(&said).contains("Verification: OK"), "{}", stderr(&said));
    let said = openssl(node.address(), &["-CAfile", &ca, "-alpn", "h2"], b"");
    assert!(stdout(&said).contains("ALPN protocol: h2"), "{}", stdout(&said));
}

#[test]
fn a_lower_version_than_the_lowest_is_refused() {
    let files = Files::new();
    let ca = text(&files.ca);
    let version = |node: &ServedNode, version: &str| {
        openssl(node.address(), &["-CAfile", &ca, version, "-brief"], b"").status.success()
    };
    let node = Files::serve(&flags(&files.node));
    assert!(version(&node, "-tls1_2") && version(&node, "-tls1_3"));
    let newest = [flags(&files.node), vec!["--tls-min-version".into(), "1.3".into()]].concat();
    let node = Files::serve(&newest);
    assert!(!version(&node, "-tls1_2") && version(&node, "-tls1_3"));
}

#[test]
fn curl_reads_health_over_tls_without_a_certificate_and_plain_http_gets_a_sentence() {
    let files = Files::new();
    let node = Files::serve(&files.mutual());
    let http = node.told("http");
    let curl = |args: &[&str]| {
        let mut command = Command::new("curl");
        command.args(["--silent", "--show-error", "--max-time", "20"]).args(args);
        run(command, b"")
    };
    let ca = text(&files.ca);
    let page = curl(&["--cacert", &ca, &format!("https://{http}/readyz")]);
    assert!(stdout(&page).starts_with("ready"), "{}{}", stdout(&page), stderr(&page));
    let metrics = curl(&["--cacert", &ca, &format!("https://{http}/metrics")]);
    for name in [
        "psycache_tls_certificate_expiry_timestamp_seconds ",
        "psycache_tls_reloads_total{outcome=\"taken\"} 0",
        "psycache_tls_failed_handshakes_total 0",
    ] {
        assert!(stdout(&metrics).contains(name), "no {name} in {}", stdout(&metrics));
    }
    let plain = curl(&[&format!("http://{http}/readyz")]);
    assert!(stdout(&plain).contains("this port speaks TLS only"), "{}", stdout(&plain));
    // Over gRPC the same certificate is asked for.
    let grpc = curl(&["--cacert", &ca, &format!("https://{}/", node.address())]);
    assert!(!grpc.status.success());
}

#[test]
fn the_redis_listener_speaks_tls_too() {
    let files = Files::new();
    let redis = ["--redis".to_owned(), "127.0.0.1:0".to_owned()];
    let node = Files::serve(&[flags(&files.node), redis.to_vec()].concat());
    let (address, ca) = (node.told("redis"), text(&files.ca));
    let said = openssl(address, &["-CAfile", &ca, "-quiet"], b"GET Tom\r\nQUIT\r\n");
    assert!(stdout(&said).contains("630"), "{}{}", stdout(&said), stderr(&said));
    let plain = redis_without_tls(address);
    assert!(plain.starts_with("-ERR this port speaks TLS only"), "{plain}");
}

fn redis_without_tls(address: &str) -> String {
    use std::io::{Read, Write};
    let mut socket = std::net::TcpStream::connect(address).unwrap();
    socket.write_all(b"PING\r\n").unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    answer
}
