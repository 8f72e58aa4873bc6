//! A server in a process of its own, and the processor time that it took.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::processor;

/// Ends the process when it is dropped.
pub(crate) struct Server {
    process: Child,
    /// The first line that it has printed.
    ready: String,
    address: String,
}

impl Server {
    /// Any command that says in its first line where it listens.
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        let started = command.stdout(Stdio::piped()).spawn();
        let mut process = started
            .with_context(|| format!("{name} can't be started; build or install it first"))?;
        let output = process.stdout.take().context("the output is piped")?;
        // Before anything can fail, so that the process ends with it.
        let mut server = Self { process, ready: String::new(), address: String::new() };
        BufReader::new(output).read_line(&mut server.ready)?;
        server.address = server.told("listen").with_context(|| name)?.to_owned();
        Ok(server)
    }

    /// What the first line has for `name`.
    pub(crate) fn told(&self, name: &str) -> Result<&str> {
        let mut words = self.ready.split_whitespace();
        let told = words.find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
        told.with_context(|| format!("there is no {name} in {:?}", self.ready))
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Has it stop by itself, and waits for that.
    pub(crate) fn stop(mut self) -> Result<()> {
        let process = self.process.id().to_string();
        let asked = Command::new("kill").args(["-s", "TERM", &process]).status()?;
        ensure!(asked.success(), "it can't be told to stop");
        let ended = self.process.wait()?;
        ensure!(ended.success(), "it ended with {ended}");
        Ok(())
    }

    /// Processor time of all its threads so far.
    pub(crate) fn processor_time(&self) -> Result<Duration> {
        processor::time(self.process.id())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It is gone already if this fails.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
