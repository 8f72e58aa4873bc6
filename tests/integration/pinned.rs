//! Plugins whose digests the settings name.

use std::fs;

use crate::cli::assert_fails;
use crate::harness::{ServedNode, psycache, stderr, stdout};

/// The digest of a built-in policy, as `policy list` says it.
fn digest(name: &str) -> String {
    let list: serde_json::Value =
        serde_json::from_str(stdout(&psycache(["policy", "list", "--json"]))).unwrap();
    let policy = list.as_array().unwrap().iter().find(|policy| policy["name"] == name).unwrap();
    policy["sha256"].as_str().unwrap().to_owned()
}

#[test]
fn a_plugin_with_another_digest_is_refused_at_start_and_by_a_swap() {
    let pins = format!("{},{}", digest("lru").to_uppercase(), digest("sieve"));
    let node = ServedNode::start(&["--policy", "lru", "--policy-sha256", &pins]);
    let swapped = node.run(["policy", "swap", "default", "sieve"]);
    assert!(swapped.status.success(), "{}", stderr(&swapped));
    let fifo = digest("fifo");
    assert_fails(&node.run(["policy", "swap", "default", "fifo"]), 2, &[&fifo, "sha256"]);
    // A file is judged by its bytes, whatever its name.
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("sieve.wasm");
    let fifo_bytes = concat!(env!("CARGO_MANIFEST_DIR"), "/plugins/dist/fifo.wasm");
    fs::copy(fifo_bytes, &file).unwrap();
    let said = node.run(["policy", "swap", "default", file.to_str().unwrap()]);
    assert_fails(&said, 2, &[&fifo]);
    assert!(stdout(&node.run(["status", "--json"])).contains("\"name\": \"sieve\""));

    let serve = |args: &[&str]| {
        psycache([&["serve", "--listen", "127.0.0.1:0", "--http", "none"], args].concat())
    };
    assert_fails(&serve(&["--policy", "fifo", "--policy-sha256", &pins]), 1, &[&fifo, "sha256"]);
    let of_static = serve(&["--retriever", "static", "--retriever-sha256", &fifo]);
    assert_fails(&of_static, 1, &["static has the SHA-256 digest", &fifo]);
    assert_fails(&serve(&["--policy", "lru", "--policy-sha256", "abc"]), 2, &["64 hexadecimal"]);
}

#[test]
fn the_file_of_settings_pins_too() {
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("node.toml");
    let lru = digest("lru");
    let group = |pin: &str| {
        format!("[[group]]\nname = 'default'\npolicy = {{ plugin = 'lru', sha256 = '{pin}' }}\n")
    };
    fs::write(&file, group(&lru)).unwrap();
    let node = ServedNode::start(&["--config", file.to_str().unwrap()]);
    assert!(!node.run(["policy", "swap", "default", "fifo"]).status.success());
    assert!(node.run(["policy", "swap", "default", "lru"]).status.success());
}
