//! The commands of an operator and of a caller.

use std::fs;

use crate::cli::assert_fails;
use crate::harness::{ServedNode, ending, psycache, psycache_command, run, stdout};

use super::{Tokens, digest, token};

#[test]
fn a_new_token_works_with_its_line_in_the_file() {
    let scratch = tempfile::tempdir().unwrap();
    let (file, held) = (scratch.path().join("tokens.toml"), scratch.path().join("token"));
    let roles = ["--role", "read:d*", "--role", "write:default", "--rate", "500"];
    let made = psycache([&["token", "new", "web"], &roles[..]].concat());
    assert_eq!(ending(&made), (Some(0), ""));
    let (token, line) = stdout(&made).trim_end().split_once('\n').unwrap();
    assert!(token.starts_with("psycache_") && token.len() == 52, "{token}");
    let sha256 = digest(token);
    let expected = format!(
        "web = {{ sha256 = \"{sha256}\", roles = [\"read:d*\", \"write:default\"], rate = 500 }}"
    );
    assert_eq!(line, expected);
    fs::write(&file, line).unwrap();
    fs::write(&held, token).unwrap();
    let node = ServedNode::start(&["--tokens", file.to_str().unwrap()]);
    let held = held.to_str().unwrap();
    let set = node.run(["set", "default", "Ada", "815", "--token-file", held]);
    assert_eq!(ending(&set), (Some(0), ""));
    // The environment says the same.
    let mut command = psycache_command(["get", "default", "Ada"]);
    command.env("PSYCACHE_NODE", node.address()).env("PSYCACHE_TOKEN_FILE", held);
    assert_eq!(stdout(&run(command, b"")), "815");
    let denied = node.run(["clear", "default", "--token-file", held]);
    assert_fails(&denied, 1, &["web does not have the role clear for the group \"default\""]);
    let other = psycache(["token", "new", "web", "--role", "read"]);
    assert_ne!(stdout(&other), stdout(&made), "each is another");
}

#[test]
fn groups_may_be_named_apart_from_the_roles_and_a_name_is_made_where_none_is_given() {
    let roles = ["--role", "read", "--role", "write:default", "--group", "d*", "--group", "notes"];
    let made = psycache([&["token", "new"], &roles[..]].concat());
    assert_eq!(ending(&made), (Some(0), ""));
    let (token, line) = stdout(&made).trim_end().split_once('\n').unwrap();
    let sha256 = digest(token);
    let expected = format!(
        "caller-{} = {{ sha256 = \"{sha256}\", roles = [\"read:d*\", \"read:notes\", \
         \"write:default\"] }}",
        &sha256[..8]
    );
    assert_eq!(line, expected);
    let scratch = tempfile::tempdir().unwrap();
    let (file, held) = (scratch.path().join("tokens.toml"), scratch.path().join("token"));
    fs::write(&file, line).unwrap();
    fs::write(&held, token).unwrap();
    let node = ServedNode::start(&["--tokens", file.to_str().unwrap()]);
    let got = node.run(["get", "default", "Tom", "--token-file", held.to_str().unwrap()]);
    assert_eq!(ending(&got), (Some(0), ""));
}

#[test]
fn groups_named_apart_are_for_the_roles_that_name_none() {
    let roles = ["--role", "metrics", "--role", "read:*", "--role", "write", "--group", "notes"];
    let made = psycache([&["token", "new", "web"], &roles[..]].concat());
    assert_eq!(ending(&made), (Some(0), ""));
    let said = stdout(&made);
    assert!(said.contains("roles = [\"metrics\", \"read\", \"write:notes\"]"), "{said}");
}

#[test]
fn what_cant_be_a_token_is_refused_with_words() {
    for (args, parts) in [
        (&["web"][..], &["--role"][..]),
        (&["web", "--role", "reed"], &["the roles are read, write, clear, admin, metrics"]),
        (&["web", "--role", "read:*x"], &["names no groups"]),
        (&["web", "--role", "metrics:scores"], &["write metrics without one"]),
        (&["web", "--role", "read", "--group", "*x"], &["--group", "names no groups"]),
        (&["web", "--role", "metrics", "--group", "a"], &["write metrics without one"]),
        (&["web", "--role", "read:scores", "--group", "a"], &["no role takes it"]),
        (&["a b", "--role", "read"], &["letters, digits, - and _"]),
        (&["web", "--role", "read", "--rate", "0"], &["from 1 to 10000000"]),
    ] {
        assert_fails(&psycache([&["token", "new"], args].concat()), 2, parts);
    }
}

#[test]
fn a_token_file_that_cant_be_used_is_named() {
    let tokens = Tokens::of([("web", "read", "")]);
    let node = ServedNode::start(&tokens.flags().each_ref().map(String::as_str));
    let folder = tokens.folder.path();
    let get = |file: &str| {
        let file = folder.join(file);
        node.run(["get", "default", "Tom", "--token-file", file.to_str().unwrap()])
    };
    assert_fails(&get("absent"), 4, &["absent can't be read"]);
    fs::write(folder.join("empty"), "\n").unwrap();
    assert_fails(&get("empty"), 4, &["has no token in its first line"]);
    fs::write(folder.join("odd"), "tok\u{e9}n").unwrap();
    assert_fails(&get("odd"), 4, &["other characters than visible ASCII"]);
    fs::write(folder.join("wrong"), token("elsewhere")).unwrap();
    assert_fails(&get("wrong"), 1, &["does not know the token"]);
    fs::write(folder.join("right"), token("web")).unwrap();
    assert_eq!(stdout(&get("right")), "630");
}
