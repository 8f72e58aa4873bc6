//! Callers with a limit of their requests.

use bytes::Bytes;
use psycache::client::{Client, ClientConfig, Reason};
use psycache::proto::GetRequest;
use psycache::proto::cache_client::CacheClient;
use tonic::Code;
use tonic_types::StatusExt;

use super::raw::with;
use super::{GROUP, Tokens, audited, token};
use crate::redis::wire::{Wire, array};

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_above_its_rate_is_told_when_to_come_again_and_others_are_not_disturbed() {
    let tokens = Tokens::of([
        ("busy", "read", ", rate = 5"),
        ("patient", "read", ""),
        ("operator", "admin", ""),
    ]);
    let node = tokens.node().await;
    let mut cache = CacheClient::connect(format!("http://{}", node.address())).await.unwrap();
    let mut limited = 0;
    let group = Bytes::from_static(GROUP.as_bytes());
    for turn in 0..200 {
        let get = GetRequest { group: group.clone(), key: "Ada".into(), may_lend: false };
        let other = cache.get(with(get.clone(), Some(&token("patient")))).await.unwrap_err();
        assert_eq!(other.code(), Code::FailedPrecondition, "{other:?}");
        let status = cache.get(with(get, Some(&token("busy")))).await.unwrap_err();
        if status.code() == Code::FailedPrecondition {
            continue;
        }
        assert!(turn >= 5, "a second's worth is admitted at once: {status:?}");
        assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
        let retry = status.get_details_retry_info().expect("a hint").retry_delay;
        assert!(retry.is_some_and(|delay| !delay.is_zero() && delay.as_millis() <= 200));
        assert_eq!(status.get_details_error_info().unwrap().reason, "RATE_LIMITED");
        limited += 1;
    }
    assert!(limited > 100, "{limited}");
    let http = node.http_address().unwrap();
    assert_eq!(audited(http, &token("operator"), "rate-limited").await, limited);
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_and_redis_share_the_rate_of_their_caller() {
    let tokens = Tokens::of([("busy", "read", ", rate = 1")]);
    let node = tokens.node().await;
    let mut config = ClientConfig::list([node.address().to_string()]);
    config.token_file = Some(tokens.token_file("busy").into());
    let client = Client::connect(config).await.unwrap();
    let mut wire = Wire::open(node.redis_address().unwrap()).await;
    wire.call(&format!("AUTH {}", token("busy")), "+OK\r\n").await;
    let (mut reasons, mut lines) = (Vec::new(), Vec::new());
    for _ in 0..20 {
        reasons.push(client.get(GROUP, "Ada").await.unwrap_err().reason);
        lines.push(wire.line("GET Ada").await);
    }
    assert!(reasons.contains(&Reason::RateLimited), "{reasons:?}");
    assert!(
        lines.iter().any(|line| line.starts_with("-BUSY busy may make 1 requests")),
        "{lines:?}"
    );
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_get_of_a_pipeline_counts_towards_the_rate() {
    let tokens = Tokens::of([("busy", "read", ", rate = 5"), ("operator", "admin", "")]);
    let node = tokens.node().await;
    let mut wire = Wire::open(node.redis_address().unwrap()).await;
    wire.call(&format!("AUTH {}", token("busy")), "+OK\r\n").await;
    wire.send(array(&[b"GET", b"Ada"]).repeat(64)).await;
    let mut answers = Vec::new();
    for _ in 0..64 {
        answers.push(wire.read_line().await);
    }
    let refused = answers.iter().filter(|line| line.starts_with("-BUSY busy may make 5")).count();
    assert!(answers[..4].iter().all(|line| line == "$-1"), "{answers:?}");
    assert!((1..60).contains(&refused), "{answers:?}");
    let http = node.http_address().unwrap();
    assert_eq!(audited(http, &token("operator"), "rate-limited").await, refused as u64);
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_get_that_is_refused_shifts_no_answer_of_its_pipeline() {
    let tokens = Tokens::of([("busy", "read", ", rate = 8"), ("writer", "write", "")]);
    let node = tokens.node().await;
    let mut writer = Wire::open(node.redis_address().unwrap()).await;
    writer.call(&format!("AUTH {}", token("writer")), "+OK\r\n").await;
    let keys: Vec<String> = (0..64).map(|number| format!("key-{number:02}")).collect();
    for key in &keys {
        writer.send(array(&[b"SET", key.as_bytes(), key.as_bytes()])).await;
        writer.expect("+OK\r\n").await;
    }
    let mut wire = Wire::open(node.redis_address().unwrap()).await;
    wire.call(&format!("AUTH {}", token("busy")), "+OK\r\n").await;
    let gets = |keys: &[String]| -> Vec<u8> {
        keys.iter().flat_map(|key| array(&[b"GET", key.as_bytes()])).collect()
    };
    // More than once, so that some come between a refusal and the next place.
    let (mut found, mut refused) = (0, 0);
    while found < 12 {
        wire.send(gets(&keys)).await;
        for key in &keys {
            let header = wire.read_line().await;
            if header.starts_with("-BUSY") {
                refused += 1;
                continue;
            }
            assert_eq!(header, "$6");
            assert_eq!(wire.read_line().await, *key);
            found += 1;
        }
    }
    assert!(refused > 0);
    node.shutdown().await;
}
