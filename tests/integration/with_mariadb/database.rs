//! A MariaDB of a test's own, on a free port and in a temporary folder.

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
    CREATE DATABASE school;
    CREATE TABLE school.student (name VARCHAR(64) PRIMARY KEY, score INT);
    INSERT INTO school.student VALUES ('Tom', 630), ('Jack', 589), ('Sam', 567), ('Una', NULL);
    CREATE USER psy@localhost, psy@'127.0.0.1';
    GRANT SELECT ON school.* TO psy@localhost, psy@'127.0.0.1';";

/// With the table `school.student`, which the user `psy` may read, and a log of every
/// statement. Killed when dropped, or when this process ends in whatever way.
pub(super) struct Database {
    server: Option<Child>,
    port: u16,
    folder: TempDir,
    /// Who has signed its certificate for `localhost`. Without one it speaks no TLS.
    pub(super) authority: Option<Authority>,
    caretaker: Caretaker,
}

/// The one that the tests share that only read: making one takes seconds.
pub(super) fn shared() -> &'static Database {
    static SHARED: LazyLock<Database> = LazyLock::new(Database::start);
    &SHARED
}

impl Database {
    pub(super) fn start() -> Self {
        Self::start_with(None)
    }

    /// One that speaks TLS, by a certificate that is valid then.
    pub(super) fn start_secure(valid: Valid) -> Self {
        Self::start_with(Some(valid))
    }

    fn start_with(valid: Option<Valid>) -> Self {
        let folder = TempDir::new().unwrap();
        let port = free_port();
        let caretaker = Caretaker::of(folder.path());
        let authority = valid.map(|valid| {
            let authority = Authority::new("an authority of databases");
            authority.sign(folder.path(), "server", &["localhost"], valid);
            authority
        });
        let mut database = Self { server: None, port, folder, authority, caretaker };
        database.install();
        database.run();
        database.sql(SCHEMA);
        for host in ["localhost", "127.0.0.1"] {
            database.sql(&format!("ALTER USER psy@'{host}' IDENTIFIED BY '{PASSWORD}'"));
        }
        database
    }

    /// Where it answers, or did before it was stopped.
    pub(super) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Runs it with the data that it has, and waits until it answers.
    pub(super) fn run(&mut self) {
        let mut server = self.command("mariadbd");
        if self.authority.is_some() {
            server.arg(self.option("ssl-cert", "server.pem"));
            server.arg(self.option("ssl-key", "server.key"));
        }
        let server = server
            .arg(self.option("socket", "s"))
            .arg(self.option("general-log-file", "general.log"))
            .arg(self.option("pid-file", "own.pid"))
            .arg(format!("--port={}", self.port))
            .args(["--bind-address=127.0.0.1", "--general-log=1", "--max-allowed-packet=256M"])
            .spawn()
            .expect("MariaDB is installed; `cargo xtask test` installs it");
        fs::write(self.file(Caretaker::PID), server.id().to_string()).unwrap();
        self.server = Some(server);
        seen_blocking(|| {
            let ended = self.server.as_mut().and_then(|server| server.try_wait().unwrap());
            assert_eq!(ended, None, "MariaDB ended:\n{}", self.said());
            self.answers().then_some(()).ok_or_else(|| self.said())
        });
    }

    /// The same at `port`.
    pub(super) fn run_at(&mut self, port: u16) {
        self.port = port;
        self.run();
    }

    /// Kills it: its port is closed.
    pub(super) fn stop(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.kill().unwrap();
            server.wait().unwrap();
            fs::remove_file(self.file(Caretaker::PID)).unwrap();
        }
    }

    /// How often the server itself says that it executed `statement`, with its key in
    /// place.
    pub(super) fn executed(&self, statement: &str) -> usize {
        self.logged(|line| line.ends_with(&format!("Query\t{statement}")))
    }

    /// How many statements the server says that it executed that have all `parts`.
    pub(super) fn executed_with(&self, parts: &[&str]) -> usize {
        self.logged(|line| line.contains("Query\t") && parts.iter().all(|part| line.contains(part)))
    }

    fn logged(&self, counts: impl Fn(&str) -> bool) -> usize {
        let log = fs::read(self.file("general.log")).unwrap();
        String::from_utf8_lossy(&log).lines().filter(|line| counts(line)).count()
    }

    pub(super) fn sql(&self, statements: &str) {
        self.printed(statements);
    }

    /// What the server's own client prints for `statements`, without names of columns.
    pub(super) fn printed(&self, statements: &str) -> Vec<u8> {
        let output = self.client(statements).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    /// The same of one row, as text.
    pub(super) fn row(&self, statement: &str) -> String {
        String::from_utf8(self.printed(statement)).unwrap().trim_end().to_owned()
    }

    /// A session that has executed `statement`, and lasts until its input is dropped.
    pub(super) fn session(&self, statement: &str) -> (Child, ChildStdin) {
        let mut client = program("mariadb");
        client.args(["--no-defaults", "-uroot", "-N", "--unbuffered"]);
        client.arg(self.option("socket", "s"));
        session(client, statement)
    }

    /// How many connections there were at a time since it runs, at most.
    pub(super) fn most_connections(&self) -> usize {
        let most = "SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS
            WHERE VARIABLE_NAME = 'MAX_USED_CONNECTIONS'";
        self.row(most).parse().unwrap()
    }

    /// Sends a signal by its name, `STOP` say.
    pub(super) fn signal(&self, name: &str) {
        let server = self.server.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args(["-s", name, &server]).status().unwrap().success());
    }

    fn answers(&self) -> bool {
        self.client("SELECT 1").output().is_ok_and(|output| output.status.success())
    }

    fn client(&self, statements: &str) -> Command {
        let mut client = program("mariadb");
        client.args(["--no-defaults", "-uroot", "-N", "--raw", "--delimiter=;;"]);
        client.args(["--binary-mode", "-e", statements]).arg(self.option("socket", "s"));
        client
    }

    fn install(&self) {
        let installed = self
            .command("mariadb-install-db")
            .arg("--auth-root-authentication-method=normal")
            .arg("--skip-test-db")
            .status()
            .expect("MariaDB is installed; `cargo xtask test` installs it");
        assert!(installed.success(), "{}", self.said());
    }

    /// A program on the server's side, which tells its log what it says.
    fn command(&self, name: &str) -> Command {
        let said = || File::options().create(true).append(true).open(self.file("said.log"));
        let mut command = program(name);
        command.arg("--no-defaults").arg(self.option("datadir", "data"));
        // Servers elsewhere on this machine would use files of the same names in /tmp.
        command.arg(format!("--tmpdir={}", self.folder.path().display()));
        // Survives a killed process, which is all that tests need.
        command.args(["--debug-no-sync", "--skip-innodb-doublewrite"]);
        if is_root() {
            // It refuses to be root unless told to.
            command.arg("--user=root");
        }
        command.stdin(Stdio::null()).stdout(said().unwrap()).stderr(said().unwrap());
        command
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn option(&self, option: &str, file: &str) -> String {
        format!("--{option}={}", self.file(file).display())
    }

    fn said(&self) -> String {
        fs::read_to_string(self.file("said.log")).unwrap_or_default()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.stop();
        self.caretaker.end();
    }
}
