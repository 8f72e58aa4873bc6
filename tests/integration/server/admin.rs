//! What operators ask of a node.

use std::collections::HashMap;
use std::time::Duration;

use psycache::proto::admin_client::AdminClient;
use psycache::proto::start_shadow_request::Part as ShadowPart;
use psycache::proto::swap_policy_request::Part;
use psycache::proto::{
    ListShadowsRequest, ShadowHeader, ShadowPolicy, StartShadowRequest, StatusRequest,
    StopShadowRequest, SwapPolicyHeader, SwapPolicyRequest, SwapPolicyResponse,
};
use psycache::server::{PolicySwap, ServerConfig, ShadowStart};
use sha2::{Digest, Sha256};
use tonic::{Code, Response, Status};

use super::{Served, info, served, served_with};

fn header(name: &str, sha256: &str) -> Part {
    let options = HashMap::from([("k".into(), "2".into()), ("history".into(), "1".into())]);
    let (group, name, sha256) = ("scores".into(), name.into(), sha256.into());
    Part::Header(SwapPolicyHeader { group, name, sha256, options })
}

fn component(bytes: &'static [u8]) -> Part {
    Part::Component(bytes.into())
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02X}")).collect()
}

async fn swap(served: &Served, parts: Vec<Part>) -> Result<SwapPolicyResponse, Status> {
    let parts = parts.into_iter().map(|part| SwapPolicyRequest { part: Some(part) });
    let parts = tokio_stream::iter(parts.collect::<Vec<_>>());
    let answer = AdminClient::new(served.channel.clone()).swap_policy(parts).await;
    answer.map(Response::into_inner)
}

#[tokio::test]
async fn status_tells_what_the_groups_did() {
    let served = served().await;
    for _ in 0..3 {
        served.get("Tom").await.unwrap();
    }
    served.get("down").await.unwrap_err();
    let mut client = AdminClient::new(served.channel.clone());
    let status = client.status(StatusRequest {}).await.unwrap().into_inner();
    assert_eq!(status.version, "1.2.3");
    let [notes, scores] = status.groups.as_slice() else { panic!("{status:?}") };
    assert_eq!((notes.name.as_str(), &notes.retriever), ("notes", &None));
    assert_eq!((scores.hits, scores.misses, scores.loads, scores.entries), (2, 1, 2, 1));
    assert_eq!(scores.capacity_bytes, super::CAPACITY);
    assert!((1..super::CAPACITY).contains(&scores.bytes), "{}", scores.bytes);
    let policy = scores.policy.as_ref().unwrap();
    assert_eq!((policy.name.as_str(), policy.state.as_str()), ("lru", "running"));
    assert_eq!(policy.sha256.len(), 64);
    let retriever = scores.retriever.as_ref().unwrap();
    assert_eq!((retriever.name.as_str(), retriever.failures), ("source", 1));
}

#[tokio::test]
async fn a_component_arrives_whole_with_its_options() {
    let served = served().await;
    let parts =
        vec![header("mine.wasm", &digest(b"component")), component(b"com"), component(b"ponent")];
    let swapped = swap(&served, parts).await.unwrap();
    assert_eq!((swapped.entries, swapped.duration_ms), (3, 7));
    let expected = PolicySwap {
        group: "scores".into(),
        name: "mine.wasm".into(),
        component: Some("component".into()),
        options: vec![("history".into(), "1".into()), ("k".into(), "2".into())],
    };
    assert_eq!(*served.operations.swaps.lock(), [expected]);
}

#[tokio::test]
async fn a_built_in_needs_no_component() {
    let served = served().await;
    swap(&served, vec![header("lfu", "")]).await.unwrap();
    let swaps = served.operations.swaps.lock();
    assert_eq!((swaps[0].name.as_str(), &swaps[0].component), ("lfu", &None));
}

#[tokio::test]
async fn a_swap_that_is_not_in_order_is_refused_before_anything_happens() {
    let served = served().await;
    let good = digest(b"component");
    for (argument, parts) in [
        ("header", vec![]),
        ("header", vec![component(b"component")]),
        ("component", vec![header("a", &good), header("a", &good)]),
        ("sha256", vec![header("a", &good), component(b"changed")]),
        ("sha256", vec![header("a", &good)]),
        ("sha256", vec![header("a", ""), component(b"component")]),
        ("name", vec![header("", &good), component(b"component")]),
    ] {
        let status = swap(&served, parts).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{status}");
        assert_eq!(info(&status).metadata["argument"], argument, "{status}");
    }
    let group = "nowhere".into();
    let unknown = Part::Header(SwapPolicyHeader { group, ..SwapPolicyHeader::default() });
    let status = swap(&served, vec![unknown]).await.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert_eq!(info(&status).reason, "UNKNOWN_GROUP");
    assert!(served.operations.swaps.lock().is_empty());
}

#[tokio::test]
async fn a_component_too_large_is_refused_with_the_limit() {
    let served =
        served_with(ServerConfig { max_component_bytes: 10, ..ServerConfig::default() }).await;
    let parts = vec![header("a", "00"), component(b"123456"), component(b"123456")];
    let status = swap(&served, parts).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert_eq!(info(&status).metadata["limit"], "10");
    assert!(served.operations.swaps.lock().is_empty());
}

fn shadow_header(group: &'static str) -> ShadowPart {
    ShadowPart::Header(ShadowHeader { group: group.into(), capacities: vec![0.5, 1.0], keep_ms: 7 })
}

fn candidate(name: &str, sha256: &str) -> ShadowPart {
    let options = HashMap::from([("k".into(), "2".into())]);
    ShadowPart::Policy(ShadowPolicy { name: name.into(), sha256: sha256.into(), options })
}

async fn shadow(served: &Served, parts: Vec<ShadowPart>) -> Result<(), Status> {
    let parts = parts.into_iter().map(|part| StartShadowRequest { part: Some(part) });
    let parts = tokio_stream::iter(parts.collect::<Vec<_>>());
    AdminClient::new(served.channel.clone()).start_shadow(parts).await.map(drop)
}

#[tokio::test]
async fn the_candidates_of_a_shadow_arrive_whole_and_in_order() {
    let served = served().await;
    let (bytes, digest) = ("component".into(), digest(b"component"));
    let part = |text: &'static str| ShadowPart::Component(text.into());
    let parts = vec![
        shadow_header("scores"),
        candidate("lfu", ""),
        candidate("mine.wasm", &digest),
        part("compo"),
        part("nent"),
    ];
    shadow(&served, parts).await.unwrap();
    let options = vec![("k".into(), "2".into())];
    let policy = |name: &str, component| PolicySwap {
        group: "scores".into(),
        name: name.into(),
        component,
        options: options.clone(),
    };
    let expected = ShadowStart {
        group: "scores".into(),
        policies: vec![policy("lfu", None), policy("mine.wasm", Some(bytes))],
        capacities: vec![0.5, 1.0],
        keep: Some(Duration::from_millis(7)),
    };
    assert_eq!(*served.operations.shadows.lock(), [expected]);
}

#[tokio::test]
async fn a_shadow_that_is_not_in_order_is_refused_before_anything_happens() {
    let served = served().await;
    let good = digest(b"component");
    let component = |text: &'static str| ShadowPart::Component(text.into());
    for (argument, parts) in [
        ("header", vec![]),
        ("header", vec![candidate("lru", "")]),
        ("policy", vec![shadow_header("scores"), component("component")]),
        ("policy", vec![shadow_header("scores"), shadow_header("scores")]),
        ("sha256", vec![shadow_header("scores"), candidate("a", &good), component("changed")]),
        ("sha256", vec![shadow_header("scores"), candidate("a", &good), candidate("lru", "")]),
    ] {
        let status = shadow(&served, parts).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{status}");
        assert_eq!(info(&status).metadata["argument"], argument, "{status}");
    }
    let mut client = AdminClient::new(served.channel.clone());
    let unknown = shadow(&served, vec![shadow_header("nowhere")]).await.unwrap_err();
    let listed = client.list_shadows(ListShadowsRequest { group: "nowhere".into() }).await;
    let stopped = client.stop_shadow(StopShadowRequest { group: "nowhere".into() }).await;
    for status in [unknown, listed.unwrap_err(), stopped.unwrap_err()] {
        assert_eq!(info(&status).reason, "UNKNOWN_GROUP", "{status}");
    }
    assert!(served.operations.shadows.lock().is_empty());
}
