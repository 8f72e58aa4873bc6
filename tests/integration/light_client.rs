//! The example of the crate `psycache-client`, as `docs/clients.md` shows it.

use std::net::TcpListener;
use std::path::Path;

use crate::harness::ServedNode;
use crate::readme::{console, fenced, shell};

const PAGE: &str = include_str!("../../docs/clients.md");

/// The nodes that the page names; the test uses free ports.
const NODES: [&str; 2] = ["127.0.0.1:7400", "127.0.0.1:7402"];

/// What the page runs it by. `cargo xtask test` has compiled it together with the node's tests.
/// Clippy checks it by itself, as the page compiles it.
const BY_CARGO: &str = "cargo run --release --package psycache-client --example scores --";

#[test]
fn the_example_works() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (_, text) =
        fenced(PAGE).find(|(language, _)| *language == "console rust").expect("it is shown");
    let free = NODES.map(|_| TcpListener::bind("127.0.0.1:0").expect("a free port"));
    let text = NODES.iter().zip(&free).fold(text.to_owned(), |text, (node, listener)| {
        text.replace(node, &listener.local_addr().expect("bound").to_string())
    });
    drop(free);
    let mut shown = console(&text);
    let example = shown.pop().expect("the example stands after the nodes");
    let nodes: Vec<_> =
        shown.iter().map(|node| ServedNode::spawn(shell(&node.command, root))).collect();
    assert_eq!(nodes.len(), 2);
    nodes.iter().for_each(ServedNode::wait_until_it_holds);
    let built = Path::new(env!("CARGO_BIN_EXE_psycache")).with_file_name("examples").join("scores");
    assert!(built.exists(), "cargo build --release --package psycache-client --examples builds it");
    let arguments = example.command.strip_prefix(BY_CARGO).expect("it is run by cargo");
    let output = shell(&format!("{}{arguments}", built.display()), root).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(printed.trim_end(), example.output);
}
