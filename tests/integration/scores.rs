//! A node whose group `scores` asks a source of a test's own, and what callers get of it.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;

use psycache::proto::cache_client::CacheClient;
use psycache::proto::{GetRequest, GetResponse};
use tonic::transport::Channel;
use tonic::{Code, Response, Status};
use tonic_types::StatusExt;

use crate::harness::{ServedNode, psycache_command};
use crate::patience::until;

pub(crate) const UNAVAILABLE: (Code, &str) = (Code::Unavailable, "UNAVAILABLE");
pub(crate) const REJECTED: (Code, &str) = (Code::PermissionDenied, "SOURCE_REJECTED");
pub(crate) const BAD_VALUE: (Code, &str) = (Code::FailedPrecondition, "BAD_VALUE");
pub(crate) const INVALID_KEY: (Code, &str) = (Code::InvalidArgument, "INVALID_KEY");
pub(crate) const NOT_FOUND: (Code, &str) = (Code::NotFound, "NOT_FOUND");
pub(crate) const LATE: (Code, &str) = (Code::DeadlineExceeded, "DEADLINE_EXCEEDED");

/// A `serve` whose group asks by `retriever`, on free ports.
pub(crate) fn serve(retriever: &str, options: &[(&str, &str)]) -> Command {
    let mut command =
        psycache_command(["serve", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"]);
    command.args(["--group", "scores", "--policy", "lruk.wasm", "--retriever", retriever]);
    for (name, value) in options {
        command.args(["--retriever-opt", &format!("{name}={value}")]);
    }
    command
}

pub(crate) async fn client(node: &ServedNode) -> CacheClient<Channel> {
    CacheClient::connect(format!("http://{}", node.address())).await.unwrap()
}

pub(crate) async fn get(client: &CacheClient<Channel>, key: &str) -> Result<GetResponse, Status> {
    let request =
        GetRequest { group: "scores".into(), key: key.to_owned().into(), may_lend: false };
    client.clone().get(request).await.map(Response::into_inner)
}

/// The value of `key`, as text.
pub(crate) async fn value(client: &CacheClient<Channel>, key: &str) -> String {
    let found = get(client, key).await.unwrap();
    String::from_utf8(found.value.into()).unwrap()
}

/// Asserts that a get of `key` is refused with that code and reason, in words with all
/// of `parts` in them and no number of a system's error.
pub(crate) async fn refused(
    client: &CacheClient<Channel>,
    key: &str,
    (code, reason): (Code, &str),
    parts: &[&str],
) {
    let status = get(client, key).await.expect_err("it can't be loaded");
    let details = status.get_error_details();
    let info = details.error_info().expect("every error of ours has one");
    assert_eq!((status.code(), info.reason.as_str()), (code, reason), "{status}");
    assert_eq!((info.domain.as_str(), info.metadata["group"].as_str()), ("psycache", "scores"));
    for part in parts {
        assert!(status.message().contains(part), "no {part:?} in {:?}", status.message());
    }
    assert!(!status.message().contains("os error"), "{status}");
}

/// Asserts that `node`, which logs all there is, shows `secret` nowhere: in no answer, status,
/// metric or line of its log.
pub(crate) async fn assert_secret(node: ServedNode, secret: &str) {
    let client = client(&node).await;
    let mut shown = vec![node.ready().to_owned()];
    for key in ["Tom", "Nobody"] {
        shown.push(format!("{:?}", get(&client, key).await));
    }
    for command in [&["status"][..], &["status", "--json"]] {
        let status = node.run(command);
        assert!(status.status.success(), "{status:?}");
        shown.push(String::from_utf8_lossy(&status.stdout).into_owned());
    }
    shown.push(metrics(node.told("http")));
    node.signal("TERM");
    let (_, printed, log) = node.ended();
    assert!(log.contains("TRACE"), "it is to log all there is: {log}");
    shown.extend(printed);
    shown.push(log);
    for text in shown {
        assert!(!text.contains(secret), "{text}");
    }
}

/// Asserts that `retriever` has its secret `password` from a file, and after a reload the one
/// that the file has then. With another one it is refused in words with all of `parts`.
pub(crate) async fn assert_rotates_password(
    retriever: &str,
    place: &str,
    options: &[(&str, &str)],
    password: &str,
    parts: &[&str],
) {
    let folder = tempfile::tempdir().unwrap();
    let (file, config) = (folder.path().join("password"), folder.path().join("psycache.toml"));
    fs::write(&file, "wrong").unwrap();
    let options = options.iter().map(|(name, value)| format!("{name} = \"{value}\""));
    let lines = format!(
        "listen = \"127.0.0.1:0\"\nhttp = \"none\"\n[[group]]\nname = \"scores\"\n\
         [group.retriever]\nplugin = \"{retriever}\"\nallow-net = [\"{place}\"]\n\
         secrets = {{ password = \"file:{}\" }}\noptions = {{ {} }}\n",
        file.display(),
        options.collect::<Vec<_>>().join(", "),
    );
    fs::write(&config, lines).unwrap();
    let node = ServedNode::spawn(psycache_command(["serve", "--config", config.to_str().unwrap()]));
    let client = client(&node).await;
    refused(&client, "Tom", REJECTED, parts).await;
    fs::write(&file, password).unwrap();
    node.signal("HUP");
    until("the new password is taken", async || get(&client, "Tom").await.is_ok()).await;
}

/// The page of metrics at `address`.
pub(crate) fn metrics(address: &str) -> String {
    let mut connection = TcpStream::connect(address).unwrap();
    let request = "GET /metrics HTTP/1.1\r\nHost: node\r\nConnection: close\r\n\r\n";
    connection.write_all(request.as_bytes()).unwrap();
    let mut page = String::new();
    connection.read_to_string(&mut page).unwrap();
    assert!(page.contains("psycache_loads_total"), "{page}");
    page
}

/// Asserts that `page` has a row for each option that `retriever` knows.
pub(crate) fn assert_page_has_every_option(page: &str, retriever: &str, options: &[(&str, &str)]) {
    let output = crate::harness::run(serve(retriever, &[options, &[("none", "1")]].concat()), b"");
    let text = crate::harness::stderr(&output);
    let (_, known) = text.split_once("(known: ").expect(text);
    let (known, _) = known.split_once(')').unwrap();
    assert!(known.split(", ").count() > 4, "{known}");
    for option in known.split(", ") {
        assert!(page.contains(&format!("\n| `{option}` |")), "{option}");
    }
}

/// Runs the tests of a package of `plugins/` that ask a real server, which is at `address`.
pub(crate) fn run_server_tests(package: &str, address: &str, password: &str) {
    let plugins = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("plugins");
    let mut cargo = Command::new("cargo");
    // As `cargo xtask test` compiles the other tests of plugins.
    cargo.args(["--config", "profile.release.opt-level=1"]);
    cargo.args(["test", "--release", "--locked", "--package", package, "--test", "many"]);
    cargo.args(["--features", "server-tests"]).current_dir(plugins).env_remove("CARGO_TARGET_DIR");
    let tests = cargo.env("TEST_SERVER", address).env("TEST_PASSWORD", password).output().unwrap();
    let said = [tests.stdout, tests.stderr].concat();
    assert!(tests.status.success(), "{}", String::from_utf8_lossy(&said));
}
