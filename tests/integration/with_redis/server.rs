//! A Redis of a test's own, on free ports and in a temporary folder.

use std::fs::{self, File};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::certificates::{Authority, Valid};
use crate::outages::Source;
use crate::patience::seen_blocking;
use crate::service::{Caretaker, free_port, has_unread, program};

pub(super) const PASSWORD: &str = "correct-horse-battery";

/// With the strings `Tom`, `Jack` and `Sam`, which the user `psy` may read with every other key,
/// and TLS on a second port. Killed when dropped, or when this process ends in whatever way.
pub(super) struct Server {
    process: Option<Child>,
    port: u16,
    tls_port: u16,
    folder: TempDir,
    pub(super) authority: Authority,
    caretaker: Caretaker,
}

impl Server {
    pub(super) fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let authority = Authority::new("an authority of servers");
        authority.sign(folder.path(), "server", &["localhost"], Valid::Now);
        let caretaker = Caretaker::of(folder.path());
        let (port, tls_port) = (free_port(), free_port());
        let mut server = Self { process: None, port, tls_port, folder, authority, caretaker };
        server.run();
        server.fill();
        server
    }

    fn fill(&self) {
        self.does(&[
            "ACL",
            "SETUSER",
            "psy",
            "on",
            &format!(">{PASSWORD}"),
            "~*",
            "+get",
            "+hget",
            "+select",
        ]);
        for (key, value) in [("Tom", "630"), ("Jack", "589"), ("Sam", "567")] {
            self.does(&["SET", key, value]);
            self.does(&["HSET", &format!("student:{key}"), "score", value]);
        }
    }

    /// Where it answers, or did before it was stopped.
    pub(super) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Where it speaks TLS, by the name that its certificate has.
    pub(super) fn tls_place(&self) -> String {
        format!("localhost:{}", self.tls_port)
    }

    /// Runs it, empty, and waits until it answers.
    pub(super) fn run(&mut self) {
        let said =
            || File::options().create(true).append(true).open(self.file("said.log")).unwrap();
        let mut server = program("redis-server");
        server.args(["--port", &self.port.to_string(), "--bind", "127.0.0.1"]);
        server.args(["--tls-port", &self.tls_port.to_string(), "--tls-auth-clients", "no"]);
        for (option, file) in
            [("--tls-cert-file", "server.pem"), ("--tls-key-file", "server.key"), ("--dir", "")]
        {
            server.arg(option).arg(self.file(file));
        }
        server.args(["--save", "", "--enable-debug-command", "yes"]);
        server.stdin(Stdio::null()).stdout(said()).stderr(said());
        let process = server.spawn().expect("Redis is installed; `cargo xtask test` installs it");
        fs::write(self.file(Caretaker::PID), process.id().to_string()).unwrap();
        self.process = Some(process);
        seen_blocking(|| {
            let ended = self.process.as_mut().and_then(|process| process.try_wait().unwrap());
            let said = fs::read_to_string(self.file("said.log")).unwrap_or_default();
            assert_eq!(ended, None, "Redis ended:\n{said}");
            match self.client(&["PING"]).output() {
                Ok(output) if output.stdout == b"PONG\n" => Ok(()),
                _ => Err(said),
            }
        });
    }

    /// The same, filled as it was at first.
    pub(super) fn run_filled(&mut self) {
        self.run();
        self.fill();
    }

    /// Has it do nothing, or go on.
    pub(super) fn signal(&self, name: &str) {
        let pid = self.process.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }

    /// What it replies to the administrator.
    pub(super) fn does(&self, words: &[&str]) -> String {
        let output = self.client(words).output().unwrap();
        let reply = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && !reply.starts_with("ERR"), "{words:?}: {reply}");
        reply.trim_end().to_owned()
    }

    /// How often it has run a command.
    pub(super) fn ran(&self, command: &str) -> usize {
        let statistics = self.does(&["INFO", "commandstats"]);
        let line = statistics.lines().find_map(|line| {
            line.strip_prefix(&format!("cmdstat_{command}:calls="))?.split(',').next()
        });
        line.map_or(0, |calls| calls.parse().unwrap())
    }

    /// The same client without an end, for a command that takes its time.
    pub(super) fn client(&self, words: &[&str]) -> Command {
        let mut client = program("redis-cli");
        client.args(["-h", "127.0.0.1", "-p", &self.port.to_string()]).args(words);
        client.stdin(Stdio::null());
        client
    }

    fn file(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }
}

impl Source for Server {
    fn port(&self) -> u16 {
        self.port
    }

    fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
            fs::remove_file(self.file(Caretaker::PID)).unwrap();
        }
    }

    fn run_at(&mut self, port: u16) {
        self.port = port;
        self.run_filled();
    }

    fn set_score(&self, name: &str, score: &str) {
        self.does(&["SET", name, score]);
    }

    fn freeze(&self) {
        self.signal("STOP");
    }

    fn has_unanswered(&self) -> bool {
        // It was told to do nothing.
        has_unread(self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
        self.caretaker.end();
    }
}
