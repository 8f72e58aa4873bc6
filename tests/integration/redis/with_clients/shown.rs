//! What the README and the page of clients show of Redis clients, as they show it.

use std::process::Command;

use crate::harness::{ServedNode, run, stderr, stdout};
use crate::readme::{Shown, console, fenced, shell};

const PAGES: [&str; 2] =
    [include_str!("../../../../README.md"), include_str!("../../../../docs/clients.md")];

/// The port that the pages name; the tests use a free one.
const PORT: &str = "6379";

#[test]
fn what_the_pages_show_of_redis_clients_works() {
    for page in PAGES {
        let mut node = None;
        let (mut commands, mut programs) = (0, 0);
        for (language, text) in fenced(page) {
            match language {
                "console redis" => {
                    commands += 1;
                    console(text).iter().for_each(|shown| enter(shown, &mut node));
                }
                "python redis" => {
                    programs += 1;
                    python(text, node.as_ref().expect("a node is shown before"));
                }
                _ => {}
            }
        }
        assert!(commands + programs > 0, "nothing is shown");
    }
}

fn enter(shown: &Shown, node: &mut Option<ServedNode>) {
    let folder = tempfile::tempdir().unwrap();
    if shown.command.starts_with("psycache serve") {
        let command = shown.command.replace(PORT, "0");
        assert_ne!(command, shown.command, "it names the port");
        *node = Some(ServedNode::spawn(shell(&command, folder.path())));
        return;
    }
    let port = port(node.as_ref().expect("a node is shown before"));
    let command = shown.command.replace("redis-cli", &format!("redis-cli -p {port}"));
    let output = run(shell(&command, folder.path()), b"");
    assert_eq!(stdout(&output).trim_end(), shown.output, "{command}");
}

/// Runs a program; what it prints is shown in comments.
fn python(text: &str, node: &ServedNode) {
    let mut python = Command::new("/usr/bin/python3");
    python.args(["-c", &text.replace(PORT, &port(node))]);
    let output = run(python, b"");
    let comments = text.lines().filter_map(|line| Some(line.split_once("  # ")?.1));
    let shown: Vec<&str> = comments.collect();
    assert_eq!(stdout(&output).lines().collect::<Vec<_>>(), shown, "{}", stderr(&output));
    assert!(!shown.is_empty(), "{text}");
}

fn port(node: &ServedNode) -> String {
    node.told("redis").rsplit_once(':').unwrap().1.to_owned()
}
