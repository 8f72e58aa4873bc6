//! A process of the benchmark, controlled over its standard input.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::processor;

/// A process that plays a part. Ended when dropped.
pub(super) struct Process {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Process {
    /// Starts one, and waits until it is ready.
    pub(super) fn start(part: &str) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["remote", "--part", part])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("{part:?} can't be started"))?;
        let input = child.stdin.take().context("the input is piped")?;
        let output = BufReader::new(child.stdout.take().context("the output is piped")?);
        let mut process = Self { child, input, output };
        let said = process.line()?;
        ensure!(said == "ready", "{part:?} said {said:?} instead of that it is ready");
        Ok(process)
    }

    /// Gives it one line, and waits for the line that it answers with.
    pub(super) fn tell(&mut self, line: &str) -> Result<String> {
        writeln!(self.input, "{line}")?;
        self.line()
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        let read = self.output.read_line(&mut line)?;
        ensure!(read > 0, "a process of the benchmark has ended; what it said stands above");
        Ok(line.trim_end().to_owned())
    }

    /// The processor time of all its threads so far.
    pub(super) fn processor_seconds(&self) -> Result<f64> {
        Ok(processor::time(self.child.id())?.as_secs_f64())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Distinct addresses that were free a moment ago.
pub(super) fn free_addresses<const N: usize>() -> Result<[String; N]> {
    let listeners: Vec<TcpListener> =
        (0..N).map(|_| TcpListener::bind("127.0.0.1:0")).collect::<Result<_, _>>()?;
    let addresses = listeners.iter().map(|listener| anyhow::Ok(listener.local_addr()?.to_string()));
    let addresses: Vec<String> = addresses.collect::<Result<_>>()?;
    addresses.try_into().map_err(|_| anyhow::anyhow!("as many as were asked for"))
}
