//! A MariaDB of a test's own.

use std::fs;
use std::process::Command;
use std::sync::LazyLock;

use crate::certificates::{Authority, Valid};
use crate::database::{self, System};
use crate::outages::Source;
use crate::service::{is_root, program};

pub(super) const PASSWORD: &str = "correct-horse-battery";

const SCHEMA: &str = "
    CREATE DATABASE school;
    CREATE TABLE school.student (name VARCHAR(64) PRIMARY KEY, score INT);
    INSERT INTO school.student VALUES ('Tom', 630), ('Jack', 589), ('Sam', 567), ('Una', NULL);
    CREATE USER psy@localhost, psy@'127.0.0.1';
    GRANT SELECT ON school.* TO psy@localhost, psy@'127.0.0.1';";

pub(super) type Database = database::Database<MariaDb>;

pub(super) struct MariaDb {
    /// Who has signed its certificate for `localhost`. Without one it speaks no TLS.
    pub(super) authority: Option<Authority>,
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
        let mut database = Self::new(|folder| {
            let authority = valid.map(|valid| {
                let authority = Authority::new("an authority of databases");
                authority.sign(folder, "server", &["localhost"], valid);
                authority
            });
            MariaDb { authority }
        });
        let mut install = database.command("mariadb-install-db");
        install.args(["--auth-root-authentication-method=normal", "--skip-test-db"]);
        database.install(&mut install);
        database.run();
        database.sql(SCHEMA);
        for host in ["localhost", "127.0.0.1"] {
            database.sql(&format!("ALTER USER psy@'{host}' IDENTIFIED BY '{PASSWORD}'"));
        }
        database
    }

    /// How often the server itself says that it executed `statement`, with its key in
    /// place.
    pub(super) fn executed(&self, statement: &str) -> usize {
        self.count(|line| line.ends_with(&format!("Query\t{statement}")))
    }

    /// How many statements the server says that it executed that have all `parts`.
    pub(super) fn executed_with(&self, parts: &[&str]) -> usize {
        self.count(|line| line.contains("Query\t") && parts.iter().all(|part| line.contains(part)))
    }

    fn count(&self, counts: impl Fn(&str) -> bool) -> usize {
        let log = fs::read(self.file("general.log")).unwrap();
        String::from_utf8_lossy(&log).lines().filter(|line| counts(line)).count()
    }

    /// How many connections there were at a time since it runs, at most.
    pub(super) fn most_connections(&self) -> usize {
        let most = "SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS
            WHERE VARIABLE_NAME = 'MAX_USED_CONNECTIONS'";
        self.row(most).parse().unwrap()
    }

    /// A program on the server's side.
    fn command(&self, name: &str) -> Command {
        let mut command = program(name);
        command.arg("--no-defaults").arg(self.option("datadir", "data"));
        // Servers elsewhere on this machine would use files of the same names in /tmp.
        command.arg(self.option("tmpdir", ""));
        // Survives a killed process, which is all that tests need.
        command.args(["--debug-no-sync", "--skip-innodb-doublewrite"]);
        if is_root() {
            // It refuses to be root unless told to.
            command.arg("--user=root");
        }
        self.logged(command)
    }

    fn option(&self, option: &str, file: &str) -> String {
        format!("--{option}={}", self.file(file).display())
    }
}

impl System for MariaDb {
    const NAME: &str = "MariaDB";
    const END: &str = "KILL";
    const STUDENTS: &str = "school.student";
    const UNANSWERED: &str = "SELECT COUNT(*) FROM information_schema.PROCESSLIST
        WHERE USER = 'psy' AND INFO LIKE '%SLEEP(3600)%'";

    fn server(database: &Database) -> Command {
        let mut server = database.command("mariadbd");
        if database.system.authority.is_some() {
            server.arg(database.option("ssl-cert", "server.pem"));
            server.arg(database.option("ssl-key", "server.key"));
        }
        server
            .arg(database.option("socket", "s"))
            .arg(database.option("general-log-file", "general.log"))
            .arg(database.option("pid-file", "own.pid"))
            .arg(format!("--port={}", database.port()))
            .args(["--bind-address=127.0.0.1", "--general-log=1", "--max-allowed-packet=256M"]);
        server
    }

    fn probe(database: &Database) -> Command {
        let mut client = Self::client(database);
        Self::executes(&mut client, "SELECT 1");
        client
    }

    fn client(database: &Database) -> Command {
        let mut client = program("mariadb");
        client.args(["--no-defaults", "-uroot", "-N"]).arg(database.option("socket", "s"));
        client
    }

    fn executes<'a>(client: &'a mut Command, statements: &str) -> &'a mut Command {
        client.args(["--raw", "--delimiter=;;", "--binary-mode", "-e", statements])
    }

    fn listens(client: &mut Command) {
        client.arg("--unbuffered");
    }
}
