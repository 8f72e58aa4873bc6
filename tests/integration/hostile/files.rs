//! A node that has no file descriptors left.

use std::fs;

use super::{open, serves_others};
use crate::harness::{ServedNode, psycache_command};

/// A node whose limits of open files are these.
fn node_with_files(soft: u32, hard: u32) -> ServedNode {
    let own = psycache_command(["serve", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"]);
    let mut command = std::process::Command::new("sh");
    let limits = format!("ulimit -Sn {soft} && ulimit -Hn {hard} && exec \"$0\" \"$@\"");
    command.args(["-c", &limits]).arg(own.get_program()).args(own.get_args());
    command.args(["--redis", "127.0.0.1:0", "--log", "info", "--core-dumps", "false"]);
    for (name, value) in own.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    ServedNode::spawn(command)
}

#[test]
fn the_limit_of_open_files_is_raised_and_a_low_one_is_named() {
    let node = node_with_files(100, 200);
    let limits = fs::read_to_string(format!("/proc/{}/limits", node.pid())).expect("it runs");
    let files = limits.lines().find(|line| line.starts_with("Max open files")).expect("a line");
    let words: Vec<&str> = files.split_whitespace().collect();
    assert_eq!(words[3..5], ["200", "200"], "{files}");
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).expect("a line");
    assert!(core.split_whitespace().nth(4) == Some("0"), "{core}");
    node.signal("TERM");
    let (.., log) = node.ended();
    assert!(log.contains("LimitNOFILE") && log.contains("max-connections"), "{log}");
}

#[tokio::test]
async fn a_node_without_files_says_so_once_and_serves_again_when_there_are_some() {
    let node = node_with_files(80, 80);
    let mut held = Vec::new();
    for _ in 0..150 {
        held.push(open(node.told("redis")).await);
    }
    drop(held);
    serves_others(&node).await;
    node.signal("TERM");
    let (status, _, log) = node.ended();
    assert!(status.success(), "{status}");
    assert_eq!(log.matches("A client can't be accepted").count(), 1, "{log}");
}
