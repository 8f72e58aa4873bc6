//! Many calls on one stream.

use std::collections::BTreeMap;

use futures::FutureExt;
use psycache::proto::session_request::Call;
use psycache::proto::session_response::Answer;
use psycache::proto::{
    ClearRequest, ClockRequest, GetManyRequest, RemoveManyRequest, RemoveRequest, SessionRequest,
    SessionResponse, SetEntry, SetManyRequest, SetRequest,
};
use psycache::server::ServerConfig;
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::{Code, Streaming};

use super::{Served, get, served, served_with};

struct Client {
    requests: mpsc::UnboundedSender<SessionRequest>,
    answers: Streaming<SessionResponse>,
}

impl Client {
    async fn open(served: &Served) -> Self {
        let (requests, sent) = mpsc::unbounded_channel();
        let sent = UnboundedReceiverStream::new(sent);
        let answers = served.client().session(sent).await.unwrap().into_inner();
        Self { requests, answers }
    }

    fn send(&self, id: u64, call: Call) {
        self.send_within(id, call, 0);
    }

    fn send_within(&self, id: u64, call: Call, timeout_ms: u32) {
        let call = Some(call);
        let request = SessionRequest { id, timeout_ms, call, ..SessionRequest::default() };
        self.requests.send(request).expect("the session is open");
    }

    fn get(&self, id: u64, key: &'static str) {
        self.send(id, Call::Get(get("scores", key)));
    }

    async fn answer(&mut self) -> (u64, Answer) {
        let answer = self.answers.next().await.expect("the session is open").unwrap();
        (answer.id, answer.answer.expect("an answer has a content"))
    }

    /// The value of the next answer, which must be one.
    async fn value(&mut self) -> (u64, String) {
        match self.answer().await {
            (id, Answer::Get(found)) => (id, String::from_utf8(found.value.into()).unwrap()),
            other => panic!("{other:?}"),
        }
    }

    async fn failure(&mut self) -> (u64, Code) {
        match self.answer().await {
            (id, Answer::Failure(failure)) => (id, Code::from_i32(failure.code as i32)),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_slow_call_does_not_hold_up_the_others() {
    let mut served = served().await;
    let mut client = Client::open(&served).await;
    client.get(1, "slow");
    let slow = served.loads.recv().await.unwrap();
    client.get(2, "Tom");
    assert_eq!(client.value().await, (2, "value of Tom".into()));
    slow.finish();
    assert_eq!(client.value().await, (1, "value of slow".into()));
}

#[tokio::test]
async fn every_call_can_be_made() {
    let served = served().await;
    let mut client = Client::open(&served).await;
    let (group, key) = (|| "notes".into(), || "a".into());
    let keys = vec!["a".into(), "b".into()];
    let value = "one".into();
    client.send(
        1,
        Call::Set(SetRequest { group: group(), key: key(), value, ..SetRequest::default() }),
    );
    assert!(matches!(client.answer().await, (1, Answer::Set(_))));
    client.send(2, Call::GetMany(GetManyRequest { group: group(), keys: keys.clone() }));
    let (2, Answer::GetMany(many)) = client.answer().await else { panic!("no GetMany") };
    assert_eq!(many.results.len(), 2);
    client.send(3, Call::Remove(RemoveRequest { group: group(), key: key() }));
    let (3, Answer::Remove(removed)) = client.answer().await else { panic!("no Remove") };
    assert!(removed.existed);
    client.send(4, Call::RemoveMany(RemoveManyRequest { group: group(), keys }));
    let (4, Answer::RemoveMany(many)) = client.answer().await else { panic!("no RemoveMany") };
    assert_eq!(many.results.len(), 2);
    client.send(5, Call::Clear(ClearRequest { group: group() }));
    let (5, Answer::Clear(cleared)) = client.answer().await else { panic!("no Clear") };
    assert_eq!(cleared.entries, 0);
    let entry = SetEntry { key: key(), value: "two".into(), ..SetEntry::default() };
    client.send(6, Call::SetMany(SetManyRequest { group: group(), entries: vec![entry] }));
    let (6, Answer::SetMany(many)) = client.answer().await else { panic!("no SetMany") };
    assert_eq!(many.results.len(), 1);
}

#[tokio::test]
async fn an_answer_too_large_for_the_client_s_stream_is_left_out() {
    let served = served().await;
    let mut client = Client::open(&served).await;
    let bytes = "value of Tom".len() as u64;
    let keys = vec!["Tom".into(), "Tom".into()];
    let many = || Call::GetMany(GetManyRequest { group: "scores".into(), keys: keys.clone() });
    for (id, call, inline_bytes) in [
        (1, Call::Get(get("scores", "Tom")), bytes - 1),
        (2, Call::Get(get("scores", "Tom")), bytes),
        (3, many(), bytes * 2 - 1),
        (4, many(), bytes * 2),
    ] {
        let request =
            SessionRequest { id, inline_bytes, call: Some(call), ..SessionRequest::default() };
        client.requests.send(request).expect("the session is open");
    }
    for id in 1..=4 {
        let (answered, answer) = client.answer().await;
        let large = match answer {
            Answer::Large(bytes) => Some(bytes),
            _ => None,
        };
        let expected = [Some(bytes), None, Some(bytes * 2), None][answered as usize - 1];
        assert_eq!(large, expected, "{answered}, the {id}th answer");
    }
}

#[tokio::test]
async fn an_error_answers_its_call_and_leaves_the_session() {
    let served = served().await;
    let mut client = Client::open(&served).await;
    client.get(1, "missing");
    assert_eq!(client.failure().await, (1, Code::NotFound));
    client.send(2, Call::Get(get("nowhere", "a")));
    assert_eq!(client.failure().await, (2, Code::FailedPrecondition));
    client.requests.send(SessionRequest { id: 3, ..SessionRequest::default() }).unwrap();
    assert_eq!(client.failure().await, (3, Code::InvalidArgument));
    client.get(4, "Tom");
    assert_eq!(client.value().await.0, 4);
}

#[tokio::test]
async fn a_timeout_ends_its_call_and_the_load() {
    let mut served = served().await;
    let mut client = Client::open(&served).await;
    client.send_within(1, Call::Get(get("scores", "slow")), 100);
    let slow = served.loads.recv().await.unwrap();
    assert_eq!(client.failure().await, (1, Code::DeadlineExceeded));
    slow.given_up().await;
}

#[tokio::test]
async fn a_call_that_is_cancelled_is_given_up_without_an_answer() {
    let mut served = served().await;
    let mut client = Client::open(&served).await;
    client.get(1, "slow");
    let slow = served.loads.recv().await.unwrap();
    client.send(2, Call::Cancel(1));
    slow.given_up().await;
    client.send(3, Call::Cancel(77));
    client.get(4, "Tom");
    assert_eq!(client.value().await.0, 4);
}

#[tokio::test]
async fn a_client_that_is_gone_gives_up_all_its_calls() {
    let mut served = served().await;
    let client = Client::open(&served).await;
    client.get(1, "slow a");
    client.get(2, "slow b");
    let loads = [served.loads.recv().await.unwrap(), served.loads.recv().await.unwrap()];
    drop(client);
    for load in loads {
        load.given_up().await;
    }
}

#[tokio::test]
async fn what_is_running_is_answered_after_the_client_has_sent_its_last() {
    let mut served = served().await;
    let Client { requests, mut answers } = Client::open(&served).await;
    let call = Some(Call::Get(get("scores", "slow")));
    requests.send(SessionRequest { id: 1, call, ..SessionRequest::default() }).unwrap();
    drop(requests);
    served.loads.recv().await.unwrap().finish();
    assert_eq!(answers.next().await.unwrap().unwrap().id, 1);
    assert!(answers.next().await.is_none());
}

#[tokio::test]
async fn no_more_than_the_window_is_read_ahead_of_the_answers() {
    let mut served =
        served_with(ServerConfig { session_window: 2, ..ServerConfig::default() }).await;
    let mut client = Client::open(&served).await;
    client.get(1, "slow a");
    client.get(2, "slow b");
    client.get(3, "Tom");
    let first = served.loads.recv().await.unwrap();
    let _second = served.loads.recv().await.unwrap();
    // A round trip on the same connection: the third request has arrived by now.
    served.get("Jack").await.unwrap();
    assert!(client.answers.next().now_or_never().is_none());
    let key = first.key.clone();
    first.finish();
    assert_eq!(client.value().await.1, format!("value of {key}"));
    assert_eq!(client.value().await, (3, "value of Tom".into()));
}

#[tokio::test]
async fn a_cancellation_behind_a_full_window_frees_a_place() {
    let mut served =
        served_with(ServerConfig { session_window: 2, ..ServerConfig::default() }).await;
    let mut client = Client::open(&served).await;
    client.get(1, "slow a");
    client.get(2, "slow b");
    let first = served.loads.recv().await.unwrap();
    let second = served.loads.recv().await.unwrap();
    client.get(3, "slow c");
    client.get(4, "Tom");
    // The one that waits is never begun, the one that runs makes room.
    client.send(0, Call::Cancel(3));
    client.send(0, Call::Cancel(1));
    assert_eq!(client.value().await, (4, "value of Tom".into()));
    let (cancelled, running) =
        if first.key == "slow a" { (first, second) } else { (second, first) };
    cancelled.given_up().await;
    running.finish();
    assert_eq!(client.value().await, (2, "value of slow b".into()));
    assert!(served.loads.try_recv().is_err());
}

#[tokio::test]
async fn as_many_as_the_window_are_read_ahead_and_no_more() {
    let mut served =
        served_with(ServerConfig { session_window: 1, ..ServerConfig::default() }).await;
    let mut client = Client::open(&served).await;
    client.get(1, "slow a");
    client.get(2, "Tom");
    client.get(3, "Jack");
    client.get(4, "Sam");
    client.send(0, Call::Cancel(1));
    let running = served.loads.recv().await.unwrap();
    // A round trip on the same connection: all of it has arrived by now.
    served.get("Sam").await.unwrap();
    assert!(client.answers.next().now_or_never().is_none());
    running.finish();
    assert_eq!(client.value().await, (1, "value of slow a".into()));
    for id in 2..=4 {
        assert_eq!(client.value().await.0, id);
    }
}

#[tokio::test]
async fn a_set_that_arrives_after_its_time_changes_nothing() {
    let mut served =
        served_with(ServerConfig { session_window: 1, ..ServerConfig::default() }).await;
    let mut client = Client::open(&served).await;
    client.get(1, "slow");
    let slow = served.loads.recv().await.unwrap();
    // Another one is in its place, and it is told the time all the same.
    client.send(2, Call::Clock(ClockRequest {}));
    let (2, Answer::Clock(read)) = client.answer().await else { panic!("no time") };
    slow.finish();
    assert_eq!(client.value().await.0, 1);

    let set = || SetRequest { group: "notes".into(), key: "a".into(), ..SetRequest::default() };
    let entry = SetEntry { key: "a".into(), ..SetEntry::default() };
    let many = SetManyRequest { group: "notes".into(), entries: vec![entry] };
    let send = |id, call, until_ms| {
        let call = Some(call);
        let request = SessionRequest { id, until_ms, call, ..SessionRequest::default() };
        client.requests.send(request).expect("the session is open");
    };
    send(3, Call::Set(set()), read.now_ms);
    send(4, Call::SetMany(many.clone()), read.now_ms);
    send(5, Call::Get(get("notes", "a")), 0);
    send(6, Call::SetMany(many), read.now_ms + 3_600_000);
    send(7, Call::Get(get("notes", "a")), 0);
    assert_eq!(client.failure().await, (3, Code::DeadlineExceeded));
    assert_eq!(client.failure().await, (4, Code::DeadlineExceeded));
    assert_eq!(client.failure().await, (5, Code::FailedPrecondition));
    assert!(matches!(client.answer().await, (6, Answer::SetMany(_))));
    assert_eq!(client.value().await.0, 7);

    let remove = RemoveRequest { group: "notes".into(), key: "a".into() };
    served.client().remove(remove).await.expect("it is removed");
    let call = |until_ms: u64| {
        let mut call = tonic::Request::new(set());
        call.metadata_mut().insert("psycache-until-ms", until_ms.into());
        call
    };
    let late = served.client().set(call(read.now_ms)).await.expect_err("it is late");
    assert_eq!(late.code(), Code::DeadlineExceeded);
    assert!(served.client().get(get("notes", "a")).await.is_err());
    served.client().set(call(read.now_ms + 3_600_000)).await.expect("it is in time");
    assert!(served.client().get(get("notes", "a")).await.is_ok());
}

/// After a restart another process has the address, and a client may have read the clock of the one
/// before.
#[tokio::test]
async fn a_moment_that_another_process_has_told_is_no_limit() {
    let (served, other) = (served().await, served().await);
    let mut client = Client::open(&other).await;
    client.send(1, Call::Clock(ClockRequest {}));
    let (1, Answer::Clock(read)) = client.answer().await else { panic!("no time") };
    let mut client = Client::open(&served).await;
    let set = SetRequest { group: "notes".into(), key: "a".into(), ..SetRequest::default() };
    let (until_ms, call) = (read.now_ms + 3_600_000, Some(Call::Set(set)));
    let request = SessionRequest { id: 1, until_ms, call, ..SessionRequest::default() };
    client.requests.send(request).expect("the session is open");
    assert_eq!(client.failure().await, (1, Code::DeadlineExceeded));
}

#[tokio::test]
async fn a_thousand_calls_are_each_answered_once() {
    let served = served().await;
    let mut client = Client::open(&served).await;
    let keys = ["Tom", "Jack", "Sam"];
    for id in 0..1000 {
        client.get(id, keys[id as usize % 3]);
    }
    let mut answers = BTreeMap::new();
    for _ in 0..1000 {
        let (id, value) = client.value().await;
        assert_eq!(answers.insert(id, value), None, "{id} was answered twice");
    }
    for (id, value) in answers {
        assert_eq!(value, format!("value of {}", keys[id as usize % 3]));
    }
}
