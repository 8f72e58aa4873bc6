//! Clients in other languages, which bring a TLS of their own.

use std::path::Path;
use std::process::Command;

use super::Files;
use crate::harness::{ending, run, stdout};

#[test]
fn grpcio_of_python_is_served_with_a_certificate_and_refused_without() {
    let files = Files::new();
    let node = Files::serve(&files.mutual());
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut python = Command::new(root.join("target/tools/python/bin/python"));
    python.arg(root.join("tests/integration/tls/grpcio.py")).arg(node.address());
    python.args([&files.ca, &files.client.cert, &files.client.key]);
    let said = run(python, b"");
    assert_eq!(stdout(&said), "served and refused\n", "{}", ending(&said).1);
}
