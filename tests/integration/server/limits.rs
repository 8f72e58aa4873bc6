//! Messages longer than any value may be.

use psycache::proto::get_result::Result as GetOutcome;
use psycache::proto::session_request::Call;
use psycache::proto::{GetManyRequest, GetResult, SessionRequest, SetRequest};
use psycache::server::ServerConfig;
use tokio_stream::StreamExt;
use tonic::Code;

use super::{info, served, served_with};

fn set(bytes: usize) -> SetRequest {
    let value = vec![7; bytes].into();
    SetRequest { group: "notes".into(), key: "a".into(), value, ..SetRequest::default() }
}

#[tokio::test]
async fn a_set_of_100_mb_is_refused_by_its_length_and_the_connection_lives() {
    let served = served().await;
    let status = served.client().set(set(100_000_000)).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted, "{status}");
    assert_eq!(info(&status).reason, "TOO_LARGE");
    assert_eq!(info(&status).metadata["limit"], ((64 << 20) + (64 << 10)).to_string());
    assert!(status.message().contains("limit of 67174400"), "{status}");
    served.get("Tom").await.unwrap();
}

#[tokio::test]
async fn a_session_that_is_sent_a_message_too_long_ends_with_the_same_words() {
    let served =
        served_with(ServerConfig { max_value_bytes: 1000, ..ServerConfig::default() }).await;
    let request =
        SessionRequest { id: 1, call: Some(Call::Set(set(100_000))), ..SessionRequest::default() };
    let answers = served.client().session(tokio_stream::once(request)).await;
    let status = answers.unwrap().into_inner().next().await.unwrap().unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted, "{status}");
    assert_eq!(info(&status).reason, "TOO_LARGE");
}

#[tokio::test]
async fn an_answer_for_many_stays_below_the_longest_message() {
    let served = served().await;
    let mut client = served.client().max_decoding_message_size(80 << 20);
    client.set(set(700_000)).await.unwrap();
    // One value, asked for so often that it would be 70 MB.
    let keys = vec!["a".into(); 100];
    let request = GetManyRequest { group: "notes".into(), keys };
    let results = client.get_many(request).await.unwrap().into_inner().results;
    let found = |result: &GetResult| matches!(result.result, Some(GetOutcome::Found(_)));
    assert_eq!((results.len(), results.iter().filter(|one| found(one)).count()), (100, 95));
    let Some(GetOutcome::Failure(failure)) = &results[99].result else {
        panic!("the last one fits no more: {:?}", results[99]);
    };
    assert_eq!(
        (failure.code, failure.reason.as_str()),
        (Code::ResourceExhausted as u32, "TOO_LARGE")
    );
    assert!(failure.message.contains("ask for fewer keys"), "{}", failure.message);
}
