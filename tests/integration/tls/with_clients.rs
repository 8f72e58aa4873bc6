//! Clients in other languages, which bring a TLS of their own.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Files, flags};
use crate::access::{Tokens, token};
use crate::harness::{ServedNode, ending, run, stderr, stdout};
use crate::patience::seen;

/// Fetched and compiled at its first use.
const GRPCURL: &str = "github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.3";

/// A node over TLS whose callers have tokens.
fn node(files: &Files, tokens: &Tokens) -> ServedNode {
    Files::serve(&[flags(&files.node), tokens.flags().to_vec()].concat())
}

#[test]
fn grpcio_of_python_is_served_with_a_certificate_and_refused_without() {
    let files = Files::new();
    let node = Files::serve(&files.mutual());
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut python = Command::new(root.join("target/tools/python/bin/python"));
    python.arg(root.join("tests/integration/tls/grpcio.py")).arg(node.address());
    python.args([&files.ca, &files.client.cert, &files.client.key]);
    let said = run(python, b"");
    assert_eq!(stdout(&said), "served and refused\n", "{}", ending(&said).1);
}

fn grpcurl(files: &Files, node: &ServedNode, shown: Option<&str>, call: &[&str]) -> Output {
    let mut go = Command::new("go");
    go.args(["run", GRPCURL, "-cacert"]).arg(&files.ca);
    if let Some(shown) = shown {
        go.arg("-H").arg(format!("authorization: Bearer {}", token(shown)));
    }
    let (flags, method) = call.split_at(call.len() - 1);
    go.args(flags).arg(node.address()).args(method);
    run(go, b"")
}

#[test]
fn grpcurl_calls_over_tls_with_a_token_and_is_refused_without() {
    let files = Files::new();
    let tokens = Tokens::of([("web", "read", ""), ("job", "write", "")]);
    let node = node(&files, &tokens);
    let get = ["-d", r#"{"group":"default","key":"Tom"}"#, "psycache.v1.Cache/Get"];
    let said = grpcurl(&files, &node, Some("web"), &get);
    // JSON has bytes in base64: 630.
    assert!(stdout(&said).contains("NjMw"), "{}{}", stdout(&said), stderr(&said));
    // It asks reflection first what the method is.
    let said = grpcurl(&files, &node, None, &get);
    assert!(stderr(&said).contains("no token"), "{}", stderr(&said));
    let said = grpcurl(&files, &node, Some("job"), &get);
    let refused = "job does not have the role read";
    assert!(stderr(&said).contains("PermissionDenied"), "{}", stderr(&said));
    assert!(stderr(&said).contains(refused), "{}", stderr(&said));
    let health = grpcurl(&files, &node, Some("web"), &["grpc.health.v1.Health/Check"]);
    assert!(stdout(&health).contains("SERVING"), "{}", stderr(&health));
}

/// A Prometheus at work, killed when dropped.
struct Prometheus {
    child: Child,
    address: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Prometheus {
    fn start(config: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("prometheus.yml");
        fs::write(&file, config).unwrap();
        let mut command = Command::new("prometheus");
        command.arg(format!("--config.file={}", file.display()));
        command.arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()));
        command.args(["--web.listen-address=127.0.0.1:0", "--log.format=json"]);
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("`cargo xtask test` installs it");
        let mut log = BufReader::new(child.stderr.take().expect("it is piped")).lines();
        let mut said = Vec::new();
        let address = log.by_ref().map_while(Result::ok).find_map(|line| {
            let parsed: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
            said.push(line);
            let is_it = parsed["msg"].as_str().is_some_and(|msg| msg.starts_with("Listening on"));
            is_it.then(|| parsed["address"].as_str()?.parse().ok()).flatten()
        });
        // Who does not read its log makes it wait.
        std::thread::spawn(move || log.for_each(drop));
        let address = address.unwrap_or_else(|| panic!("{said:#?}"));
        Self { child, address, _folder: folder }
    }

    /// The answer, once it serves.
    async fn ask(&self, path: &str) -> serde_json::Value {
        seen(async || self.answer(path).await).await
    }

    async fn answer(&self, path: &str) -> Result<serde_json::Value, String> {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        // Of this version an answer comes in one piece.
        stream.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").expect("an answer has a head");
        match head.contains(" 200 ") {
            true => Ok(serde_json::from_str(body).unwrap()),
            false => Err(answer),
        }
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn prometheus_scrapes_over_tls_with_a_token_and_is_refused_with_a_wrong_one() {
    let files = Files::new();
    let tokens = Tokens::of([("watch", "metrics", ""), ("web", "read", "")]);
    let node = node(&files, &tokens);
    let job = |name: &str, shown: &str| {
        format!(
            "  - job_name: {name}\n    scheme: https\n    authorization:\n      \
             credentials_file: {}\n    tls_config:\n      ca_file: {}\n    static_configs:\n      \
             - targets: ['{}']\n",
            tokens.token_file(shown),
            files.ca.display(),
            node.told("http"),
        )
    };
    let config = format!(
        "global:\n  scrape_interval: 1s\nscrape_configs:\n{}{}{}",
        job("known", "watch"),
        job("unknown", "nobody"),
        job("without", "web"),
    );
    let prometheus = Prometheus::start(&config);
    let targets = seen(async || {
        let told = prometheus.ask("/api/v1/targets?state=active").await;
        let targets = told["data"]["activeTargets"].as_array().cloned().unwrap_or_default();
        let scraped = targets.iter().all(|target| target["health"] != "unknown");
        (targets.len() == 3 && scraped).then_some(targets).ok_or_else(|| format!("{told:#}"))
    })
    .await;
    for (job, health, problem) in
        [("known", "up", ""), ("unknown", "down", "401"), ("without", "down", "403")]
    {
        let target = targets.iter().find(|target| target["labels"]["job"] == job).unwrap();
        assert_eq!(target["health"], health, "{target:#}");
        assert!(target["lastError"].as_str().unwrap().contains(problem), "{target:#}");
    }
    let found = prometheus.ask("/api/v1/query?query=psycache_capacity_bytes").await;
    let found = &found["data"]["result"];
    assert_eq!(found.as_array().map(Vec::len), Some(1), "{found:#}");
    assert_eq!(found[0]["metric"]["group"], "default");
}
