//! A database of a test's own, on a free port and in a temporary folder. What is another one in
//! MariaDB than in PostgreSQL is a [`System`]'s.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use tempfile::TempDir;

use crate::outages::Source;
use crate::patience::seen_blocking;
use crate::service::{Caretaker, free_port, session};

/// What differs between databases.
pub(crate) trait System: Sized {
    /// As it is called in messages.
    const NAME: &str;
    /// The signal that ends a server at once, with every session of it.
    const END: &str;
    /// The table with the scores.
    const STUDENTS: &str;
    /// A statement that counts the queries of `psy` under way.
    const UNANSWERED: &str;

    /// The command that serves what the database has.
    fn server(database: &Database<Self>) -> Command;

    /// A command that succeeds if the server answers.
    fn probe(database: &Database<Self>) -> Command;

    /// The server's own client, which prints no names of columns.
    fn client(database: &Database<Self>) -> Command;

    /// Has a client execute `statements`.
    fn executes<'a>(client: &'a mut Command, statements: &str) -> &'a mut Command;

    /// Has a client execute what comes on its input, line by line.
    fn listens(client: &mut Command);
}

/// With the table `student`, which the user `psy` may read, and a log of every statement. Killed
/// when dropped, or when this process ends in whatever way.
pub(crate) struct Database<S: System> {
    pub(crate) system: S,
    server: Option<Child>,
    port: u16,
    folder: TempDir,
    caretaker: Caretaker,
}

impl<S: System> Database<S> {
    /// One that was not installed yet. `system` gets its folder.
    pub(crate) fn new(system: impl FnOnce(&Path) -> S) -> Self {
        let folder = TempDir::new().unwrap();
        let caretaker = Caretaker::of(folder.path());
        let system = system(folder.path());
        Self { system, server: None, port: free_port(), folder, caretaker }
    }

    /// Where it answers, or did before it was stopped.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Runs a command that makes its files.
    pub(crate) fn install(&self, install: &mut Command) {
        let installed = install.status().unwrap_or_else(|error| missing::<S>(&error));
        assert!(installed.success(), "{}", self.said());
    }

    /// Runs it with the data that it has, and waits until it answers.
    pub(crate) fn run(&mut self) {
        let server = S::server(self).spawn().unwrap_or_else(|error| missing::<S>(&error));
        fs::write(self.file(Caretaker::PID), server.id().to_string()).unwrap();
        self.server = Some(server);
        seen_blocking(|| {
            let ended = self.server.as_mut().and_then(|server| server.try_wait().unwrap());
            assert_eq!(ended, None, "{} ended:\n{}", S::NAME, self.said());
            let answers = S::probe(self).output().is_ok_and(|output| output.status.success());
            answers.then_some(()).ok_or_else(|| self.said())
        });
    }

    pub(crate) fn sql(&self, statements: &str) {
        self.printed(statements);
    }

    /// What the server's own client prints for `statements`, without names of columns.
    pub(crate) fn printed(&self, statements: &str) -> Vec<u8> {
        let output = S::executes(&mut S::client(self), statements).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    /// The same of one row, as text.
    pub(crate) fn row(&self, statement: &str) -> String {
        String::from_utf8(self.printed(statement)).unwrap().trim_end().to_owned()
    }

    /// A session that has executed `statement`, and lasts until its input is dropped.
    pub(crate) fn session(&self, statement: &str) -> (Child, ChildStdin) {
        let mut client = S::client(self);
        S::listens(&mut client);
        session(client, statement)
    }

    /// Sends a signal by its name, `STOP` say.
    pub(crate) fn signal(&self, name: &str) {
        let server = self.server.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args(["-s", name, &server]).status().unwrap().success());
    }

    /// A file of its folder.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Has its log told what a program on the server's side says.
    pub(crate) fn logged(&self, mut program: Command) -> Command {
        let said = || File::options().create(true).append(true).open(self.file("said.log"));
        program.stdin(Stdio::null()).stdout(said().unwrap()).stderr(said().unwrap());
        program
    }

    pub(crate) fn said(&self) -> String {
        let said = fs::read(self.file("said.log")).unwrap_or_default();
        String::from_utf8_lossy(&said).into_owned()
    }
}

fn missing<S: System>(error: &std::io::Error) -> ! {
    panic!("{} is not installed; `cargo xtask test` installs it: {error}", S::NAME)
}

impl<S: System> Source for Database<S> {
    fn port(&self) -> u16 {
        self.port
    }

    fn stop(&mut self) {
        if self.server.is_some() {
            self.signal(S::END);
        }
        if let Some(mut server) = self.server.take() {
            server.wait().unwrap();
            fs::remove_file(self.file(Caretaker::PID)).unwrap();
        }
    }

    fn run_at(&mut self, port: u16) {
        self.port = port;
        self.run();
    }

    fn set_score(&self, name: &str, score: &str) {
        self.sql(&format!("UPDATE {} SET score = {score} WHERE name = '{name}'", S::STUDENTS));
    }

    fn has_unanswered(&self) -> bool {
        self.row(S::UNANSWERED) == "1"
    }
}

impl<S: System> Drop for Database<S> {
    fn drop(&mut self) {
        self.stop();
        self.caretaker.end();
    }
}
