//! The demo, watched to its end.

use crate::harness::{ServedNode, psycache, psycache_command, stdout};

#[test]
fn the_demo_shows_a_cluster_and_goes_on_if_it_is_to() {
    let mut demo = ServedNode::spawn(psycache_command(["demo", "--keep"]));
    assert_eq!(demo.ready(), "Three nodes are one cluster:");
    let mut shown = String::new();
    let mut addresses = Vec::new();
    loop {
        let line = demo.line();
        addresses.extend(line.split_once(" --node ").map(|(_, address)| address.to_owned()));
        shown += &line;
        shown.push('\n');
        if line.contains("Ctrl-C") {
            break;
        }
    }
    for part in [
        "the source was asked 3 times, once for each key",
        "from its own memory",
        "from the owner, ",
        "still answer 630, 630, 630.",
        "they answer 701, 701, 701.",
        "her bytes are freed all the same",
        "leaves, as a node does at SIGTERM",
        "A new node, D, joins.",
        "handed to lruk",
    ] {
        assert!(shown.contains(part), "no {part:?} in\n{shown}");
    }
    // Two that were there, the new one, and the one to ask for status.
    assert_eq!(addresses.len(), 4, "{shown}");
    for address in &addresses {
        let get = psycache(["get", "scores", "Tom", "--node", address]);
        assert_eq!(stdout(&get), "701", "{address}");
    }
    let status = psycache(["status", "--node", &addresses[0]]);
    let status = stdout(&status);
    let others = ["connected", "idle"].map(|state| status.matches(state).count());
    assert_eq!(others.iter().sum::<usize>(), 2, "{status}");
    demo.signal("INT");
    let (status, printed, log) = demo.ended();
    assert_eq!(status.code(), Some(0), "{log}");
    assert_eq!(
        printed.last().map(String::as_str),
        Some("That is all. Start a node of your own: psycache serve")
    );
}
