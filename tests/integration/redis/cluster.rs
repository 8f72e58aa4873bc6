//! Two nodes: any answers for any key.

use super::wire::Wire;
use crate::harness::ServedNode;

#[tokio::test]
async fn a_change_at_one_node_holds_at_the_other() {
    let nodes = ServedNode::pair(&["--redis", "127.0.0.1:0"]);
    let [mut one, mut two] =
        [Wire::open(address(&nodes[0])).await, Wire::open(address(&nodes[1])).await];
    // Of several keys, each node owns some.
    for number in 0..20 {
        one.call(&format!("SET key-{number} v{number:02}"), "+OK\r\n").await;
        two.call(&format!("GET key-{number}"), format!("$3\r\nv{number:02}\r\n")).await;
    }
    let all: String = (0..20).map(|number| format!(" key-{number}")).collect();
    let values: String = (0..20).map(|number| format!("$3\r\nv{number:02}\r\n")).collect();
    two.call(&format!("MGET{all}"), format!("*20\r\n{values}")).await;
    // Each key is in the memory of its owner.
    let [of_one, of_two] = [count(&mut one).await, count(&mut two).await];
    assert!(of_one > 0 && of_two > 0 && of_one + of_two == 20, "{of_one} {of_two}");
    two.call(&format!("DEL{all}"), ":20\r\n").await;
    one.call("DBSIZE", ":0\r\n").await;
}

async fn count(wire: &mut Wire) -> u32 {
    wire.line("DBSIZE").await[1..].parse().unwrap()
}

pub(super) fn address(node: &ServedNode) -> std::net::SocketAddr {
    node.told("redis").parse().unwrap()
}
