//! A MariaDB and a PostgreSQL of the benchmark's own, on free ports and in temporary folders.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;

/// Rows of the table `item`, whose values have 100 bytes.
pub(crate) const ROWS: u32 = 10_000;

/// How long a server may take until it answers.
const BEGINS_WITHIN: Duration = Duration::from_secs(60);

/// What a server answers once it is there.
const PROBE: &str = "SELECT 1";

/// The key of a row.
pub(crate) fn key(row: u32) -> String {
    format!("key-{row:08}")
}

/// A server whose user `psy` may read the table `item`. Ended when dropped.
pub(crate) struct Database {
    server: Option<Child>,
    port: u16,
    serve: Command,
    /// Succeeds if the server answers.
    probe: Command,
    /// What the server says.
    said: PathBuf,
    /// Removed after the server has ended.
    _folder: TempDir,
}

impl Database {
    pub(crate) fn mariadb() -> Result<Self> {
        let (folder, port) = (TempDir::new()?, free_port()?);
        let at = folder.path().display();
        let (data, socket) = (format!("--datadir={at}/data"), format!("--socket={at}/s"));
        let program = |name: &str| {
            let mut command = Command::new("env");
            command.arg(path()).args([name, "--no-defaults", &data]);
            // It refuses to be root unless told to.
            command.arg(format!("--tmpdir={at}")).args(is_root().then_some("--user=root"));
            command
        };
        let mut install = program("mariadb-install-db");
        done(install.args(["--auth-root-authentication-method=normal", "--skip-test-db"]))?;
        let mut serve = program("mariadbd");
        serve.args([&socket, &format!("--port={port}"), &format!("--pid-file={at}/own.pid")]);
        serve.arg("--bind-address=127.0.0.1");
        let client = |statements: &str| {
            let mut client = Command::new("mariadb");
            client.args(["--no-defaults", "-uroot", &socket, "-e", statements]);
            client
        };
        let schema = format!(
            "CREATE DATABASE bench;
             CREATE TABLE bench.item (name VARCHAR(64) PRIMARY KEY, value VARCHAR(100));
             INSERT INTO bench.item SELECT CONCAT('key-', LPAD(seq, 8, '0')), REPEAT('v', 100)
                 FROM bench.seq_0_to_{};
             CREATE USER psy@localhost, psy@'127.0.0.1';
             GRANT SELECT ON bench.* TO psy@localhost, psy@'127.0.0.1';",
            ROWS - 1
        );
        Self::serve(folder, port, serve, client, &schema)
    }

    pub(crate) fn postgres() -> Result<Self> {
        let (folder, port) = (TempDir::new()?, free_port()?);
        let (at, port_text) = (folder.path().display().to_string(), port.to_string());
        if is_root() {
            // It refuses to be root.
            done(Command::new("chown").args(["nobody", &at]))?;
        }
        let program = |name: &str| {
            let mut command = Command::new("env");
            command.arg(path());
            if is_root() {
                command.args(["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]);
            }
            command.arg(name).current_dir(folder.path());
            command
        };
        let mut install = program("initdb");
        install.args(["-D", "data", "-U", "postgres", "--no-sync", "-E", "UTF8", "--locale=C"]);
        done(install.arg("--auth=trust"))?;
        let mut serve = program("postgres");
        serve.args(["-D", "data", "-k", &at, "-p", &port_text, "-c", "listen_addresses=127.0.0.1"]);
        let client = |statements: &str| {
            let mut client = Command::new("psql");
            client.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-d", "postgres"]);
            client.args(["-h", &at, "-p", &port_text, "-c", statements]);
            client
        };
        let schema = format!(
            "CREATE TABLE item (name VARCHAR(64) PRIMARY KEY, value VARCHAR(100));
             INSERT INTO item SELECT 'key-' || lpad(seq::text, 8, '0'), repeat('v', 100)
                 FROM generate_series(0, {}) AS seq;
             ANALYZE item; CREATE USER psy; GRANT SELECT ON item TO psy",
            ROWS - 1
        );
        Self::serve(folder, port, serve, client, &schema)
    }

    /// Runs a server, and makes its tables by its client.
    fn serve(
        folder: TempDir,
        port: u16,
        mut serve: Command,
        client: impl Fn(&str) -> Command,
        schema: &str,
    ) -> Result<Self> {
        // Without it the server would be asked for ever whether it is there.
        done(Command::new(client(PROBE).get_program()).arg("--version"))?;
        let said = folder.path().join("said.log");
        let log = fs::File::create(&said)?;
        serve.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let probe = client(PROBE);
        let mut database = Self { server: None, port, serve, probe, said, _folder: folder };
        database.run()?;
        done(&mut client(schema))?;
        Ok(database)
    }

    /// Runs it with the data that it has, until it answers.
    pub(crate) fn run(&mut self) -> Result<()> {
        let Self { serve, .. } = self;
        self.server = Some(serve.spawn().with_context(|| format!("{serve:?} can't be started"))?);
        let begun = Instant::now();
        while done(&mut self.probe).is_err() {
            ensure!(begun.elapsed() < BEGINS_WITHIN, "the database does not begin to serve");
            let server = self.server.as_mut().map(Child::try_wait);
            if server.transpose()?.flatten().is_some() {
                bail!("the database ended:\n{}", fs::read_to_string(&self.said)?);
            }
        }
        Ok(())
    }

    /// Ends it: its port is closed.
    pub(crate) fn stop(&mut self) {
        let Some(mut server) = self.server.take() else { return };
        let told = Command::new("kill").args(["-s", "QUIT", &server.id().to_string()]).status();
        if !told.is_ok_and(|told| told.success()) {
            // It is gone already if this fails.
            let _ = server.kill();
        }
        let _ = server.wait();
    }

    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Runs a command to its end.
fn done(command: &mut Command) -> Result<()> {
    let output = command.stdin(Stdio::null()).output();
    let output = output.with_context(|| {
        format!("{command:?} can't be started; the packages are mariadb-server and postgresql")
    })?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?} ended with {}: {said}", output.status);
    Ok(())
}

/// Where programs are. Debian has servers where only root looks for them, and PostgreSQL in a
/// folder for each version.
fn path() -> String {
    let path = std::env::var("PATH").unwrap_or_default();
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let versions: String =
        versions.map(|version| format!(":{}/bin", version.path().display())).collect();
    format!("PATH={path}:/usr/sbin:/usr/local/sbin{versions}")
}

fn is_root() -> bool {
    Path::new("/proc/self")
        .metadata()
        .is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}

/// A port that was free a moment ago.
fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
