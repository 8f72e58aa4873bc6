//! What `docs/clients.md` shows of the examples, in each of their languages: two nodes, of which
//! one is killed while the example asks.

mod go_stubs;

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use crate::harness::ServedNode;
use crate::readme::{Shown, console, fenced, shell};

const PAGE: &str = include_str!("../../../../docs/clients.md");

/// The nodes that the page names; the tests use free ports.
const NODES: [&str; 2] = ["127.0.0.1:7400", "127.0.0.1:7402"];

/// The language that the page shows.
const LANGUAGE: &str = "python";

/// Far more than an example needs on a busy machine; one that takes so long hangs.
const DEADLINE: Duration = Duration::from_secs(60);

/// The commands of the page, at free ports.
fn shown() -> Vec<Shown> {
    let mut blocks = fenced(PAGE).filter(|(language, _)| *language == "console grpc");
    let (_, text) = blocks.next().expect("the page shows an example");
    let free = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").expect("a free port"));
    let at_free_ports = NODES.iter().zip(&free).fold(text.to_owned(), |text, (node, listener)| {
        text.replace(node, &listener.local_addr().expect("bound").to_string())
    });
    assert_ne!(at_free_ports, text, "it names the nodes");
    console(&at_free_ports)
}

/// Runs the example of a language as the page shows it.
///
/// # Panics
/// It prints anything else than what the page shows. Languages write constants in their own ways.
fn run_the_example(language: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut shown = shown();
    let example = shown.pop().expect("the example stands after the nodes");
    let nodes = shown.iter().map(|node| ServedNode::spawn(shell(&node.command, root)));
    let mut nodes: Vec<_> = nodes.collect();
    assert_eq!(nodes.len(), 2);
    nodes.iter().for_each(ServedNode::wait_until_it_holds);
    let command = example.command.replace(LANGUAGE, language);
    let mut command = shell(&command, root);
    let mut running = Running::start(&mut command);
    // What comes before the first line takes as long as it takes: tools fetch and compile.
    let mut said: Vec<_> = running.lines.recv().into_iter().collect();
    while let Some(line) = running.line(&said) {
        if line.starts_with("Stop one of the nodes") {
            nodes.pop();
            running.press_enter();
        }
        said.push(line);
    }
    let status = running.child.wait().expect("it can be waited for");
    assert!(status.success(), "{said:?}");
    let plain = |line: &str| line.replace('_', "").to_lowercase();
    let expected: Vec<_> = example.output.lines().map(plain).collect();
    assert_eq!(said.iter().map(|line| plain(line)).collect::<Vec<_>>(), expected);
}

struct Running {
    child: Child,
    lines: Receiver<String>,
}

impl Running {
    fn start(command: &mut Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("there is a shell");
        let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let (told, heard) = channel();
        thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| told.send(line)));
        Self { child, lines: heard }
    }

    /// The next line, or nothing if it has ended.
    fn line(&mut self, said: &[String]) -> Option<String> {
        match self.lines.recv_timeout(DEADLINE) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => {
                let _ = self.child.kill();
                panic!("the example goes no further than {said:?}");
            }
        }
    }

    fn press_enter(&mut self) {
        let input = self.child.stdin.as_mut().expect("it is piped");
        input.write_all(b"\n").expect("it waits for it");
    }
}

#[test]
fn the_example_in_python_works() {
    run_the_example("python");
}

#[test]
fn the_example_in_go_works() {
    run_the_example("go");
}

#[test]
fn the_example_in_java_works() {
    run_the_example("java");
}

#[test]
fn the_example_in_javascript_works() {
    run_the_example("node");
}
