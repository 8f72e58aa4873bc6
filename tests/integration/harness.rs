//! Real nodes and real client commands, each with a deadline.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use crate::patience::seen_blocking;

/// Far more than anything here takes on a busy machine; a test that waits so long
/// has failed.
const DEADLINE: Duration = Duration::from_secs(120);

/// A `psycache serve` of its own, killed when dropped.
pub(crate) struct ServedNode {
    child: Child,
    /// Told by the thread that waits for the end of standard output, which comes
    /// with the end of the process.
    stdout: Receiver<String>,
    /// The log so far, whole once the process has ended.
    stderr: Option<thread::JoinHandle<String>>,
    ready: String,
}

impl ServedNode {
    /// Starts a node on free ports and waits for its ready line.
    ///
    /// # Panics
    /// There is none: with what the node said instead.
    pub(crate) fn start(args: &[&str]) -> Self {
        Self::start_at("127.0.0.1:0", args)
    }

    /// The same at an address.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    pub(crate) fn start_at(listen: &str, args: &[&str]) -> Self {
        let mut command = psycache_command(["serve", "--listen", listen, "--http", "127.0.0.1:0"]);
        command.args(args);
        Self::spawn(command)
    }

    /// Starts two nodes that are a cluster, with `args` each, and waits until they are in
    /// touch.
    ///
    /// # Panics
    /// They do not get there: with what they said instead.
    pub(crate) fn pair(args: &[&str]) -> [Self; 2] {
        Self::pair_of([args, args])
    }

    /// The same, with arguments for each.
    ///
    /// # Panics
    /// As [`pair`](Self::pair).
    pub(crate) fn pair_of(args: [&[&str]; 2]) -> [Self; 2] {
        let free = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").expect("a free port"));
        let addresses = free.map(|listener| listener.local_addr().expect("bound").to_string());
        let peers = addresses.join(",");
        let mut args = args.into_iter();
        let nodes = addresses.map(|address| {
            let own = ["serve", "--listen", &address, "--http", "127.0.0.1:0", "--peers", &peers];
            let mut command = psycache_command(own);
            command.args(args.next().unwrap_or_default());
            Self::spawn(command)
        });
        nodes.iter().for_each(Self::wait_until_it_holds);
        nodes
    }

    /// Waits until it is in touch with the other node of a pair.
    ///
    /// # Panics
    /// It does not get there: with its status instead.
    pub(crate) fn wait_until_it_holds(&self) {
        seen_blocking(|| {
            let status = self.run(["status", "--json"]);
            let has = |state: &str| stdout(&status).contains(&format!("\"state\": \"{state}\""));
            // What they ask of each other to join is over then, too.
            let done = has("connected") && has("holds");
            done.then_some(()).ok_or_else(|| stdout(&status).to_owned())
        });
    }

    /// Starts `command`, a `serve`, and waits for its ready line.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    pub(crate) fn spawn(mut command: Command) -> Self {
        // Who may write core dumps lets its files be looked at, too.
        command.env("PSYCACHE_CORE_DUMPS", "true");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary can be started");
        let stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut stderr = child.stderr.take().expect("it is piped");
        let (told, lines) = channel();
        thread::spawn(move || {
            stdout.lines().map_while(Result::ok).try_for_each(|line| told.send(line))
        });
        let stderr = thread::spawn(move || {
            let mut text = Vec::new();
            let _ = stderr.read_to_end(&mut text);
            String::from_utf8_lossy(&text).into_owned()
        });
        let mut node = Self { child, stdout: lines, stderr: Some(stderr), ready: String::new() };
        match node.stdout.recv_timeout(DEADLINE) {
            Ok(line) => node.ready = line,
            Err(problem) => panic!("no ready line ({problem}); standard error:\n{}", node.kill()),
        }
        node
    }

    /// The ready line.
    pub(crate) fn ready(&self) -> &str {
        &self.ready
    }

    /// A value of the ready line: `listen`, `http`, `nodes` or `groups`.
    ///
    /// # Panics
    /// The line has no such value.
    pub(crate) fn told(&self, name: &str) -> &str {
        let told =
            self.ready.split(' ').find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
        told.unwrap_or_else(|| panic!("no {name} in {:?}", self.ready))
    }

    /// Where it answers gRPC.
    pub(crate) fn address(&self) -> &str {
        self.told("listen")
    }

    /// Runs a client command against this node.
    pub(crate) fn run<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Output {
        self.run_with_input(args, b"")
    }

    /// Runs a client command against this node with something on its standard input.
    pub(crate) fn run_with_input<S: AsRef<OsStr>>(
        &self,
        args: impl IntoIterator<Item = S>,
        input: &[u8],
    ) -> Output {
        let mut command = psycache_command(args);
        command.env("PSYCACHE_NODE", self.address());
        run(command, input)
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by its name, `TERM` say.
    ///
    /// # Panics
    /// It can't be sent.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status().expect("kill is there");
        assert!(sent.success(), "no signal {name} for {pid}");
    }

    /// The next line that it prints after its ready line.
    ///
    /// # Panics
    /// There is none.
    pub(crate) fn line(&mut self) -> String {
        match self.stdout.recv_timeout(DEADLINE) {
            Ok(line) => line,
            Err(problem) => panic!("no line ({problem}); its log:\n{}", self.kill()),
        }
    }

    /// Waits for the end. Gives the code it ended with, what it printed after its
    /// ready line, and its log.
    ///
    /// # Panics
    /// It does not end.
    pub(crate) fn ended(mut self) -> (ExitStatus, Vec<String>, String) {
        let mut printed = Vec::new();
        loop {
            match self.stdout.recv_timeout(DEADLINE) {
                Ok(line) => printed.push(line),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    panic!("it does not end; its log:\n{}", self.kill())
                }
            }
        }
        let status = self.child.wait().expect("it can be waited for");
        (status, printed, self.log())
    }

    fn log(&mut self) -> String {
        self.stderr.take().and_then(|reader| reader.join().ok()).unwrap_or_default()
    }

    fn kill(&mut self) -> String {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.log()
    }
}

impl Drop for ServedNode {
    fn drop(&mut self) {
        let log = self.kill();
        if thread::panicking() && !log.is_empty() {
            eprintln!("the log of {}:\n{log}", self.ready);
        }
    }
}

/// A `psycache` command with nothing in its environment that could change it.
pub(crate) fn psycache_command<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_psycache"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("PSYCACHE_") {
            command.env_remove(name);
        }
    }
    command.args(args);
    command
}

/// Runs a command that ends by itself.
pub(crate) fn psycache<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Output {
    run(psycache_command(args), b"")
}

/// Runs `command` to its end, with `input` on its standard input.
///
/// # Panics
/// It does not end.
pub(crate) fn run(mut command: Command, input: &[u8]) -> Output {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary can be started");
    let pid = child.id().to_string();
    let mut stdin = child.stdin.take().expect("it is piped");
    let input = input.to_vec();
    // A command that does not read its input closes it early; that is its right.
    thread::spawn(move || stdin.write_all(&input));
    let (ended, end) = channel();
    thread::spawn(move || ended.send(child.wait_with_output()));
    match end.recv_timeout(DEADLINE) {
        Ok(output) => output.expect("its output can be read"),
        Err(_) => {
            let _ = Command::new("kill").args(["-s", "KILL", &pid]).status();
            panic!("{command:?} does not end");
        }
    }
}

/// What a command printed, as text.
pub(crate) fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).expect("it is UTF-8")
}

/// What a command complained about, as text.
pub(crate) fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).expect("it is UTF-8")
}

/// The exit code, with what was complained about, so that an unexpected one
/// explains itself.
pub(crate) fn ending(output: &Output) -> (Option<i32>, &str) {
    (output.status.code(), stderr(output))
}
