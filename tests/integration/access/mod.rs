//! Callers with tokens, and what each may do.

mod audit;
mod browsers;
mod changes;
mod commands;
mod left;
mod matrix;
mod methods;
mod rate;
mod raw;
mod start;

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;

use psycache::access::Role;
use psycache::config::{Config, Group};
use psycache::node::Node;
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The group that is asked for.
const GROUP: &str = "scores-1";

/// A file of callers.
pub(crate) struct Tokens {
    folder: TempDir,
    lines: Vec<String>,
}

impl Tokens {
    /// The file with these callers: a name, its roles, and what else stands in the line.
    pub(crate) fn of<'a>(callers: impl IntoIterator<Item = (&'a str, &'a str, &'a str)>) -> Self {
        let mut tokens = Self { folder: tempfile::tempdir().unwrap(), lines: Vec::new() };
        for (name, roles, more) in callers {
            tokens.add(name, roles, more);
        }
        tokens.write();
        tokens
    }

    fn add(&mut self, name: &str, roles: &str, more: &str) {
        let roles: Vec<String> = roles.split(' ').map(|role| format!("'{role}'")).collect();
        let (digest, roles) = (digest(&token(name)), roles.join(", "));
        self.lines.push(format!("{name} = {{ sha256 = '{digest}', roles = [{roles}]{more} }}"));
    }

    /// Takes a caller out.
    fn remove(&mut self, name: &str) {
        self.lines.retain(|line| !line.starts_with(&format!("{name} = ")));
        self.write();
    }

    fn write(&self) {
        // By a rename, as no file is ever half written.
        let beside = self.folder.path().join("new");
        fs::write(&beside, self.lines.join("\n") + "\n").unwrap();
        fs::rename(beside, self.path()).unwrap();
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("tokens.toml")
    }

    pub(crate) fn flags(&self) -> [String; 2] {
        ["--tokens".into(), self.path().to_str().unwrap().into()]
    }

    /// The file with the token of a caller.
    pub(crate) fn token_file(&self, name: &str) -> String {
        let path = self.folder.path().join(name);
        fs::write(&path, token(name) + "\n").unwrap();
        path.to_str().unwrap().into()
    }

    fn config(&self) -> Config {
        let mut config = open_config();
        config.tokens = Some(self.path());
        config
    }

    async fn node(&self) -> Node {
        Node::start(self.config()).await.unwrap()
    }
}

/// The settings of a node that asks for no tokens.
fn open_config() -> Config {
    let mut config = Config::default();
    config.listen = "127.0.0.1:0".into();
    config.http = Some("127.0.0.1:0".into());
    config.redis = Some("127.0.0.1:0".into());
    config.groups = [GROUP, "notes"].map(Group::new).into();
    config
}

/// The token of a caller.
pub(crate) fn token(name: &str) -> String {
    format!("psycache_{name:_<43}")
}

fn digest(token: &str) -> String {
    Sha256::digest(token).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Status line and headers of a page, and its body.
async fn page(http: SocketAddr, path: &str, token: Option<&str>) -> (String, String) {
    let mut stream = TcpStream::connect(http).await.unwrap();
    let shown = token.map_or_else(String::new, |t| format!("Authorization: Bearer {t}\r\n"));
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: {http}\r\n{shown}Connection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer has a head");
    (head.to_owned(), body.to_owned())
}

/// How often a kind was recorded, as the metrics say.
async fn audited(http: SocketAddr, token: &str, kind: &str) -> u64 {
    let (head, body) = page(http, "/metrics", Some(token)).await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    let line = format!("psycache_audit_events_total{{kind=\"{kind}\"}} ");
    let count = body.lines().find_map(|found| found.strip_prefix(&line));
    count.unwrap_or_else(|| panic!("no {line} in {body}")).parse().unwrap()
}

/// Callers of each role for each pattern of groups, and two that are not in the file.
fn everybody() -> Vec<(String, Option<(Role, &'static str)>)> {
    let mut callers = vec![("nobody".to_owned(), None), ("unknown".to_owned(), None)];
    for role in Role::ALL {
        for (at, pattern) in ["*", "scores-*", "scores-1", "notes"].into_iter().enumerate() {
            // The page of metrics is about all groups.
            if role != Role::Metrics || pattern == "*" {
                callers.push((format!("{}-{at}", role.name()), Some((role, pattern))));
            }
        }
    }
    callers
}

/// The file of [`everybody`].
fn of_everybody() -> Tokens {
    let mut tokens = Tokens::of([]);
    for (name, grant) in everybody() {
        if let Some((role, pattern)) = grant {
            tokens.add(&name, &format!("{}:{pattern}", role.name()), "");
        }
    }
    tokens.write();
    tokens
}
