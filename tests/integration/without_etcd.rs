//! A node that is told of an etcd which is not there.

use crate::harness::{ServedNode, ending, stdout};
use crate::server::page;

#[tokio::test(flavor = "multi_thread")]
async fn it_serves_without_holding_keys_and_says_so() {
    // Nobody listens there.
    let node = ServedNode::start(&["--etcd", "http://127.0.0.1:1", "--lease-ttl", "2s"]);
    assert_eq!(stdout(&node.run(["get", "default", "Tom"])), "630");
    let (head, body) = page(node.told("http").parse().expect("an address"), "/readyz").await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    assert!(body.contains("registry etcd: out of touch: "), "{body}");
    assert!(body.contains("keys: the node is unregistered"), "{body}");
    let status = node.run(["status"]);
    assert!(stdout(&status).contains("etcd (not connected), unregistered"), "{}", stdout(&status));
    // Nobody can tell whether another node holds the key.
    let refused = node.run(["set", "default", "Tom", "631", "--timeout", "300ms"]);
    let (code, complaint) = ending(&refused);
    assert!(code != Some(0) && complaint.contains("not confirmed"), "{complaint}");
    node.signal("TERM");
    let (ended, _, log) = node.ended();
    assert!(ended.success(), "{log}");
    assert!(log.contains("the registry does not answer"), "{log}");
}
