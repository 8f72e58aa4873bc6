//! Plugins are compiled once, kept in files, and loaded where memory is short.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::harness::{ServedNode, ending, psycache, psycache_command, run, stderr, stdout};

/// Starts a node with this cache, asks it for a value, and returns its log.
fn log_of_a_run(cache: &Path) -> String {
    let mut command = psycache_command(["serve", "--listen", "127.0.0.1:0", "--http", "none"]);
    command.env("XDG_CACHE_HOME", cache);
    let node = ServedNode::spawn(command);
    let got = node.run(["get", "default", "Tom"]);
    assert_eq!((ending(&got), stdout(&got)), ((Some(0), ""), "630"));
    node.signal("TERM");
    let (status, _, log) = node.ended();
    assert!(status.success(), "{log}");
    log
}

/// The files with compiled code.
fn code(cache: &Path) -> Vec<PathBuf> {
    let folder = cache.join("psycache/components/code/modules");
    let versions = fs::read_dir(folder).unwrap().map(|version| version.unwrap().path());
    let files = versions.flat_map(|version| fs::read_dir(version).unwrap());
    let paths = files.map(|file| file.unwrap().path());
    paths.filter(|path| path.extension().is_none()).collect()
}

#[test]
fn compiled_code_that_was_damaged_is_made_again() {
    let cache = tempfile::tempdir().unwrap();
    log_of_a_run(cache.path());
    let files = code(cache.path());
    assert!(files.len() >= 2, "a policy and a source: {files:?}");
    let damaged: Vec<Vec<u8>> = files
        .iter()
        .map(|file| {
            let mut bytes = fs::read(file).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            fs::write(file, &bytes).unwrap();
            bytes
        })
        .collect();
    let log = log_of_a_run(cache.path());
    assert!(log.contains("not as it was written"), "{log}");
    for (file, damaged) in files.iter().zip(damaged) {
        assert!(fs::read(file).unwrap() != damaged, "{} is as it was", file.display());
    }

    // Sound code is used: the files stay.
    let written = || -> Vec<_> {
        files.iter().map(|file| fs::metadata(file).unwrap().modified().unwrap()).collect()
    };
    let before = written();
    let log = log_of_a_run(cache.path());
    assert!(!log.contains("not as it was written"), "{log}");
    assert_eq!(written(), before);
}

#[test]
fn a_process_without_address_space_is_told_what_is_short() {
    let mut shell = Command::new("sh");
    shell.args(["-c", "ulimit -v 4000000; exec \"$0\" serve --listen 127.0.0.1:0 --http none"]);
    shell.arg(env!("CARGO_BIN_EXE_psycache"));
    let refused = run(shell, b"");
    let told = stderr(&refused);
    assert_eq!(refused.status.code(), Some(1), "{told}");
    for part in ["address space", "4 GiB", "ulimit -v"] {
        assert!(told.contains(part), "no {part} in {told}");
    }
    assert!(!told.contains("trapped"), "{told}");
}

#[test]
fn a_component_of_wasi_0_3_is_told_what_the_node_offers() {
    let folder = tempfile::tempdir().unwrap();
    let later = "(component (import \"wasi:cli/stdin@0.3.0\" (instance \
                 (export \"read-via-stream\" (func (result (stream u8)))))))";
    let file = folder.path().join("later.wasm");
    fs::write(&file, wat::parse_str(later).unwrap()).unwrap();
    let refused =
        psycache(["serve", "--listen", "127.0.0.1:0", "--policy", file.to_str().unwrap()]);
    let told = stderr(&refused);
    assert_eq!(refused.status.code(), Some(1), "{told}");
    for part in ["WASI 0.2", "psycache-plugin.wit", "wasm32-wasip2"] {
        assert!(told.contains(part), "no {part} in {told}");
    }
    assert!(!told.contains("current tools"), "{told}");
}
