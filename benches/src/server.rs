//! A server in a process of its own, and the processor time that it took.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};

/// Ends the process when it is dropped.
pub(super) struct Server {
    process: Child,
    address: String,
}

impl Server {
    /// A node as `psycache serve` starts it, without another node.
    pub(super) fn node(command: &Path) -> Result<Self> {
        let mut serve = Command::new(command);
        serve.args(["serve", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"]);
        Self::start(serve.args(["--log", "error"]))
    }

    /// This program again, as the echo.
    pub(super) fn echo(size: usize) -> Result<Self> {
        let mut echo = Command::new(std::env::current_exe()?);
        Self::start(echo.args(["serve", "--part", &size.to_string()]))
    }

    fn start(command: &mut Command) -> Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        let started = command.stdout(Stdio::piped()).spawn();
        let mut process = started.with_context(|| format!("{name} can't be started"))?;
        let output = process.stdout.take().context("the output is piped")?;
        // Before anything can fail, so that the process ends with it.
        let mut server = Self { process, address: String::new() };
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let address = line.split_whitespace().find_map(|word| word.strip_prefix("listen="));
        server.address = address.with_context(|| format!("{name} said {line:?}"))?.to_owned();
        Ok(server)
    }

    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Processor time of all its threads so far, from `/proc`: those of a server live
    /// as long as it does.
    pub(super) fn processor_time(&self) -> Result<Duration> {
        let tasks = format!("/proc/{}/task", self.process.id());
        let mut total = 0;
        for task in fs::read_dir(&tasks).context("processor time is read from /proc")? {
            // A thread may end meanwhile.
            let Ok(text) = fs::read_to_string(task?.path().join("schedstat")) else { continue };
            let on_processor = text.split(' ').next().context("schedstat has fields")?;
            total += on_processor.parse::<u64>().context("schedstat counts nanoseconds")?;
        }
        Ok(Duration::from_nanos(total))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It is gone already if this fails.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
