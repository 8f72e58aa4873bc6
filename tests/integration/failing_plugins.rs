//! What callers and operators read when a plugin fails or prints.

use psycache::proto::cache_client::CacheClient;
use psycache::proto::{GetRequest, SetRequest};
use tonic::{Code, Request};

use crate::harness::{ServedNode, psycache, stderr};
use crate::museum::exhibits;

/// A component in a file.
fn file(folder: &tempfile::TempDir, name: &str, component: Vec<u8>) -> String {
    let path = folder.path().join(name).with_extension("wasm");
    std::fs::write(&path, component).unwrap();
    path.to_str().unwrap().to_owned()
}

fn ended(node: ServedNode) -> String {
    node.signal("TERM");
    let (status, _, log) = node.ended();
    assert!(status.success(), "{log}");
    log
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trap_is_a_sentence_to_the_caller_and_the_log_says_where() {
    let folder = tempfile::tempdir().unwrap();
    let source = file(&folder, "traps", exhibits::retriever("traps"));
    let node = ServedNode::start(&["--retriever", &source, "--otlp", "http://127.0.0.1:1"]);
    let url = format!("http://{}", node.address());
    let mut client = CacheClient::connect(url).await.unwrap();
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let mut request =
        Request::new(GetRequest { group: "default".into(), key: "Tom".into(), may_lend: false });
    let parent = format!("00-{trace}-b7ad6b7169203331-01");
    request.metadata_mut().insert("traceparent", parent.parse().unwrap());
    let told = client.get(request).await.expect_err("it traps");
    assert_eq!(told.code(), Code::Unavailable);
    let message = told.message();
    assert!(message.contains("unreachable") && message.contains(trace), "{message}");
    assert!(!message.contains("backtrace") && message.lines().count() == 1, "{message}");

    let log = tokio::task::spawn_blocking(|| ended(node)).await.unwrap();
    let place = log.lines().find(|line| line.contains("backtrace")).expect("the log says where");
    assert!(place.contains("traps.wasm") && place.contains(trace), "{place}");

    let policy = file(&folder, "trap-in-step", exhibits::policy("trap-in-step"));
    let refused = psycache(["serve", "--listen", "127.0.0.1:0", "--policy", &policy]);
    let told = stderr(&refused);
    let error = told.lines().find(|line| line.starts_with("error: ")).expect("it is refused");
    assert!(error.contains("unreachable") && !error.contains("backtrace"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_plugin_prints_is_logged_as_it_is_but_moves_no_cursor() {
    let folder = tempfile::tempdir().unwrap();
    let policy = file(&folder, "log-flood", exhibits::policy("log-flood"));
    let node = ServedNode::start(&["--policy", &policy, "--log-format", "text"]);
    let mut client = CacheClient::connect(format!("http://{}", node.address())).await.unwrap();
    let (group, key) = ("default".into(), "Ada".into());
    client.set(SetRequest { group, key, ..SetRequest::default() }).await.unwrap();
    let log = tokio::task::spawn_blocking(|| ended(node)).await.unwrap();
    assert!(log.contains(r##"buy "more" \\u{1b}!!"##), "{log}");
}
