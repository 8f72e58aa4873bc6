//! A PostgreSQL of a test's own, on a free port and in a temporary folder.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::LazyLock;

use tempfile::TempDir;

use crate::certificates::{Authority, Valid};
use crate::patience::seen_blocking;
use crate::service::{Caretaker, free_port, is_root, program, session};

pub(super) const PASSWORD: &str = "correct-horse-battery";

const SCHEMA: &str = "
    CREATE TABLE student (name VARCHAR(64) PRIMARY KEY, score INT);
    INSERT INTO student VALUES ('Tom', 630), ('Jack', 589), ('Sam', 567), ('Una', NULL);
    CREATE USER psy PASSWORD 'correct-horse-battery';
    GRANT SELECT ON ALL TABLES IN SCHEMA public TO psy;
    ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO psy;";

/// With the table `student`, which the user `psy` may read, and a log of every statement. It
/// speaks TLS, with a certificate for `localhost`. Killed when dropped, or when this process
/// ends in whatever way.
pub(super) struct Database {
    server: Option<Child>,
    port: u16,
    folder: TempDir,
    pub(super) authority: Authority,
    /// Whether it speaks TLS when it runs next.
    pub(super) tls: bool,
    caretaker: Caretaker,
}

/// The one that the tests share that only read: making one takes a second.
pub(super) fn shared() -> &'static Database {
    static SHARED: LazyLock<Database> = LazyLock::new(Database::start);
    &SHARED
}

impl Database {
    pub(super) fn start() -> Self {
        Self::start_valid(Valid::Now)
    }

    /// With a certificate that is valid then.
    pub(super) fn start_valid(valid: Valid) -> Self {
        let folder = TempDir::new().unwrap();
        let authority = Authority::new("an authority of databases");
        authority.sign(folder.path(), "server", &["localhost"], valid);
        let caretaker = Caretaker::of(folder.path());
        let port = free_port();
        let mut database = Self { server: None, port, folder, authority, tls: true, caretaker };
        database.install();
        database.run();
        database.sql("CREATE DATABASE school");
        database.sql(SCHEMA);
        database
    }

    /// Where it answers, or did before it was stopped.
    pub(super) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// The DSN of a user.
    pub(super) fn dsn(&self, user: &str) -> String {
        format!("postgres://{user}@{}/school", self.address())
    }

    /// Runs it with the data that it has, and waits until it answers.
    pub(super) fn run(&mut self) {
        let key = self.file("server.key");
        let mut server = self.command("postgres");
        server.arg("-D").arg(self.file("data")).arg("-k").arg(self.folder.path());
        server.args(["-p", &self.port.to_string()]);
        for setting in [
            "listen_addresses=127.0.0.1",
            "fsync=off",
            "log_statement=all",
            "log_line_prefix=",
            if self.tls { "ssl=on" } else { "ssl=off" },
            "lc_messages=C",
        ] {
            server.args(["-c", setting]);
        }
        server.args(["-c", &format!("ssl_cert_file={}", self.file("server.pem").display())]);
        server.args(["-c", &format!("ssl_key_file={}", key.display())]);
        let server =
            server.spawn().expect("PostgreSQL is installed; `cargo xtask test` installs it");
        fs::write(self.file(Caretaker::PID), server.id().to_string()).unwrap();
        self.server = Some(server);
        seen_blocking(|| {
            let ended = self.server.as_mut().and_then(|server| server.try_wait().unwrap());
            assert_eq!(ended, None, "PostgreSQL ended:\n{}", self.said());
            let answers = self.client("postgres", "SELECT 1").output();
            let answers = answers.is_ok_and(|output| output.status.success());
            answers.then_some(()).ok_or_else(|| self.said())
        });
    }

    /// The same at `port`.
    pub(super) fn run_at(&mut self, port: u16) {
        self.port = port;
        self.run();
    }

    /// Ends it at once, with every session of it: its port is closed.
    pub(super) fn stop(&mut self) {
        if let Some(mut server) = self.server.take() {
            let told = Command::new("kill").args(["-QUIT", &server.id().to_string()]).status();
            assert!(told.unwrap().success());
            server.wait().unwrap();
            fs::remove_file(self.file(Caretaker::PID)).unwrap();
        }
    }

    /// How often the server itself says that it executed a statement for `key`.
    pub(super) fn executed(&self, key: &str) -> usize {
        self.logged(|parameters| parameters == format!("$1 = '{key}'"))
    }

    /// How often it executed one for a key, or for keys, with `part` in it.
    pub(super) fn executed_with(&self, part: &str) -> usize {
        self.logged(|parameters| parameters.contains(part))
    }

    fn logged(&self, counts: impl Fn(&str) -> bool) -> usize {
        let said = self.said();
        // Later versions write the word with a capital.
        let parameters = said.lines().filter_map(|line| {
            let (head, parameters) = line.split_once("arameters: ")?;
            head.starts_with("DETAIL:").then_some(parameters)
        });
        parameters.filter(|parameters| counts(parameters)).count()
    }

    pub(super) fn sql(&self, statements: &str) {
        self.printed(statements);
    }

    /// What the server's own client prints for `statements`, without names of columns.
    pub(super) fn printed(&self, statements: &str) -> Vec<u8> {
        let database =
            if statements.starts_with("CREATE DATABASE") { "postgres" } else { "school" };
        let output = self.client(database, statements).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    /// The same of one row, as text.
    pub(super) fn row(&self, statement: &str) -> String {
        String::from_utf8(self.printed(statement)).unwrap().trim_end().to_owned()
    }

    /// A session that has executed `statement`, and lasts until its input is dropped.
    pub(super) fn session(&self, statement: &str) -> (Child, ChildStdin) {
        let mut client = program("psql");
        client.args(["-X", "-q", "-A", "-t", "-U", "postgres", "-d", "school"]);
        client.arg("-h").arg(self.folder.path()).args(["-p", &self.port.to_string()]);
        session(client, statement)
    }

    /// Sends a signal to every session of `psy`, by its name.
    pub(super) fn signal_sessions(&self, name: &str) {
        let sessions = self.row("SELECT pid FROM pg_stat_activity WHERE usename = 'psy'");
        let sent = Command::new("kill").args(["-s", name]).args(sessions.lines()).status();
        assert!(sent.unwrap().success(), "{sessions}");
    }

    fn client(&self, database: &str, statements: &str) -> Command {
        let mut client = program("psql");
        client.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-U", "postgres"]);
        client.arg("-h").arg(self.folder.path()).args(["-p", &self.port.to_string()]);
        client.args(["-d", database, "-c", statements]);
        client
    }

    fn install(&self) {
        if is_root() {
            // It refuses to be root.
            let own =
                Command::new("chown").arg("-R").arg("nobody").arg(self.folder.path()).status();
            assert!(own.unwrap().success());
        }
        let keep = Command::new("chmod").arg("600").arg(self.file("server.key")).status();
        assert!(keep.unwrap().success());
        let mut install = self.command("initdb");
        install.arg("-D").arg(self.file("data")).args(["-U", "postgres", "--no-sync"]);
        install.args(["-E", "UTF8", "--locale=C", "--auth-local=trust"]);
        let installed = install.arg("--auth-host=scram-sha-256").status();
        let installed = installed.expect("PostgreSQL is installed; `cargo xtask test` installs it");
        assert!(installed.success(), "{}", self.said());
    }

    /// A program on the server's side, which tells its log what it says.
    pub(super) fn command(&self, name: &str) -> Command {
        let said = || File::options().create(true).append(true).open(self.file("said.log"));
        let mut command = match is_root() {
            true => {
                let server = program(name);
                let mut command = Command::new("setpriv");
                command.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups"]);
                command.arg(server.get_program()).args(server.get_args());
                command
            }
            false => program(name),
        };
        command.current_dir(self.folder.path());
        command.stdin(Stdio::null()).stdout(said().unwrap()).stderr(said().unwrap());
        command
    }

    /// A file of its folder.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn said(&self) -> String {
        let said = fs::read(self.file("said.log")).unwrap_or_default();
        String::from_utf8_lossy(&said).into_owned()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.stop();
        self.caretaker.end();
    }
}
