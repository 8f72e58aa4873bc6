//! A node behind a real PgBouncer.

use std::fs;
use std::net::TcpStream;
use std::process::{Child, Command};

use futures::future::join_all;
use tempfile::TempDir;

use super::{Database, NOT_FOUND, PASSWORD, SCORES, client, refused, serve_by, shared, value};
use crate::harness::ServedNode;
use crate::outages::Source;
use crate::patience::seen_blocking;
use crate::service::{Caretaker, free_port, is_root};

/// A PgBouncer, killed when dropped, or when this process ends in whatever way.
struct Bouncer {
    process: Child,
    port: u16,
    caretaker: Caretaker,
    _folder: TempDir,
}

impl Bouncer {
    /// One in front of `database`, with so many connections to it.
    fn start(database: &Database, pool_mode: &str, connections: u32) -> Self {
        let folder = TempDir::new().unwrap();
        let port = free_port();
        let users = folder.path().join("users.txt");
        fs::write(&users, format!("\"psy\" \"{PASSWORD}\"\n")).unwrap();
        let settings = [
            "[databases]".to_owned(),
            format!("school = host=127.0.0.1 port={}", database.port()),
            "[pgbouncer]".to_owned(),
            format!("listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir ="),
            format!("auth_type = scram-sha-256\nauth_file = {}", users.display()),
            format!("pool_mode = {pool_mode}\ndefault_pool_size = {connections}"),
        ];
        let file = folder.path().join("pgbouncer.ini");
        fs::write(&file, settings.join("\n")).unwrap();
        if is_root() {
            // It refuses to be root.
            let own = Command::new("chown").args(["-R", "nobody"]).arg(folder.path()).status();
            assert!(own.unwrap().success());
        }
        let process = database.command("pgbouncer").arg(file).spawn();
        let process = process.expect("PgBouncer is installed; `cargo xtask test` installs it");
        fs::write(folder.path().join(Caretaker::PID), process.id().to_string()).unwrap();
        let caretaker = Caretaker::of(folder.path());
        seen_blocking(|| TcpStream::connect(("127.0.0.1", port)).map_err(|e| e.to_string()));
        Self { process, port, caretaker, _folder: folder }
    }

    fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

impl Drop for Bouncer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        self.caretaker.end();
    }
}

/// Asserts that loads at a time get their own values by `query`, on two connections to PgBouncer.
async fn answers_behind(pool_mode: &str, connections: u32, query: &str) {
    let bouncer = Bouncer::start(shared(), pool_mode, connections);
    let dsn = format!("postgres://psy@{}/school", bouncer.address());
    let mut command = serve_by(&dsn, query, &[("tls", "false")]);
    command.args(["--allow-net", &bouncer.address(), "--pool-size", "2"]);
    let node = ServedNode::spawn(command);
    let client = client(&node).await;
    for _ in 0..20 {
        let found = join_all(["Tom", "Jack", "Sam"].map(|key| value(&client, key))).await;
        assert_eq!(found, ["630", "589", "567"]);
        let cleared = node.run(["clear", "scores"]);
        assert!(cleared.status.success(), "{cleared:?}");
    }
    refused(&client, "Nobody", NOT_FOUND, &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_behind_pgbouncer_that_pools_sessions_keeps_its_settings() {
    let read_only = format!("{SCORES} AND current_setting('default_transaction_read_only') = 'on'");
    answers_behind("session", 2, &read_only).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn values_are_right_behind_pgbouncer_that_pools_transactions() {
    // Both connections of the node share it.
    answers_behind("transaction", 1, SCORES).await;
}
