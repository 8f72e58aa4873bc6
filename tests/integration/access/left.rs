//! Callers that leave, or may not stay, while what they asked for goes on.

use bytes::Bytes;
use psycache::node::Node;
use psycache::proto::admin_client::AdminClient;
use psycache::proto::cache_client::CacheClient;
use psycache::proto::session_request::Call;
use psycache::proto::try_policy_request::Part;
use psycache::proto::{
    ClearRequest, GetRequest, RecordRequest, SessionRequest, SwapPolicyHeader, TryPolicyHeader,
    TryPolicyRequest,
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use tonic::{Code, Status, Streaming};

use super::raw::with;
use super::{GROUP, Tokens, audited, token};
use crate::patience::{soon, until};
use crate::redis::wire::Wire;

const HOUR_MS: u64 = 3_600_000;

fn group() -> Bytes {
    Bytes::from_static(GROUP.as_bytes())
}

async fn channel(node: &Node) -> Channel {
    let channel = Channel::from_shared(format!("http://{}", node.address()));
    channel.unwrap().connect().await.unwrap()
}

/// Has the node lend a value to a client. For a quarter of a second a clear waits for the end of
/// such a copy.
async fn lend(node: &Node, cache: &mut CacheClient<Channel>) {
    node.group(GROUP).unwrap().set("Ada", "815").await.unwrap();
    for _ in 0..100 {
        let get = GetRequest { group: group(), key: Bytes::from_static(b"Ada"), may_lend: true };
        cache.get(get).await.unwrap();
    }
}

/// Waits until a clear has begun: what this node has goes first.
async fn begun(node: &Node) {
    let store = &node.groups().find(GROUP).unwrap().parts().store;
    until("the clear has begun", async || store.stats().entries == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clear_whose_caller_leaves_is_made_and_recorded() {
    let node = Node::start(super::open_config()).await.unwrap();
    let http = node.http_address().unwrap();
    let mut cache = CacheClient::new(channel(&node).await);
    let recorded = async |count| {
        until("it is recorded", async || audited(http, "none", "clear").await == count).await;
    };

    lend(&node, &mut cache).await;
    let mut clearing = cache.clone();
    let call = tokio::spawn(async move { clearing.clear(ClearRequest { group: group() }).await });
    begun(&node).await;
    call.abort();
    recorded(1).await;

    let (requests, sent) = mpsc::channel(1);
    let session = cache.session(ReceiverStream::new(sent)).await.unwrap().into_inner();
    lend(&node, &mut cache).await;
    let clear = |id| {
        let call = Some(Call::Clear(ClearRequest { group: group() }));
        SessionRequest { id, call, ..SessionRequest::default() }
    };
    requests.send(clear(1)).await.unwrap();
    begun(&node).await;
    let cancel = SessionRequest { call: Some(Call::Cancel(1)), ..SessionRequest::default() };
    requests.send(cancel).await.unwrap();
    recorded(2).await;

    lend(&node, &mut cache).await;
    requests.send(clear(2)).await.unwrap();
    begun(&node).await;
    drop((requests, session));
    recorded(3).await;

    lend(&node, &mut cache).await;
    let mut wire = Wire::open(node.redis_address().unwrap()).await;
    wire.send("FLUSHDB\r\n").await;
    begun(&node).await;
    drop(wire);
    recorded(4).await;
    node.shutdown().await;
}

/// The end of a stream of answers.
async fn end<T>(mut answers: Streaming<T>) -> Status {
    let ended = async {
        loop {
            match answers.message().await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("it ended without a word"),
                Err(status) => return status,
            }
        }
    };
    soon("the stream ends", ended).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_and_a_trial_end_when_their_caller_may_not_have_them_any_more() {
    let callers = [("operator", "admin", ""), ("recorder", "admin", ""), ("all", "metrics", "")];
    let mut tokens = Tokens::of(callers);
    let mut node = tokens.node().await;
    let http = node.http_address().unwrap();
    let mut admin = AdminClient::new(channel(&node).await);

    let record = RecordRequest { group: group(), one_in: 1, for_ms: HOUR_MS, secret: Bytes::new() };
    let recording = with(record, Some(&token("recorder")));
    let mut recording = admin.record(recording).await.unwrap().into_inner();
    recording.message().await.unwrap().expect("a part");
    let swap =
        SwapPolicyHeader { group: group(), name: "lfu".into(), ..SwapPolicyHeader::default() };
    let header = TryPolicyHeader { swap: Some(swap), better_by: 0.01, for_ms: HOUR_MS };
    let header = TryPolicyRequest { part: Some(Part::Header(header)) };
    let trial = with(tokio_stream::once(header), Some(&token("operator")));
    let mut trial = admin.try_policy(trial).await.unwrap().into_inner();
    assert_eq!(trial.message().await.unwrap().unwrap().state, "measuring");

    // One has another role, and one is gone.
    tokens.lines.clear();
    tokens.add("operator", "read", "");
    tokens.add("all", "metrics", "");
    tokens.write();
    node.reload(tokens.config()).await.unwrap();
    let refused = end(trial).await;
    assert_eq!(refused.code(), Code::PermissionDenied, "{refused:?}");
    assert!(refused.message().contains("does not have the role admin"), "{refused:?}");
    let refused = end(recording).await;
    assert_eq!(refused.code(), Code::Unauthenticated, "{refused:?}");
    assert_eq!(audited(http, &token("all"), "refused").await, 2);
    // What they held is free.
    let listeners = || node.groups().find(GROUP).unwrap().parts().store.listeners();
    until("nobody listens", async || listeners() == 0).await;
    node.shutdown().await;
}
