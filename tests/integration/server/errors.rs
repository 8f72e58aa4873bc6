//! Each error that a caller can cause or meet, over the wire.

use bytes::Bytes;
use psycache::proto::{GetManyRequest, GetRequest, SetRequest};
use tonic::{Code, Request, Status};

use super::{Served, get, info, served};

async fn refused(served: &Served, request: GetRequest) -> Status {
    served.client().get(request).await.expect_err("it is refused")
}

async fn set(served: &Served, value: Vec<u8>, ttl_ms: u64) -> Status {
    let (group, key) = ("notes".into(), "a".into());
    let request = SetRequest { group, key, value: value.into(), ttl_ms, ..SetRequest::default() };
    served.client().set(request).await.expect_err("it is refused")
}

#[tokio::test]
async fn what_the_source_says_reaches_the_caller_as_its_code() {
    let served = served().await;
    for (key, code, reason) in [
        ("missing", Code::NotFound, "NOT_FOUND"),
        ("down", Code::Unavailable, "UNAVAILABLE"),
        ("forbidden", Code::PermissionDenied, "SOURCE_REJECTED"),
        ("unusable", Code::FailedPrecondition, "BAD_VALUE"),
        ("panics", Code::Internal, "INTERNAL"),
    ] {
        let status = refused(&served, get("scores", key)).await;
        assert_eq!((status.code(), info(&status).reason.as_str()), (code, reason), "{key}");
        assert_eq!(info(&status).metadata["group"], "scores");
    }
    let status = refused(&served, get("scores", "down")).await;
    assert!(status.message().contains("connection refused"), "{status}");
}

#[tokio::test]
async fn a_key_that_cannot_be_one_is_refused_and_told_why() {
    let served = served().await;
    for (key, why) in [
        (Bytes::new(), "1 to 1,024 bytes"),
        (Bytes::from(vec![b'k'; 1025]), "1025 bytes"),
        (Bytes::from_static(b"ab\xff"), "not UTF-8 from byte 2"),
    ] {
        let status =
            refused(&served, GetRequest { group: "scores".into(), key, may_lend: false }).await;
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(info(&status).reason, "INVALID_KEY");
        assert!(status.message().contains(why), "{status}");
    }
    let longest =
        GetRequest { group: "scores".into(), key: vec![b'k'; 1024].into(), may_lend: false };
    served.client().get(longest).await.unwrap();
}

#[tokio::test]
async fn an_unknown_group_is_told_which_there_are() {
    let served = served().await;
    for group in [Bytes::from("score"), Bytes::from_static(b"\xff\xfe"), "g".repeat(9999).into()] {
        let status =
            refused(&served, GetRequest { group, key: "Tom".into(), may_lend: false }).await;
        assert_eq!(status.code(), Code::FailedPrecondition);
        assert_eq!(info(&status).reason, "UNKNOWN_GROUP");
        assert!(status.message().contains("notes, scores"), "{status}");
        assert!(status.message().len() < 500, "{status}");
    }
}

#[tokio::test]
async fn a_miss_without_a_source_says_so() {
    let status = refused(&served().await, get("notes", "a")).await;
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert_eq!(info(&status).reason, "NO_RETRIEVER");
    assert_eq!(info(&status).metadata["group"], "notes");
}

#[tokio::test]
async fn a_value_beyond_the_capacity_is_refused_and_evicts_nothing() {
    let served = served().await;
    let small = SetRequest {
        group: "notes".into(),
        key: "kept".into(),
        value: "small".into(),
        ..SetRequest::default()
    };
    served.client().set(small).await.unwrap();
    let status = set(&served, vec![0; 2 << 20], 0).await;
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert_eq!(info(&status).reason, "TOO_LARGE");
    assert!(info(&status).metadata["bytes"].parse::<u64>().unwrap() > 2 << 20);
    served.client().get(get("notes", "kept")).await.unwrap();
}

#[tokio::test]
async fn a_time_to_live_out_of_reach_is_refused() {
    let status = set(&served().await, vec![0], u64::MAX).await;
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(info(&status).reason, "INVALID_ARGUMENT");
}

#[tokio::test]
async fn too_many_keys_at_once_are_refused() {
    let keys = vec![Bytes::from("k"); 10_001];
    let request = GetManyRequest { group: "scores".into(), keys };
    let status = served().await.client().get_many(request).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(info(&status).metadata["argument"], "keys");
    assert!(status.message().contains("10000"), "{status}");
}

#[tokio::test]
async fn the_callers_deadline_ends_the_wait_and_the_load() {
    let mut served = served().await;
    let mut request = Request::new(get("scores", "slow"));
    request.metadata_mut().insert("grpc-timeout", "300m".parse().unwrap());
    let status = served.client().get(request).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status}");
    assert_eq!(info(&status).reason, "DEADLINE_EXCEEDED");
    served.loads.recv().await.unwrap().given_up().await;
}
