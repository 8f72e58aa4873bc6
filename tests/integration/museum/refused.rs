//! What is no policy at all is refused, with the mend, and changes nothing.

use super::exhibits;
use super::operator::Operator;
use super::proc_status;
use crate::harness::{ServedNode, ending};

/// As much as a node takes, and more.
const TWO_HUNDRED_MIB: usize = 200 << 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_policy_is_told_apart_and_changes_nothing() {
    let node = ServedNode::start(&[]);
    let mut operator = Operator::of(node.address(), "default").await;
    let before = operator.policy().await;
    let healthy = exhibits::policy("no-slot");
    let half = healthy[..healthy.len() / 2].to_vec();
    for (name, bytes, why) in [
        ("core-module", exhibits::whole("core-module"), "wrap it with `wasm-tools component new`"),
        ("another-world", exhibits::whole("another-world"), "build it for the world policy-plugin"),
        ("foreign-import", exhibits::whole("foreign-import"), "imports my:host/secrets@1.0.0"),
        ("a-hundred-bytes", exhibits::retriever("a-hundred-bytes"), "it is a retriever"),
        ("truncated", half, "does not compile"),
        ("text", b"(component)".to_vec(), "in text form"),
    ] {
        let status = operator.swap(name, bytes).await.expect_err(name);
        assert_eq!(status.code(), tonic::Code::InvalidArgument, "{name}: {status}");
        assert!(status.message().contains(why), "{name}: {status}");
        assert_eq!(operator.policy().await, before, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_megabytes_are_taken_by_nobody() {
    let node = ServedNode::start(&[]);
    let huge = exhibits::padded(exhibits::policy("no-slot"), TWO_HUNDRED_MIB);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("huge.wasm");
    std::fs::write(&path, &huge).unwrap();
    let output = node.run(["policy", "swap", "default", path.to_str().unwrap()]);
    let (code, said) = ending(&output);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("wasm-tools strip"), "{said}");

    let mut operator = Operator::of(node.address(), "default").await;
    let status = operator.swap("huge", huge).await.expect_err("it is too large");
    assert_eq!(status.code(), tonic::Code::ResourceExhausted, "{status}");
    assert_eq!(operator.policy().await.name, "lru");
    let most_kib = proc_status(node.pid(), "VmHWM");
    assert!(most_kib < 400 << 10, "the node took {most_kib} KiB over it");
}

#[test]
fn every_exhibit_without_a_frame_is_there() {
    let known = ["another-world", "core-module", "foreign-import"];
    assert_eq!(exhibits::names("components"), known);
}
