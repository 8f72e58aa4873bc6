//! Each method, each role, each pattern of groups: who may and who may not, on each way in.

use std::collections::BTreeSet;

use psycache::access::Role;
use psycache::proto::SessionRequest;
use psycache::proto::cache_client::CacheClient;
use psycache::proto::session_response::Answer;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::methods::{Needs, calls, methods};
use super::raw::{call, reflected, with};
use super::{everybody, of_everybody, page, token};
use crate::redis::wire::Wire;

/// What a caller of this name shows.
fn shown(name: &str) -> Option<String> {
    (name != "nobody").then(|| token(name))
}

async fn connect(address: std::net::SocketAddr) -> Channel {
    Channel::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap()
}

/// Whether a call was refused for who made it. Says so if the words are not those of that.
fn is_refused(status: &Status, is_known: bool) -> bool {
    let reason = status.get_details_error_info().map(|info| info.reason).unwrap_or_default();
    let expected = if is_known { Code::PermissionDenied } else { Code::Unauthenticated };
    match reason.as_str() {
        "UNAUTHENTICATED" | "PERMISSION_DENIED" => {
            assert_eq!(status.code(), expected, "{status:?}");
            assert!(!status.message().contains("Ada"), "no word of the key: {status:?}");
            true
        }
        _ => false,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_method_of_the_protocol_has_its_need() {
    let tokens = of_everybody();
    let node = tokens.node().await;
    let channel = connect(node.address()).await;
    let mut reflected: BTreeSet<String> =
        reflected(&channel, &token("read-0")).await.into_iter().collect();
    // Reflection lists itself in the version that is asked only.
    reflected.insert("grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo".into());
    let known: BTreeSet<String> =
        methods().into_iter().map(|(method, ..)| method.to_owned()).collect();
    assert_eq!(reflected, known, "each method needs a line in methods.rs");

    let mut refused = 0;
    for (method, needs, message) in methods() {
        for (name, caller) in everybody() {
            let shown = shown(&name);
            let answer = call(&channel, method, message.clone(), shown.as_deref()).await;
            let is_admitted = match &answer {
                // This node is alone, so there is no such service.
                Err(status) if needs == Needs::Peer => status.code() != Code::Unimplemented,
                Err(status) => !is_refused(status, caller.is_some()),
                Ok(_) => true,
            };
            assert_eq!(is_admitted, needs.has(caller), "{method} by {name}: {answer:?}");
            refused += usize::from(!is_admitted);
        }
    }
    assert!(refused > 100, "{refused}");
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_asks_for_the_same() {
    let tokens = of_everybody();
    let node = tokens.node().await;
    let channel = connect(node.address()).await;
    for (name, caller) in everybody() {
        let shown = shown(&name);
        let (requests, sent) = mpsc::channel(1);
        let mut client = CacheClient::new(channel.clone());
        let opened = client.session(with(ReceiverStream::new(sent), shown.as_deref())).await;
        let Some(_) = caller else {
            assert!(is_refused(&opened.unwrap_err(), false), "{name}");
            continue;
        };
        let mut answers = opened.unwrap().into_inner();
        for (needs, call) in calls() {
            let asked = format!("{call:?} by {name}");
            requests.send(SessionRequest { id: 7, call: Some(call), ..request() }).await.unwrap();
            let answer = answers.message().await.unwrap().unwrap().answer;
            let is_admitted = !matches!(&answer, Some(Answer::Failure(failure))
                if failure.reason == "PERMISSION_DENIED");
            assert_eq!(is_admitted, needs.has(caller), "{asked}: {answer:?}");
        }
    }
    node.shutdown().await;
}

fn request() -> SessionRequest {
    SessionRequest::default()
}

/// Every command, and what it needs.
const COMMANDS: &[(&str, Needs)] = &[
    ("GET Ada", Needs::Group(Role::Read)),
    ("MGET Ada", Needs::Group(Role::Read)),
    ("GETEX Ada", Needs::Group(Role::Read)),
    ("EXISTS Ada", Needs::Group(Role::Read)),
    ("TTL Ada", Needs::Group(Role::Read)),
    ("PTTL Ada", Needs::Group(Role::Read)),
    ("MEMORY USAGE Ada", Needs::Group(Role::Read)),
    ("DBSIZE", Needs::Group(Role::Read)),
    ("SET Ada 1", Needs::Group(Role::Write)),
    ("SET Ada 1 PXAT 1", Needs::Group(Role::Write)),
    ("SETEX Ada 10 1", Needs::Group(Role::Write)),
    ("PSETEX Ada 10000 1", Needs::Group(Role::Write)),
    ("MSET Ada 1", Needs::Group(Role::Write)),
    ("DEL Ada", Needs::Group(Role::Write)),
    ("UNLINK Ada", Needs::Group(Role::Write)),
    ("FLUSHDB", Needs::Group(Role::Clear)),
    ("CLIENT LIST", Needs::Node(Role::Admin)),
    ("CONFIG GET maxmemory", Needs::Node(Role::Metrics)),
    ("INFO", Needs::Node(Role::Metrics)),
    ("CLIENT ID", Needs::Account),
    ("COMMAND COUNT", Needs::Account),
    ("PING", Needs::Account),
    ("ECHO Ada", Needs::Account),
    ("SELECT 0", Needs::Account),
    // It is refused to everybody, before it is asked who calls.
    ("OBJECT FREQ Ada", Needs::Nothing),
    // Those with which a caller says who it is, and ends.
    ("AUTH", Needs::Nothing),
    ("HELLO 9", Needs::Nothing),
    ("RESET", Needs::Nothing),
    ("QUIT", Needs::Nothing),
];

#[tokio::test(flavor = "multi_thread")]
async fn redis_asks_for_the_same() {
    let tokens = of_everybody();
    let node = tokens.node().await;
    let redis = node.redis_address().unwrap();
    let mut wire = Wire::open(redis).await;
    wire.call(&format!("AUTH {}", token("read-0")), "+OK\r\n").await;
    let words: BTreeSet<&str> =
        COMMANDS.iter().filter_map(|(line, _)| line.split(' ').next()).collect();
    assert_eq!(wire.line("COMMAND COUNT").await, format!(":{}", words.len()), "each has a line");

    for (name, caller) in everybody() {
        for (line, needs) in COMMANDS {
            // Each on a connection of its own, as some end it.
            let mut wire = Wire::open(redis).await;
            match (name.as_str(), caller) {
                ("nobody", _) => {}
                (_, None) => {
                    let refused = wire.line(&format!("AUTH {}", token(&name))).await;
                    assert!(refused.starts_with("-WRONGPASS "), "{refused}");
                }
                (_, Some(_)) => wire.call(&format!("AUTH {}", token(&name)), "+OK\r\n").await,
            }
            let answer = wire.line(line).await;
            let expected = if caller.is_some() { "-NOPERM " } else { "-NOAUTH " };
            let is_admitted = !["-NOPERM ", "-NOAUTH "].iter().any(|no| answer.starts_with(no));
            assert_eq!(is_admitted, needs.has(caller), "{line} by {name}: {answer}");
            assert!(is_admitted || answer.starts_with(expected), "{line} by {name}: {answer}");
        }
    }
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_client_says_who_it_is_in_each_of_its_ways() {
    let tokens = of_everybody();
    let node = tokens.node().await;
    let redis = node.redis_address().unwrap();
    let (name, token) = ("read-0", token("read-0"));
    for (line, answer) in [
        (format!("AUTH {token}"), "+OK"),
        (format!("AUTH default {token}"), "+OK"),
        (format!("AUTH {name} {token}"), "+OK"),
        (format!("AUTH write-0 {token}"), "-WRONGPASS"),
        (format!("AUTH {name} wrong"), "-WRONGPASS"),
        (format!("HELLO 2 AUTH default {token} SETNAME a"), "*14"),
        (format!("HELLO 2 AUTH default {}", "wrong"), "-WRONGPASS"),
        ("HELLO 3".to_owned(), "-NOAUTH"),
        ("AUTH a b c".to_owned(), "-ERR syntax error"),
    ] {
        let mut wire = Wire::open(redis).await;
        let said = wire.line(&line).await;
        assert!(said.starts_with(answer), "{line}: {said}");
    }
    // A wrong token takes nothing away, and RESET does.
    let mut wire = Wire::open(redis).await;
    wire.call(&format!("AUTH {token}"), "+OK\r\n").await;
    assert!(wire.line("AUTH wrong").await.starts_with("-WRONGPASS"));
    wire.call("PING", "+PONG\r\n").await;
    wire.call("RESET", "+RESET\r\n").await;
    assert!(wire.line("PING").await.starts_with("-NOAUTH"));
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_ask_for_a_role_and_probes_need_none() {
    let tokens = of_everybody();
    let node = tokens.node().await;
    let http = node.http_address().unwrap();
    let needs = Needs::Node(Role::Metrics);
    for (name, caller) in everybody() {
        let shown = shown(&name);
        for (path, shows) in [("/metrics", "psycache_"), ("/", "<title>"), ("/page.css", "{")] {
            let (head, body) = page(http, path, shown.as_deref()).await;
            let status = match caller {
                _ if needs.has(caller) => "HTTP/1.1 200 ",
                Some(_) => "HTTP/1.1 403 ",
                None => "HTTP/1.1 401 ",
            };
            assert!(head.starts_with(status), "{name}: {path}: {head}\n{body}");
            assert_eq!(body.contains(shows), needs.has(caller), "{name}: {path}: {body}");
            let asks = head.to_lowercase().contains("www-authenticate: bearer");
            assert_eq!(asks, caller.is_none(), "{head}");
        }
        for path in ["/healthz", "/readyz"] {
            let (head, _) = page(http, path, shown.as_deref()).await;
            assert!(head.starts_with("HTTP/1.1 200 "), "{path}: {head}");
        }
    }
    node.shutdown().await;
}
