//! Clients that have not shown who they are: what they send is refused before it takes memory.

use super::frames::{DATA, END_STREAM, HEADERS, call_of, frame, next_frame, preface, send};
use super::{node, open};
use crate::access::{Tokens, token};
use crate::harness::ServedNode;
use crate::patience::soon;
use crate::redis::wire::{Wire, array};

/// Begins a call whose message is never whole, and waits for the answer.
async fn is_answered(node: &ServedNode, method: &str) {
    let mut stream = open(node.address()).await;
    let begun = [&[0, 0x03, 0, 0, 0][..], &[7; 16_000]].concat();
    let call = [preface(), call_of(1, method), frame(DATA, 0, 1, &begun)].concat();
    assert!(send(&mut stream, &call).await);
    let answered = async {
        loop {
            let frame = next_frame(&mut stream).await.expect("it goes on");
            if (frame.kind, frame.stream) == (HEADERS, 1) {
                assert!(frame.flags & END_STREAM != 0, "{method}: a status alone");
                return;
            }
        }
    };
    soon(method, answered).await;
}

#[tokio::test]
async fn a_call_of_a_stranger_is_refused_before_its_message_has_come() {
    let tokens = Tokens::of([("web", "write", "")]);
    let node = node(&tokens.flags().each_ref().map(String::as_str));
    for method in ["Cache/Set", "Cache/Session", "Admin/Status", "Admin/SwapPolicy"] {
        is_answered(&node, &format!("psycache.v1.{method}")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_as_a_node_without_the_secret_is_refused_before_its_message_has_come() {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "shared-by-all-the-nodes").unwrap();
    let secret = format!("file:{}", secret.display());
    let [node, _other] = ServedNode::pair(&["--cluster-secret", &secret]);
    for method in ["Call", "Exchange"] {
        is_answered(&node, &format!("psycache.v1.Peer/{method}")).await;
    }
}

#[tokio::test]
async fn a_redis_client_may_send_much_once_it_has_said_who_it_is() {
    let tokens = Tokens::of([("web", "write", "")]);
    let node = node(&tokens.flags().each_ref().map(String::as_str));
    let open =
        async || Wire::open(node.told("redis").parse::<std::net::SocketAddr>().unwrap()).await;
    for (begun, problem) in [
        ("*3\r\n$3\r\nSET\r\n$1\r\na\r\n$60000000\r\n", "unauthenticated bulk length"),
        ("*11\r\n", "unauthenticated multibulk length"),
        ("*1\r\n$16385\r\n", "unauthenticated bulk length"),
    ] {
        let mut wire = open().await;
        wire.send(begun).await;
        let said = wire.read_line().await;
        assert!(said.contains(problem) && said.contains("AUTH"), "{begun:?}: {said}");
        assert!(wire.rest().await.is_empty(), "{begun:?}");
    }
    // In one go: it is known before the second request is looked at.
    let auth = array(&[b"AUTH", token("web").as_bytes()]);
    let set = array(&[b"SET", b"a", &vec![7; 1 << 20]]);
    let mut wire = open().await;
    wire.send([auth, set].concat()).await;
    wire.expect("+OK\r\n+OK\r\n").await;
}
