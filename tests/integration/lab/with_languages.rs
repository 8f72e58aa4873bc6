//! Policies in other languages than Rust: the commands of `docs/policies.md`, then a node that
//! serves with the policy.

use std::fs;
use std::path::Path;

use crate::harness::{ServedNode, psycache_command};
use crate::readme::{about, equipped};

/// Does what the page says about a policy in `language`, for each that it may be like.
///
/// # Panics
/// A command fails. If a tool is missing, `cargo xtask test` installs it.
fn follow_the_page(language: &str) {
    let likes = [("", "lru"), (" --like sieve", "sieve"), (" --like blank", "fifo")];
    let folders = likes.map(|(like, equal)| {
        let folder = tempfile::tempdir().unwrap();
        make(language, like, equal, folder.path());
        folder
    });
    let folder = folders[0].path();
    serve_with(&folder.join("mine/mine.wasm"));
    assert_tells_of_no_tool(folder);
}

/// A policy in `folder` whose hit ratios are those of the built-in `equal`.
fn make(language: &str, like: &str, equal: &str, folder: &Path) {
    let mut simulated = false;
    for shown in about(language) {
        let new = format!("psycache policy new mine --lang {language}");
        let command = shown
            .command
            .replace(&new, &format!("{new}{like}"))
            .replace("--policy lru,", &format!("--policy {equal},"));
        // Compilers take as long as they take.
        let output = equipped(&command, folder).output().unwrap();
        let said = [&output.stdout[..], &output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        let mend = "tools that are missing are installed by `cargo xtask test`";
        assert!(output.status.success(), "{command}: {said}\n{mend}");
        if command.starts_with("psycache policy check") {
            assert!(said.contains(" 0 failures, "), "{said}");
        }
        if command.starts_with("psycache sim") {
            assert_equal_to_the_builtin(equal, &said);
            simulated = true;
        }
    }
    assert!(simulated, "docs/policies.md shows a whole way for {language}");
    let inspected = equipped("psycache plugin inspect mine/mine.wasm --json", folder).output();
    let inspected = String::from_utf8(inspected.unwrap().stdout).unwrap();
    assert!(!inspected.contains("wasi:"), "a policy imports nothing: {inspected}");
}

/// Rows of the built-in and of the policy, which is one too.
fn assert_equal_to_the_builtin(builtin: &str, printed: &str) {
    let ratios = |policy: &str| -> Vec<String> {
        let rows = printed.lines().filter(|row| row.split(',').nth(4) == Some(policy));
        rows.map(|row| row.rsplit(',').next().unwrap().to_owned()).collect()
    };
    let own = ratios("mine/mine.wasm");
    assert_eq!(own.len(), 2, "{printed}");
    assert_eq!(own, ratios(builtin), "{printed}");
}

/// Swaps the policy into a node that holds an entry.
fn serve_with(component: &Path) {
    let node = ServedNode::start(&[]);
    assert!(node.run(["set", "default", "Tom", "630"]).status.success());
    let swapped = node.run(["policy", "swap", "default", component.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&swapped.stdout);
    assert!(said.contains("1 entries handed over"), "{swapped:?}");
    assert_eq!(node.run(["get", "default", "Tom"]).stdout, b"630");
}

/// A component that was built before is not taken for what a build has made that failed.
fn assert_tells_of_no_tool(folder: &Path) {
    fs::remove_file(folder.join("mine/mine.wasm")).unwrap();
    let mut build = psycache_command(["policy", "build", "mine"]);
    let output = build.current_dir(folder).env("PATH", "/nowhere").output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(" was not found; "), "{said}");
    assert!(!folder.join("mine/mine.wasm").exists());
}

#[test]
fn a_policy_in_go_goes_the_whole_way() {
    follow_the_page("go");
}

#[test]
fn a_policy_in_javascript_goes_the_whole_way() {
    follow_the_page("javascript");
}

#[test]
fn a_policy_in_python_goes_the_whole_way() {
    follow_the_page("python");
}

#[test]
fn a_policy_in_zig_goes_the_whole_way() {
    follow_the_page("zig");
}

#[test]
fn a_policy_in_c_goes_the_whole_way() {
    follow_the_page("c");
}

/// Go before 1.24 has no `//go:wasmexport`, and would say so in its own words.
#[test]
fn a_version_of_go_that_is_too_old_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let made = equipped("psycache policy new mine --lang go", folder.path()).output().unwrap();
    assert!(made.status.success());
    let bin = folder.path().join("mine/.venv/bin");
    fs::create_dir_all(&bin).unwrap();
    fs::write(bin.join("go"), "#!/bin/sh\necho go1.19.8\n").unwrap();
    let command = format!("chmod +x {}/go && psycache policy build mine", bin.display());
    let output = equipped(&command, folder.path()).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("needs Go 1.24 or later, and this is \"go1.19.8\""), "{said}");
}
