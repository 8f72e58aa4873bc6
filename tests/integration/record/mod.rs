//! `psycache record` beside live traffic, and what `psycache sim` makes of its file.

mod ends;
mod fidelity;
mod nodes;

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::harness::psycache_command;
use crate::patience::seen_blocking;

/// The command at work.
struct Recorder {
    child: Child,
    stdout: BufReader<ChildStdout>,
}

impl Recorder {
    /// Begins a recording of all keys of the group `default` of the node at `address`.
    fn begin(address: &str, file: &Path, args: &[&str]) -> Self {
        let mut command = psycache_command(["record", "default", "--sample", "1", "--output"]);
        command.arg(file).args(args).env("PSYCACHE_NODE", address);
        Self::spawn(command)
    }

    /// Starts `command`, and waits until it records.
    fn spawn(mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut recorder = Self { child, stdout };
        let mut line = String::new();
        recorder.stdout.read_line(&mut line).unwrap();
        if !line.starts_with("recording ") {
            panic!("{line:?}, {:?}", recorder.end());
        }
        recorder
    }

    /// Interrupts it, as Ctrl-C does, and waits for its end.
    fn interrupt(self) -> Ended {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", "INT", &pid]).status().unwrap().success());
        self.end()
    }

    /// Waits for its end.
    fn end(mut self) -> Ended {
        let mut ended = Ended::default();
        self.stdout.read_to_string(&mut ended.said).unwrap();
        self.child.stderr.take().unwrap().read_to_string(&mut ended.complaint).unwrap();
        ended.code = self.child.wait().unwrap().code();
        ended
    }
}

/// How the command ended.
#[derive(Debug, Default)]
struct Ended {
    code: Option<i32>,
    said: String,
    complaint: String,
}

/// The text of a recording, as far as it is there.
fn text(file: &Path) -> String {
    let mut text = Vec::new();
    // The end of a file that is being written, or was cut, is an error.
    let _ = zstd::Decoder::new(fs::File::open(file).unwrap()).unwrap().read_to_end(&mut text);
    String::from_utf8(text).unwrap()
}

/// Waits until the recording has lines that `are` there.
fn has_lines(file: &Path, are: impl Fn(&str) -> bool) -> String {
    seen_blocking(|| {
        let text = text(file);
        if are(&text) { Ok(text) } else { Err(text.lines().last().unwrap_or("").to_owned()) }
    })
}
