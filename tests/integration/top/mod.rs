//! `psycache top` on a real terminal: what a person sees, and what is left of it.

mod terminal;

use std::process::Command;

use crate::cli::assert_fails;
use crate::harness::{ServedNode, ending, psycache, psycache_command, run, stdout};
use terminal::Terminal;

fn top(address: &str) -> Command {
    let mut command = psycache_command(["top", "--every", "100ms", "--node", address]);
    command.env_remove("NO_COLOR");
    command
}

/// A node with two groups, the second of which hit three of four gets.
fn node() -> (tempfile::TempDir, ServedNode) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("node.toml");
    let group = |name| format!("[[group]]\nname = \"{name}\"\nretriever = \"static\"\n");
    std::fs::write(&file, group("names") + &group("scores")).unwrap();
    let node = ServedNode::start(&["--config", file.to_str().unwrap()]);
    for _ in 0..4 {
        assert_eq!(ending(&node.run(["get", "scores", "Tom"])), (Some(0), ""));
    }
    (folder, node)
}

#[test]
fn a_group_and_its_ratio_are_on_the_screen_and_keys_choose() {
    let (_folder, node) = node();
    let mut terminal = Terminal::run(top(node.address()), 40, 120);
    let text =
        terminal.shows(&["> names", "scores", "75.0%", "100.0%", "Hit ratio of names", "? keys"]);
    assert!(text.starts_with(&format!("{} ready, version ", node.address())), "{text}");

    terminal.press("j");
    terminal.shows(&["> scores", "Hit ratio of scores"]);
    // What happens while it runs, again and again: it is that of the last seconds.
    terminal.shows_while(&["Hit ratio of scores, last", "100.0% now"], || {
        node.run(["get", "scores", "Tom"]);
    });
    terminal.press("\r");
    terminal.shows(&["Group scores", "policy lru is running", " gets were hits"]);
    terminal.press("?");
    terminal.shows(&["choose the group above or below"]);
    terminal.press("\x1b");
    terminal.shows(&["> scores"]);
    terminal.press("\x1b[A");
    terminal.shows(&["> names"]);

    terminal.resize(12, 40);
    let text = terminal.shows(&["> names", "HIT RATIO"]);
    assert!(text.lines().all(|line| line.chars().count() <= 40), "{text}");
    terminal.resize(50, 160);
    terminal.shows(&["CAPACITY", "64.0 MiB", "Hit ratio of names"]);

    assert_eq!(terminal.ended_by("q").code(), Some(0));
    terminal.is_given_back();
}

#[test]
fn each_end_gives_the_terminal_back() {
    let (_folder, node) = node();
    let ends: [&dyn Fn(&mut Terminal); 5] = [
        &|terminal| terminal.press("\x1b"),
        &|terminal| terminal.press("\x03"),
        &|terminal| terminal.signal("TERM"),
        &|terminal| terminal.signal("INT"),
        &|terminal| terminal.signal("HUP"),
    ];
    for end in ends {
        let mut terminal = Terminal::run(top(node.address()), 24, 80);
        terminal.shows(&["> names"]);
        end(&mut terminal);
        assert_eq!(terminal.ended().code(), Some(0));
        terminal.is_given_back();
    }
}

#[test]
fn a_node_that_goes_away_is_waited_for() {
    let (folder, node) = node();
    let address = node.address().to_owned();
    let mut terminal = Terminal::run(top(&address), 24, 100);
    terminal.shows(&["> names"]);
    drop(node);
    // What it told last stays.
    terminal.shows(&["No answer for", "asked again in", "> names", "75.0%"]);

    let file = folder.path().join("node.toml");
    let again = ServedNode::start_at(&address, &["--config", file.to_str().unwrap()]);
    terminal.shows_no("No answer");
    terminal.shows_no("75.0%");
    drop(again);
    terminal.press("q");
    assert_eq!(terminal.ended().code(), Some(0));
    terminal.is_given_back();
}

#[test]
fn no_color_means_none() {
    let (_folder, node) = node();
    let has_colour = |value: &str| {
        let mut command = top(node.address());
        command.env("NO_COLOR", value);
        let mut terminal = Terminal::run(command, 24, 100);
        terminal.shows(&["> names", "running"]);
        terminal.press("q");
        terminal.ended();
        let bytes = terminal.bytes();
        [&b"\x1b[38;5;"[..], b"\x1b[32m"]
            .iter()
            .any(|of| bytes.windows(of.len()).any(|at| at == *of))
    };
    assert!(has_colour(""));
    assert!(!has_colour("1"));
}

#[test]
fn what_can_show_no_screen_is_refused_with_what_to_do() {
    let (_folder, node) = node();
    let piped = node.run(["top"]);
    assert_fails(&piped, 2, &["standard output is no terminal", "--once", "status --json"]);

    let mut command = top(node.address());
    command.env("TERM", "dumb");
    let mut terminal = Terminal::run(command, 24, 80);
    terminal.shows(&["error: the terminal can't move its cursor (TERM=dumb)", "--once"]);
    assert_eq!(terminal.ended().code(), Some(2));
    terminal.is_given_back();

    assert_fails(&psycache(["top", "--every", "1ms"]), 2, &["--every", "from 100ms to 1h"]);
}

#[test]
fn a_node_that_is_not_there_is_an_error_and_takes_no_terminal() {
    let (_folder, node) = node();
    let address = node.address().to_owned();
    drop(node);
    let mut terminal = Terminal::run(top(&address), 24, 100);
    terminal.shows(&["can't be reached", "is it running (psycache serve)?"]);
    assert_eq!(terminal.ended().code(), Some(4));
    assert!(!terminal.bytes().windows(8).any(|bytes| bytes == b"\x1b[?1049h"));
}

#[test]
fn one_frame_is_plain_text() {
    let (_folder, node) = node();
    let shadow = ["shadow", "names", "--policy", "lfu"];
    assert_eq!(ending(&node.run(shadow)), (Some(0), ""));
    let mut command = top(node.address());
    command.arg("--once");
    let output = run(command, b"");
    assert_eq!(ending(&output), (Some(0), ""));
    let text = stdout(&output);
    for part in [
        "ready, version",
        "> names",
        "  scores  lru     running",
        "75.0%",
        "Shadow\ngroup names: lru",
    ] {
        assert!(text.contains(part), "no {part:?} in {text}");
    }
    assert!(!text.contains('\x1b'), "{text:?}");
}
