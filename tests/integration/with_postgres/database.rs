//! A PostgreSQL of a test's own.

use std::process::Command;
use std::sync::LazyLock;

use crate::certificates::{Authority, Valid};
use crate::database::{self, System};
use crate::outages::Source;
use crate::service::{is_root, program};

pub(super) const PASSWORD: &str = "correct-horse-battery";

const SCHEMA: &str = "
    CREATE TABLE student (name VARCHAR(64) PRIMARY KEY, score INT);
    INSERT INTO student VALUES ('Tom', 630), ('Jack', 589), ('Sam', 567), ('Una', NULL);
    CREATE USER psy PASSWORD 'correct-horse-battery';
    GRANT SELECT ON ALL TABLES IN SCHEMA public TO psy;
    ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO psy;";

pub(super) type Database = database::Database<Postgres>;

/// It speaks TLS, with a certificate for `localhost`.
pub(super) struct Postgres {
    pub(super) authority: Authority,
    /// Whether it speaks TLS when it runs next.
    pub(super) tls: bool,
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
        let mut database = Self::new(|folder| {
            let authority = Authority::new("an authority of databases");
            authority.sign(folder, "server", &["localhost"], valid);
            if is_root() {
                // It refuses to be root.
                let own = Command::new("chown").arg("-R").arg("nobody").arg(folder).status();
                assert!(own.unwrap().success());
            }
            let keep = Command::new("chmod").arg("600").arg(folder.join("server.key")).status();
            assert!(keep.unwrap().success());
            Postgres { authority, tls: true }
        });
        let mut install = database.command("initdb");
        install.arg("-D").arg(database.file("data")).args(["-U", "postgres", "--no-sync"]);
        install.args(["-E", "UTF8", "--locale=C", "--auth-local=trust"]);
        database.install(install.arg("--auth-host=scram-sha-256"));
        database.run();
        database.sql("CREATE DATABASE school");
        database.sql(SCHEMA);
        database
    }

    /// The DSN of a user.
    pub(super) fn dsn(&self, user: &str) -> String {
        format!("postgres://{user}@{}/school", self.address())
    }

    /// How often the server itself says that it executed a statement for `key`.
    pub(super) fn executed(&self, key: &str) -> usize {
        self.count(|parameters| parameters == format!("$1 = '{key}'"))
    }

    /// How often it executed one for a key, or for keys, with `part` in it.
    pub(super) fn executed_with(&self, part: &str) -> usize {
        self.count(|parameters| parameters.contains(part))
    }

    fn count(&self, counts: impl Fn(&str) -> bool) -> usize {
        let said = self.said();
        // Later versions write the word with a capital.
        let parameters = said.lines().filter_map(|line| {
            let (head, parameters) = line.split_once("arameters: ")?;
            head.starts_with("DETAIL:").then_some(parameters)
        });
        parameters.filter(|parameters| counts(parameters)).count()
    }

    /// Sends a signal to every session of `psy`, by its name.
    pub(super) fn signal_sessions(&self, name: &str) {
        let sessions = self.row("SELECT pid FROM pg_stat_activity WHERE usename = 'psy'");
        let sent = Command::new("kill").args(["-s", name]).args(sessions.lines()).status();
        assert!(sent.unwrap().success(), "{sessions}");
    }

    /// A program on the server's side.
    pub(super) fn command(&self, name: &str) -> Command {
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
        command.current_dir(self.file(""));
        self.logged(command)
    }

    /// A program on the side of its clients.
    fn client(&self, name: &str) -> Command {
        let mut client = program(name);
        client.arg("-h").arg(self.file("")).args(["-p", &self.port().to_string()]);
        client
    }
}

impl System for Postgres {
    const NAME: &str = "PostgreSQL";
    const END: &str = "QUIT";
    const STUDENTS: &str = "student";
    const UNANSWERED: &str =
        "SELECT COUNT(*) FROM pg_stat_activity WHERE usename = 'psy' AND state = 'active'";

    fn server(database: &Database) -> Command {
        let mut server = database.command("postgres");
        server.arg("-D").arg(database.file("data")).arg("-k").arg(database.file(""));
        server.args(["-p", &database.port().to_string()]);
        for setting in [
            "listen_addresses=127.0.0.1",
            "fsync=off",
            "log_statement=all",
            "log_line_prefix=",
            if database.system.tls { "ssl=on" } else { "ssl=off" },
            "lc_messages=C",
        ] {
            server.args(["-c", setting]);
        }
        for (setting, file) in [("ssl_cert_file", "server.pem"), ("ssl_key_file", "server.key")] {
            server.args(["-c", &format!("{setting}={}", database.file(file).display())]);
        }
        server
    }

    fn probe(database: &Database) -> Command {
        database.client("pg_isready")
    }

    fn client(database: &Database) -> Command {
        let mut client = database.client("psql");
        client.args(["-X", "-q", "-A", "-t", "-U", "postgres"]);
        client
    }

    fn executes<'a>(client: &'a mut Command, statements: &str) -> &'a mut Command {
        let database =
            if statements.starts_with("CREATE DATABASE") { "postgres" } else { "school" };
        client.args(["-v", "ON_ERROR_STOP=1", "-d", database, "-c", statements])
    }

    fn listens(client: &mut Command) {
        client.args(["-d", "school"]);
    }
}
