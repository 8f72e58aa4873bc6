//! Certificates that are not good enough: of another authority, of another time, of another
//! host.

use std::fs;

use super::{Files, LOCAL, flags, text};
use crate::certificates::{Authority, Signed, Valid};
use crate::cli::assert_fails;
use crate::harness::{ServedNode, psycache, psycache_command, run, stdout};

const GET: [&str; 3] = ["get", "default", "Tom"];

#[test]
fn a_client_refuses_a_node_with_the_certificate_of_another_host_or_authority() {
    let files = Files::new();
    let elsewhere = files.authority.sign(files.path(), "elsewhere", &["node-9"], Valid::Now);
    let node = Files::serve(&flags(&elsewhere));
    assert_fails(
        &files.asks(node.address(), None, &GET),
        4,
        &["its certificate is for", "node-9", "not for 127.0.0.1"],
    );
    let stranger = Authority::new("another authority");
    let foreign = stranger.sign(files.path(), "foreign", &LOCAL, Valid::Now);
    let node = Files::serve(&flags(&foreign));
    assert_fails(&files.asks(node.address(), None, &GET), 4, &["no CA that is trusted here"]);
}

#[test]
fn a_node_serves_no_client_with_a_certificate_of_another_authority_or_time() {
    let files = Files::new();
    let node = Files::serve(&files.mutual());
    let stranger = Authority::new("another authority");
    let foreign = stranger.sign(files.path(), "foreign", &["application"], Valid::Now);
    assert_fails(
        &files.asks(node.address(), Some(&foreign), &GET),
        4,
        &["does not trust the CA of the certificate"],
    );
    for (name, valid) in [("old", Valid::Before), ("new", Valid::Later)] {
        let other = files.authority.sign(files.path(), name, &["application"], valid);
        // The command itself finds that before it connects.
        let said = files.asks(node.address(), Some(&other), &GET);
        assert_fails(&said, 4, &["valid from", text(&other.cert).as_str()]);
        // A client that does not look is refused by the node.
        let status = curl(&files, node.address(), &other);
        assert!(!status.contains("HTTP/2"), "{name}: {status}");
    }
    // Others were served all the while.
    let found = files.asks(node.address(), Some(&files.client), &GET);
    assert_eq!(stdout(&found), "630");
    assert!(curl(&files, node.address(), &files.client).contains("HTTP/2"));
    node.signal("TERM");
    let (_, _, log) = node.ended();
    assert!(log.contains("A client did not get a TLS connection"), "{log}");
}

/// The head of the answer to curl, which shows the certificate `signed`.
fn curl(files: &Files, address: &str, signed: &Signed) -> String {
    let mut command = std::process::Command::new("curl");
    command.args(["--silent", "--http2", "--include", "--max-time", "20", "--cacert"]);
    command.arg(&files.ca).arg("--cert").arg(&signed.cert).arg("--key").arg(&signed.key);
    command.arg(format!("https://{address}/"));
    stdout(&run(command, b"")).to_owned()
}

#[test]
fn a_node_does_not_start_with_certificates_that_nobody_would_accept() {
    let files = Files::new();
    let other = files.authority.sign(files.path(), "other", &LOCAL, Valid::Now);
    let old = files.authority.sign(files.path(), "old", &LOCAL, Valid::Before);
    let new = files.authority.sign(files.path(), "new", &LOCAL, Valid::Later);
    let empty = files.path().join("empty");
    fs::write(&empty, "nothing").unwrap();
    let absent = files.path().join("absent");
    let node = &files.node;
    for (cert, key, told) in [
        (&old.cert, &old.key, "valid from"),
        (&new.cert, &new.key, "valid from"),
        (&node.cert, &other.key, "does not belong to the certificate"),
        (&empty, &node.key, "has no CERTIFICATE in PEM"),
        (&node.cert, &empty, "has no PRIVATE KEY in PEM"),
        (&absent, &node.key, "can't be read"),
    ] {
        let mut command = psycache_command(["serve", "--listen", "127.0.0.1:0", "--http", "none"]);
        command.arg("--tls-cert").arg(cert).arg("--tls-key").arg(key);
        assert_fails(&run(command, b""), 1, &[told]);
    }
}

#[test]
fn settings_that_do_not_go_together_are_refused() {
    for (flags, told) in [
        (&["--tls-cert", "a"][..], "give both"),
        (&["--tls-client-ca", "a"], "give both"),
        (&["--tls-cert", "a", "--tls-key", "b", "--peers", "c:1"], "--tls-client-ca"),
        (&["--tls-cert", "a", "--tls-key", "b", "--tls-peer-names", "c"], "--tls-client-ca"),
        (&["--tls-cert", "a", "--tls-key", "b", "--tls-peer-names", "c:1"], "without a port"),
        (&["--tls-min-version", "1.1"], "1.2 or 1.3"),
        (&["--cluster-secret", "file:/dev/null", "--peers", "c:1"], "at least 16"),
        (&["--cluster-secret", "swordfish"], "must not stand in the open"),
    ] {
        let said = run(psycache_command([&["serve"], flags].concat()), b"");
        assert_fails(&said, 2, &[told]);
    }
    let short = ServedNode::start(&[]);
    let said = run(psycache_command(["get", "default", "Tom", "--tls-cert", "a"]), b"");
    assert_fails(&said, 2, &["--tls-ca"]);
    drop(short);
}

#[test]
fn an_authority_between_serves_while_it_is_valid_and_is_named_when_it_has_expired() {
    let files = Files::new();
    let node_of = |name: &str, valid| {
        let between = files.authority.between("an authority between", valid);
        let node = between.sign(files.path(), name, &LOCAL, Valid::Now);
        let chain = fs::read_to_string(&node.cert).unwrap() + between.pem();
        fs::write(&node.cert, chain).unwrap();
        node
    };
    let node = Files::serve(&flags(&node_of("now", Valid::Now)));
    assert_eq!(stdout(&files.asks(node.address(), None, &GET)), "630");
    let expired = flags(&node_of("expired", Valid::Before));
    let serve = ["serve", "--listen", "127.0.0.1:0", "--http", "none"].map(str::to_owned);
    let said = psycache([&serve[..], &expired].concat());
    assert_fails(&said, 1, &["CN=an authority between", "valid from"]);
}
