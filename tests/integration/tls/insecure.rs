//! A node that other machines can reach starts only with TLS, or when told to.

use super::{Files, flags};
use crate::cli::assert_fails;
use crate::harness::{ServedNode, psycache_command, run, stdout};

const ANYWHERE: &str = "0.0.0.0:0";

#[test]
fn a_node_that_others_can_reach_needs_tls_or_consent() {
    for (flag, address) in [("--listen", ANYWHERE), ("--http", ANYWHERE), ("--redis", ANYWHERE)] {
        let mut command = psycache_command(["serve", flag, address]);
        // Variables, as a flag may be given once.
        command.env("PSYCACHE_LISTEN", "127.0.0.1:0").env("PSYCACHE_HTTP", "none");
        let said = run(command, b"");
        assert_fails(&said, 1, &["can be reached from other machines", flag, "--insecure"]);
    }
}

#[test]
fn consent_is_logged_and_shown() {
    let node = ServedNode::start_at(ANYWHERE, &["--insecure"]);
    let port = node.address().rsplit_once(':').unwrap().1;
    let status = |args: &[&str]| {
        let mut command = psycache_command([&["status"], args].concat());
        command.env("PSYCACHE_NODE", format!("127.0.0.1:{port}"));
        stdout(&run(command, b"")).to_owned()
    };
    assert!(status(&[]).contains("insecure"), "{}", status(&[]));
    assert!(status(&["--json"]).contains("\"security\": \"insecure\""), "{}", status(&["--json"]));
    node.signal("TERM");
    let (_, _, log) = node.ended();
    assert!(log.contains("This node runs with --insecure"), "{log}");
}

#[test]
fn tls_and_loopback_need_no_consent() {
    let files = Files::new();
    let flags = flags(&files.node);
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let node = ServedNode::start_at(ANYWHERE, &flags);
    let port = node.address().rsplit_once(':').unwrap().1;
    let said = files.asks(&format!("127.0.0.1:{port}"), None, &["status", "--json"]);
    assert!(stdout(&said).contains("\"security\": \"tls\""), "{}", stdout(&said));
    let node = ServedNode::start(&[]);
    let said = node.run(["status", "--json"]);
    assert!(stdout(&said).contains("\"security\": \"loopback\""), "{}", stdout(&said));
}
