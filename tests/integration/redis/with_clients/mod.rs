//! Clients and tools that were written for Redis, unmodified.
//!
//! A client goes through one scenario, in its own language: values, a pipeline, errors; then the
//! node that it talks to is killed, another node answers, and once the first is back the same
//! client reaches it again.

mod redis_rs;
mod scenarios;
mod shown;
mod tools;

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use crate::harness::{ServedNode, psycache_command};

/// Far more than a client needs on a busy machine; one that takes so long hangs.
const DEADLINE: Duration = Duration::from_secs(60);

/// A list of two nodes, each with a port for Redis clients. The first can be killed and started
/// again.
struct Pair {
    /// gRPC and Redis of each node.
    addresses: [[String; 2]; 2],
    first: Option<ServedNode>,
    _second: ServedNode,
}

impl Pair {
    fn start() -> Self {
        let free = [[(); 2]; 2]
            .map(|node| node.map(|()| TcpListener::bind("127.0.0.1:0").expect("a free port")));
        let addresses =
            free.map(|node| node.map(|listener| listener.local_addr().expect("bound").to_string()));
        let second = serve(&addresses, 1);
        let first = Some(serve(&addresses, 0));
        Self { addresses, first, _second: second }
    }

    fn kill_first(&mut self) {
        self.first = None;
    }

    fn start_first(&mut self) {
        self.first = Some(serve(&self.addresses, 0));
    }

    /// Runs a client's scenario to its end. It prints `kill` and `start` when that is to happen
    /// to the first node, and waits for a line.
    fn run(&mut self, mut client: Command) {
        let [[_, first], [_, second]] = &self.addresses;
        client.env("FIRST", first).env("SECOND", second);
        client.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut client = client.spawn().expect("the client can be started");
        let mut input = client.stdin.take().expect("it is piped");
        let lines = BufReader::new(client.stdout.take().expect("it is piped")).lines();
        let (told, heard) = channel();
        thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| told.send(line)));
        let mut said = Vec::new();
        loop {
            let line = match heard.recv_timeout(DEADLINE) {
                Ok(line) => line,
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    let _ = client.kill();
                    panic!("the client goes no further than {said:?}");
                }
            };
            match line.as_str() {
                "kill" => self.kill_first(),
                "start" => self.start_first(),
                // It waits for no answer, and may have ended.
                _ => {
                    said.push(line);
                    continue;
                }
            }
            said.push(line);
            writeln!(input, "done").expect("the client waits for it");
        }
        let status = client.wait().expect("it can be waited for");
        assert!(status.success(), "{said:?}");
        assert_eq!(said, ["kill", "start", "end"]);
    }
}

fn serve(addresses: &[[String; 2]; 2], place: usize) -> ServedNode {
    let [grpc, redis] = &addresses[place];
    let peers = format!("{},{}", addresses[0][0], addresses[1][0]);
    let arguments = ["serve", "--listen", grpc, "--redis", redis, "--peers", &peers];
    let mut command = psycache_command(arguments);
    command.args(["--http", "127.0.0.1:0"]);
    ServedNode::spawn(command)
}
