//! redis-cli and redis-benchmark.

use std::process::Command;

use crate::harness::{ServedNode, run, stderr, stdout};

struct Node(ServedNode);

impl Node {
    fn start() -> Self {
        Self(ServedNode::start(&["--redis", "127.0.0.1:0"]))
    }

    /// Runs a tool against the node.
    fn tool(&self, tool: &str, arguments: &[&str], input: &str) -> String {
        let (_, port) = self.0.told("redis").rsplit_once(':').unwrap();
        let mut command = Command::new(tool);
        command.args(["-p", port]).args(arguments);
        let output = run(command, input.as_bytes());
        assert!(output.status.success(), "{}{}", stdout(&output), stderr(&output));
        assert_eq!(stderr(&output), "");
        stdout(&output).to_owned()
    }
}

#[test]
fn redis_cli_works() {
    let node = Node::start();
    let cli = |arguments: &[&str]| node.tool("redis-cli", arguments, "");
    assert_eq!(cli(&["GET", "Tom"]), "630\n");
    assert_eq!(cli(&["-3", "GET", "nobody"]), "\n");
    assert_eq!(cli(&["-n", "0", "SET", "Ada", "1815", "EX", "10"]), "OK\n");
    assert_eq!(cli(&["--json", "-3", "MGET", "Ada", "nobody"]), "[\"1815\",null]\n");
    assert_eq!(node.tool("redis-cli", &["-x", "SET", "stdin"], "a b"), "OK\n");
    let script = "GET stdin\nDEL stdin\nHELLO 3\nCOMMAND DOCS\nINFO\nCONFIG GET *\nDBSIZE\n";
    let said = node.tool("redis-cli", &[], script);
    assert!(said.starts_with("a b\n1\nserver psycache\n"), "{said}");
    assert!(cli(&["NONSENSE"]).starts_with("ERR unknown command 'NONSENSE'"));
    // Protocol from a file, as for a mass insertion.
    let said = node.tool("redis-cli", &["--pipe"], "SET one 1\r\nSET two 2\r\n");
    assert!(said.contains("errors: 0, replies: 2"), "{said}");
}

#[test]
fn redis_benchmark_works() {
    let node = Node::start();
    for more in [&["-P", "1"][..], &["-P", "16", "-3"], &["--threads", "2"]] {
        let arguments = ["-q", "-n", "2000", "-r", "100", "-t", "ping,set,get,mset"];
        let said = node.tool("redis-benchmark", &[&arguments[..], more].concat(), "");
        let measured = said.matches("requests per second").count();
        assert_eq!(measured, 5, "{said}");
    }
    let said = node.tool("redis-cli", &["DBSIZE"], "");
    assert_ne!(said, "0\n", "nothing was set");
}
