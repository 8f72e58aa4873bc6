//! The file of callers changes while they call.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use bytes::Bytes;
use psycache::client::{Client, ClientConfig, Reason};
use psycache::node::Node;
use psycache::proto::cache_client::CacheClient;
use psycache::proto::session_request::Call;
use psycache::proto::session_response::Answer;
use psycache::proto::{GetRequest, SessionRequest};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Code;

use super::raw::with;
use super::{GROUP, Tokens, audited, token};
use crate::cli::assert_fails;
use crate::harness::{ServedNode, ending};
use crate::patience::{seen_blocking, until};
use crate::redis::wire::Wire;

async fn client(node: &Node, tokens: &Tokens, name: &str) -> Client {
    let mut config = ClientConfig::list([node.address().to_string()]);
    config.token_file = Some(tokens.token_file(name).into());
    Client::connect(config).await.unwrap()
}

fn get() -> SessionRequest {
    let group = Bytes::from_static(GROUP.as_bytes());
    let call = GetRequest { group, key: Bytes::from_static(b"Ada"), may_lend: false };
    SessionRequest { id: 7, call: Some(Call::Get(call)), ..SessionRequest::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_taken_out_ends_its_open_session_and_no_other() {
    let mut tokens = Tokens::of([("web", "read write", ""), ("jobs", "read write", "")]);
    let mut node = tokens.node().await;
    let other = client(&node, &tokens, "jobs").await;
    other.set(GROUP, "Ada", "815", None).await.unwrap();

    let mut cache = CacheClient::connect(format!("http://{}", node.address())).await.unwrap();
    let (requests, sent) = mpsc::channel(1);
    let request = with(ReceiverStream::new(sent), Some(&token("web")));
    let mut answers = cache.session(request).await.unwrap().into_inner();
    let mut wire = Wire::open(node.redis_address().unwrap()).await;
    wire.call(&format!("AUTH {}", token("web")), "+OK\r\n").await;
    wire.call("GET Ada", "$3\r\n815\r\n").await;
    requests.send(get()).await.unwrap();
    let answer = answers.message().await.unwrap().unwrap().answer;
    assert!(matches!(answer, Some(Answer::Get(_))), "{answer:?}");

    tokens.remove("web");
    let reloaded = node.reload(tokens.config()).await.unwrap();
    assert_eq!(reloaded.changed, ["tokens"]);
    // The session is asked again, says what is missing, and ends.
    requests.send(get()).await.unwrap();
    let answer = answers.message().await.unwrap().unwrap().answer;
    let Some(Answer::Failure(failure)) = answer else { panic!("{answer:?}") };
    assert_eq!(failure.reason, "UNAUTHENTICATED");
    assert_eq!(answers.message().await.unwrap_err().code(), Code::Unauthenticated);
    assert!(wire.line("GET Ada").await.starts_with("-NOAUTH "));
    assert_eq!(other.get(GROUP, "Ada").await.unwrap().value, "815");
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_is_taken_away_is_gone_on_an_open_session() {
    let mut tokens = Tokens::of([("web", "read write", "")]);
    let mut node = tokens.node().await;
    let web = client(&node, &tokens, "web").await;
    web.set(GROUP, "Ada", "815", None).await.unwrap();
    tokens.lines.clear();
    tokens.add("web", "read", "");
    tokens.write();
    node.reload(tokens.config()).await.unwrap();
    let refused = web.set(GROUP, "Ada", "816", None).await.unwrap_err();
    assert_eq!(refused.reason, Reason::PermissionDenied, "{refused}");
    assert_eq!(web.get(GROUP, "Ada").await.unwrap().value, "815");
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_takes_a_new_token_from_its_file() {
    let mut tokens = Tokens::of([("old", "read write", "")]);
    let mut node = tokens.node().await;
    let client = client(&node, &tokens, "old").await;
    client.set(GROUP, "Ada", "815", None).await.unwrap();
    tokens.add("new", "read", "");
    tokens.remove("old");
    node.reload(tokens.config()).await.unwrap();
    let refused = client.get(GROUP, "Ada").await.unwrap_err();
    assert_eq!(refused.reason, Reason::Unauthenticated, "{refused}");
    fs::write(tokens.folder.path().join("old"), token("new")).unwrap();
    until("the new token", async || client.get(GROUP, "Ada").await.is_ok()).await;
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_changes_under_load_disturbs_nobody_who_stays() {
    const CHANGES: usize = 300;
    let mut tokens = Tokens::of([("web", "read write metrics", ""), ("guest", "read", "")]);
    let mut node = tokens.node().await;
    let stays = client(&node, &tokens, "web").await;
    stays.set(GROUP, "Ada", "815", None).await.unwrap();
    let channel = tonic::transport::Channel::from_shared(format!("http://{}", node.address()));
    let channel = channel.unwrap().connect().await.unwrap();
    let ends = Arc::new(AtomicBool::new(false));
    let (on_session, ending_there) = (stays.clone(), Arc::clone(&ends));
    let sessions = tokio::spawn(async move {
        let mut count = 0;
        while !ending_there.load(Relaxed) {
            assert_eq!(on_session.get(GROUP, "Ada").await.unwrap().value, "815");
            count += 1;
        }
        count
    });
    let ending_there = Arc::clone(&ends);
    let single = tokio::spawn(async move {
        let (mut cache, mut count) = (CacheClient::new(channel), 0);
        let Some(Call::Get(call)) = get().call else { panic!("a get") };
        while !ending_there.load(Relaxed) {
            let answer = cache.get(with(call.clone(), Some(&token("web")))).await.unwrap();
            assert_eq!(&answer.into_inner().value[..], b"815");
            count += 1;
        }
        count
    });
    for turn in 0..CHANGES {
        if turn % 2 == 0 {
            tokens.remove("guest");
        } else {
            tokens.add("guest", "read", "");
            tokens.write();
        }
        node.reload(tokens.config()).await.unwrap();
    }
    ends.store(true, Relaxed);
    let (sessions, single): (u64, u64) = (sessions.await.unwrap(), single.await.unwrap());
    assert!(sessions > 0 && single > 0, "{sessions} and {single}");
    let http = node.http_address().unwrap();
    let taken = audited(http, &token("web"), "tokens").await;
    assert!(taken >= CHANGES as u64 * 9 / 10, "{taken}");
    assert_eq!(audited(http, &token("web"), "refused").await, 0);
    node.shutdown().await;
}

#[test]
fn a_bad_file_is_refused_and_the_old_tokens_stay() {
    let tokens = Tokens::of([("operator", "admin read", "")]);
    let node = ServedNode::start(&tokens.flags().each_ref().map(String::as_str));
    let file = tokens.token_file("operator");
    let get = || ending_of(&node.run(["get", "default", "Tom", "--token-file", &file]));
    assert_eq!(get(), Some(0));
    let secret = token("pasted");
    for (text, part) in [
        (format!("web = '{secret}'\n"), "tokens.toml:1: a value is of the wrong kind"),
        (String::new(), "names no caller"),
        ("\n[".into(), "tokens.toml:2: "),
    ] {
        fs::write(tokens.path(), text).unwrap();
        let reload = node.run(["reload", "--token-file", &file]);
        assert_fails(&reload, 2, &[part, "nothing was changed"]);
        assert_eq!(get(), Some(0));
    }
    // Without a reload, the node sees it by itself.
    fs::write(tokens.path(), "web = 7\n").unwrap();
    let metrics = || node.run(["status", "--token-file", &file]);
    assert_eq!(ending(&metrics()), (Some(0), ""));
    tokens.write();
    seen_blocking(|| match get() {
        Some(0) => Ok(()),
        other => Err(format!("{other:?}")),
    });
    node.signal("TERM");
    let (_, _, log) = node.ended();
    assert!(log.contains("Refused the new tokens file"), "{log}");
    assert!(!log.contains(&secret), "{log}");
}

fn ending_of(output: &std::process::Output) -> Option<i32> {
    output.status.code()
}

#[test]
fn a_new_file_is_taken_without_a_word() {
    let mut tokens = Tokens::of([("old", "read", "")]);
    let node = ServedNode::start(&tokens.flags().each_ref().map(String::as_str));
    tokens.add("new", "read", "");
    tokens.write();
    let file = tokens.token_file("new");
    seen_blocking(|| {
        let get = node.run(["get", "default", "Tom", "--token-file", &file]);
        get.status.success().then_some(()).ok_or_else(|| format!("{:?}", ending(&get)))
    });
}
