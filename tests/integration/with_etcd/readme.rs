//! The README's way from one node to three, typed as it stands there.

use std::path::Path;

use super::server::Etcd;
use crate::harness::{ServedNode, run, stdout};
use crate::patience::seen_blocking;
use crate::readme::{Shown, cluster, shell};

/// The reader's terminal: etcd and the nodes run in the background.
struct Terminal {
    etcd: Option<Etcd>,
    /// Each with the port that the README has it on.
    nodes: Vec<(String, ServedNode)>,
}

impl Terminal {
    async fn enter(&mut self, shown: &Shown, folder: &Path) {
        match shown.command.as_str() {
            "etcd &" => self.etcd = Some(Etcd::start().await),
            // The third node is the terminal's fourth job.
            "kill %4" => {
                let (_, node) = self.nodes.pop().expect("there are nodes");
                assert_eq!(self.nodes.len(), 2, "the fourth job is no node");
                node.signal("TERM");
                let (status, _, log) = node.ended();
                assert_eq!(status.code(), Some(0), "{log}");
            }
            command if command.starts_with("psycache serve ") => self.serve(shown, folder),
            command => {
                let output =
                    run(shell(&format!("{{ {}\n}} 2>&1", self.ours(command)), folder), b"");
                assert!(output.status.success(), "{command}\n{}", stdout(&output));
                if shown.output.contains("NODE ") {
                    self.shows_as_many_nodes(command, &shown.output, folder);
                } else if !shown.output.is_empty() {
                    assert_eq!(stdout(&output).trim_end(), shown.output, "{command}");
                }
            }
        }
    }

    fn serve(&mut self, shown: &Shown, folder: &Path) {
        let (command, port) = match shown.command.split_once("--listen 127.0.0.1:") {
            None => (shown.command.clone(), "7400".to_owned()),
            Some((before, rest)) => {
                let (port, rest) = rest.split_once(' ').expect("more follows the port");
                (format!("{before}--listen 127.0.0.1:0 {rest}"), port.to_owned())
            }
        };
        let node = ServedNode::spawn(shell(&self.ours(&command), folder));
        let told = |name: &str| format!("{name}={}", node.told(name));
        for part in [told("nodes"), told("groups")] {
            assert!(shown.output.contains(&part), "{part} in place of {:?}", shown.output);
        }
        assert!(shown.output.contains(&format!("listen=127.0.0.1:{port} ")), "{port}");
        self.nodes.push((port, node));
    }

    /// A status with as many rows of nodes as the one that is shown, once the node
    /// that is asked has heard of the last change.
    fn shows_as_many_nodes(&self, command: &str, expected: &str, folder: &Path) {
        let rows = |text: &str| {
            let rows = text.lines().skip_while(|line| !line.starts_with("NODE ")).skip(1);
            rows.take_while(|line| !line.is_empty()).count()
        };
        seen_blocking(|| {
            let output = run(shell(&self.ours(command), folder), b"");
            let as_many = rows(stdout(&output)) == rows(expected);
            as_many.then_some(()).ok_or_else(|| format!("{command}\n{}", stdout(&output)))
        });
    }

    /// The command with the addresses of the things that run here.
    fn ours(&self, command: &str) -> String {
        let mut command = command.to_owned();
        if let Some(etcd) = &self.etcd {
            command = command.replace("http://127.0.0.1:2379", &etcd.url());
        }
        for (port, node) in &self.nodes {
            command = command.replace(
                &format!("--node 127.0.0.1:{port}"),
                &format!("--node {}", node.address()),
            );
        }
        // What a command without an address asks.
        match self.nodes.first() {
            Some((_, node)) if !command.contains("serve") => {
                format!("PSYCACHE_NODE={} {command}", node.address())
            }
            _ => command,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_readme_leads_from_one_node_to_three() {
    let folder = tempfile::tempdir().unwrap();
    let mut terminal = Terminal { etcd: None, nodes: Vec::new() };
    let commands = cluster();
    for shown in &commands {
        terminal.enter(shown, folder.path()).await;
    }
    assert!(commands.len() >= 8 && terminal.nodes.len() == 2, "{commands:?}");
}
