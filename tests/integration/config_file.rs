//! A config file and the files that it names, from whatever folder a node is started.

use std::fs;
use std::process::Command;

use crate::harness::{ServedNode, ending, psycache_command, run, stderr, stdout};
use crate::museum::exhibits;

/// A `serve` in the root folder, with this config file.
fn elsewhere(config: &str, folder: &std::path::Path) -> Command {
    let file = folder.join("node.toml");
    fs::write(&file, format!("listen = '127.0.0.1:0'\nhttp = 'none'\n{config}")).unwrap();
    let mut command = psycache_command(["serve", "--config", file.to_str().unwrap()]);
    command.current_dir("/");
    command
}

#[test]
fn paths_are_relative_to_the_file_that_has_them() {
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path();
    fs::create_dir(folder.join("data")).unwrap();
    fs::write(folder.join("data/scores.csv"), "key,value\nAda,815\n").unwrap();
    fs::write(folder.join("mine.wasm"), exhibits::policy("log-flood")).unwrap();
    // A space behind a name is none of the name, as on the command line.
    let config = "[[group]]\nname = 'scores'\npolicy = 'mine.wasm'\n\
                  retriever = { plugin = 'static', options = { 'data ' = '@data/scores.csv' } }\n";
    let node = ServedNode::spawn(elsewhere(config, folder));
    let got = node.run(["get", "scores", "Ada"]);
    assert_eq!((ending(&got), stdout(&got)), ((Some(0), ""), "815"));
    let status = node.run(["status", "--json"]);
    assert!(stdout(&status).contains("mine.wasm"), "{}", stdout(&status));

    let place = folder.to_str().unwrap();
    for (group, part) in [
        ("policy = './no-such.wasm'", "no-such.wasm"),
        ("retriever = { plugin = 'mysql', secrets = { password = 'file:word' } }", "word"),
        ("retriever = { plugin = 'static', options = { data = '1', 'data ' = '2' } }", "twice"),
    ] {
        let config = format!("[[group]]\nname = 'scores'\n{group}\n");
        let refused = run(elsewhere(&config, folder), b"");
        let told = stderr(&refused);
        assert!(!refused.status.success(), "{told}");
        assert!(told.contains(place) && told.contains(part), "{part}: {told}");
    }
    let ca = "[cluster]\netcd = ['https://127.0.0.1:1']\netcd-ca = 'data/scores.csv'\n";
    let refused = run(elsewhere(ca, folder), b"");
    assert!(stderr(&refused).contains("no CERTIFICATE in PEM"), "{}", stderr(&refused));
}
