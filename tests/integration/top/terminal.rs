//! A real pseudo-terminal with a program on it, and what a person in front of it sees.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread;

use parking_lot::Mutex;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, OutputModes, Winsize, tcgetattr, tcsetwinsize};

use crate::patience::seen_blocking;

/// The terminal, and the program that runs on it until it is dropped.
pub(super) struct Terminal {
    master: File,
    /// The side of the program, open so that its modes can be asked for when it has ended.
    slave: OwnedFd,
    child: Child,
    written: Arc<Mutex<Written>>,
    before: (LocalModes, OutputModes),
}

/// What was written to the terminal.
struct Written {
    screen: vt100::Parser,
    bytes: Vec<u8>,
}

impl Terminal {
    /// Runs `command` on a terminal of this size.
    pub(super) fn run(mut command: Command, rows: u16, columns: u16) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let path = Path::new(name.to_str().unwrap());
        let slave = File::options().read(true).write(true).open(path).unwrap();
        resize(&slave, rows, columns);
        let end = || Stdio::from(slave.try_clone().unwrap());
        command.env("TERM", command_value(&command, "TERM").unwrap_or("xterm-256color".into()));
        command.stdin(end()).stdout(end()).stderr(end());
        let before = modes(&slave);
        let child = command.spawn().expect("the binary can be started");
        let master = File::from(master);
        let screen = vt100::Parser::new(rows, columns, 0);
        let written = Arc::new(Mutex::new(Written { screen, bytes: Vec::new() }));
        let (mut reader, into) = (master.try_clone().unwrap(), Arc::clone(&written));
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(read @ 1..) = reader.read(&mut buffer) {
                let mut into = into.lock();
                into.screen.process(&buffer[..read]);
                into.bytes.extend_from_slice(&buffer[..read]);
            }
        });
        Self { master, slave: slave.into(), child, written, before }
    }

    /// Waits until the screen has all of `parts`, and gives its text.
    ///
    /// # Panics
    /// It never has: with what it has instead.
    pub(super) fn shows(&self, parts: &[&str]) -> String {
        self.shows_while(parts, || ())
    }

    /// The same, and does `what` again and again until then.
    ///
    /// # Panics
    /// As [`shows`](Self::shows).
    pub(super) fn shows_while(&self, parts: &[&str], what: impl Fn()) -> String {
        seen_blocking(|| {
            what();
            let text = self.text();
            match parts.iter().find(|part| !text.contains(**part)) {
                None => Ok(text),
                Some(part) => Err(format!("no {part:?} on the screen:\n{text}")),
            }
        })
    }

    /// Waits until the screen does not have `part` any more.
    pub(super) fn shows_no(&self, part: &str) {
        seen_blocking(|| {
            let text = self.text();
            if text.contains(part) {
                Err(format!("{part:?} stays on the screen:\n{text}"))
            } else {
                Ok(())
            }
        });
    }

    fn text(&self) -> String {
        self.written.lock().screen.screen().contents()
    }

    /// All that was written.
    pub(super) fn bytes(&self) -> Vec<u8> {
        self.written.lock().bytes.clone()
    }

    pub(super) fn press(&mut self, keys: &str) {
        self.master.write_all(keys.as_bytes()).unwrap();
    }

    /// Gives the terminal another size.
    pub(super) fn resize(&mut self, rows: u16, columns: u16) {
        self.written.lock().screen.screen_mut().set_size(rows, columns);
        resize(&self.slave, rows, columns);
        // The kernel tells who has it as controlling terminal, which nobody has here.
        self.signal("WINCH");
    }

    /// Sends a signal by its name.
    pub(super) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }

    /// Presses a key until the program ends. The library that reads the terminal keeps a key that
    /// comes together with a change of size until the next one.
    pub(super) fn ended_by(&mut self, key: &str) -> ExitStatus {
        seen_blocking(|| {
            self.press(key);
            self.child.try_wait().unwrap().ok_or_else(|| self.text())
        })
    }

    /// Waits for the end of the program.
    pub(super) fn ended(&mut self) -> ExitStatus {
        seen_blocking(|| self.child.try_wait().unwrap().ok_or_else(|| self.text()))
    }

    /// Whether the terminal is as it was before: its modes, its cursor, and the usual screen.
    ///
    /// # Panics
    /// It is not, with what is wrong.
    pub(super) fn is_given_back(&self) {
        assert_eq!(modes(&self.slave), self.before);
        seen_blocking(|| {
            let written = self.written.lock();
            let screen = written.screen.screen();
            match (screen.alternate_screen(), screen.hide_cursor()) {
                (false, false) => Ok(()),
                wrong => Err(format!("(on the alternate screen, no cursor): {wrong:?}")),
            }
        });
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command_value(command: &Command, name: &str) -> Option<std::ffi::OsString> {
    let found = command.get_envs().find(|(known, _)| *known == name);
    found.and_then(|(_, value)| value).map(ToOwned::to_owned)
}

fn modes(terminal: impl std::os::fd::AsFd) -> (LocalModes, OutputModes) {
    let modes = tcgetattr(terminal).unwrap();
    (modes.local_modes, modes.output_modes)
}

fn resize(terminal: impl std::os::fd::AsFd, rows: u16, columns: u16) {
    let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(terminal, size).unwrap();
}
