//! Servers of other people, which tests start in folders of their own.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

/// A port that is free now. Released only just before a server takes it.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A program of a server. Debian has servers where only root looks for programs, and
/// PostgreSQL in a folder for each version.
pub(crate) fn program(name: &str) -> Command {
    let path = std::env::var("PATH").unwrap_or_default();
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let versions = versions.map(|version| format!(":{}/bin", version.path().display()));
    let versions: String = versions.collect();
    let mut command = Command::new("env");
    command.arg(format!("PATH={path}:/usr/sbin:/usr/local/sbin{versions}")).arg(name);
    command
}

/// Whether bytes have come to a connection whose own end has that port, and are not read yet.
pub(crate) fn has_unread(port: u16) -> bool {
    let sockets = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let own = format!(":{port:04X}");
    sockets.lines().any(|socket| {
        // Its number, both addresses, the state (1: connected) and the lengths of both queues.
        let fields: Vec<&str> = socket.split_whitespace().collect();
        let connected = fields[1].ends_with(&own) && fields[3] == "01";
        connected && !fields[4].ends_with(":00000000")
    })
}

pub(crate) fn is_root() -> bool {
    Command::new("id").arg("-u").output().unwrap().stdout == b"0\n"
}

/// A session by the SQL client of a server that has executed `statement`. It lasts until its input
/// is dropped.
pub(crate) fn session(mut client: Command, statement: &str) -> (Child, ChildStdin) {
    let mut session = client.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut statements = session.stdin.take().unwrap();
    writeln!(statements, "{statement}; SELECT 'done';").unwrap();
    let mut printed = BufReader::new(session.stdout.take().unwrap()).lines();
    assert!(printed.any(|line| line.unwrap() == "done"), "{statement}");
    (session, statements)
}

/// Nobody drops what is static, and nobody who was killed drops anything. This process
/// sees the end of its input when the test's process ends, and then tidies up.
pub(crate) struct Caretaker(Child);

impl Caretaker {
    /// Where it reads which process to kill.
    pub(crate) const PID: &str = "server.pid";

    pub(crate) fn of(folder: &Path) -> Self {
        let tidy = "cat; kill -KILL $(cat \"$0/server.pid\"); rm -rf \"$0\"";
        let caretaker = Command::new("sh")
            .args(["-c", tidy])
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Self(caretaker.unwrap())
    }

    pub(crate) fn end(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}
