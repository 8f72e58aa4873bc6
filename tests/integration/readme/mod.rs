//! Every command that the README and the pages of operations, policies and security show, as they show
//! it, in their order.

mod shown;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::TempDir;

use crate::harness::{ServedNode, run};
pub(crate) use shown::{Kind, Shown, TEXT, about, block, cluster, commands, console, fenced};

pub(crate) const TARGET: &str = "wasm32-wasip2";
/// What `psycache policy build` builds for.
pub(crate) const MODULES: &str = "wasm32-unknown-unknown";

/// The reader's terminal, in a folder with the files that the README has them write.
struct Terminal {
    folder: TempDir,
    /// The node that runs in the background, or that the reader looks at.
    node: Option<ServedNode>,
    targets: Vec<String>,
}

impl Terminal {
    fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("trace.txt.gz"), trace()).unwrap();
        let targets = targets();
        if targets.iter().any(|target| target == TARGET) {
            write_policy(folder.path());
        }
        Self { folder, node: None, targets }
    }

    fn enter(&mut self, shown: &Shown) {
        match shown.kind() {
            Kind::LeftOut => {}
            // Nothing is built from what was not built.
            _ if let Some(target) = self.missing(&shown.command) => {
                // Not by the macro, whose words only a test that fails lets out.
                let mend = format!("`rustup target add {target}` would let it run");
                let notice = format!("LEFT OUT: `{}` ({mend})\n", shown.command);
                std::io::stderr().write_all(notice.as_bytes()).unwrap();
            }
            Kind::Serve => self.serve(shown),
            Kind::Builds => {
                let built = shell(&shown.command, self.folder.path()).output().unwrap();
                assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
            }
            Kind::Ends => self.run(shown),
        }
    }

    /// The target that a command needs, if it is not there.
    fn missing(&self, command: &str) -> Option<&'static str> {
        let needed = match command {
            _ if command.contains(TARGET) => TARGET,
            _ if command.contains("mine.wasm") || command.contains("build mine") => MODULES,
            _ => return None,
        };
        (!self.targets.iter().any(|target| target == needed)).then_some(needed)
    }

    fn serve(&mut self, shown: &Shown) {
        self.stop();
        let command = shell(&shown.command, self.folder.path());
        let node = ServedNode::spawn(command);
        if !shown.output.is_empty() {
            assert_eq!(without_ports(node.ready()), without_ports(&shown.output));
        }
        self.node = Some(node);
    }

    fn run(&self, shown: &Shown) {
        let mut command = shell(&format!("{{ {}\n}} 2>&1", shown.command), self.folder.path());
        if let Some(node) = &self.node {
            command.env("PSYCACHE_NODE", node.address());
        }
        let output = run(command, b"");
        let printed = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{}\n{printed}", shown.command);
        if !shown.output.is_empty() {
            assert_eq!(printed.trim_end(), shown.output, "{}", shown.command);
        }
    }

    fn stop(&mut self) {
        if let Some(node) = self.node.take() {
            node.signal("TERM");
            let (status, _, log) = node.ended();
            assert_eq!(status.code(), Some(0), "{log}");
        }
    }
}

/// A shell that finds `psycache`, on free ports, and does `command` in `folder`.
pub(crate) fn shell(command: &str, folder: &Path) -> Command {
    let binary = Path::new(env!("CARGO_BIN_EXE_psycache")).parent().unwrap();
    let path = std::env::var("PATH").unwrap();
    let mut shell = Command::new("sh");
    for (name, _) in std::env::vars_os() {
        // The README finds what it has built in `target`.
        if name.to_string_lossy().starts_with("PSYCACHE_") || name == "CARGO_TARGET_DIR" {
            shell.env_remove(name);
        }
    }
    let command = match shown::serves(command) {
        // In place of the shell, so that signals and the end are the node's.
        true => format!("exec {}", command.trim_end_matches('&')),
        false => command.to_owned(),
    };
    shell
        .args(["-c", &command])
        .current_dir(folder)
        .env("PATH", format!("{}:{path}", binary.display()))
        .env("PSYCACHE_LISTEN", "127.0.0.1:0")
        .env("PSYCACHE_HTTP", "127.0.0.1:0")
        .env("DB_PASSWORD", "secret")
        .env("API_TOKEN", "secret");
    shell
}

/// Where `cargo xtask test` puts what npm and pip bring.
fn tools() -> [PathBuf; 2] {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools");
    ["javascript/node_modules/.bin", "python/bin"].map(|bin| tools.join(bin))
}

/// A shell in `folder` that finds the tools.
pub(crate) fn equipped(command: &str, folder: &Path) -> Command {
    let mut shell = shell(command, folder);
    let own = shell.get_envs().find(|(name, _)| *name == "PATH").and_then(|(_, value)| value);
    let own = own.expect("the shell has a path").to_owned();
    let places = std::env::split_paths(&own).chain(tools());
    shell.env("PATH", std::env::join_paths(places).expect("no path has a colon"));
    shell
}

/// The ready line where only the ports differ.
fn without_ports(line: &str) -> String {
    let word = |word: &str| match word.rsplit_once(':') {
        Some((host, _)) => format!("{host}:PORT"),
        None => word.to_owned(),
    };
    line.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// Keys of uneven popularity.
fn trace() -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    for at in 0_u64..20_000 {
        let random = at.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
        writeln!(packed, "key-{}", random % (random % 3_000 + 1)).unwrap();
    }
    packed.finish().unwrap()
}

pub(crate) fn has_target() -> bool {
    targets().iter().any(|target| target == TARGET)
}

/// What the compiler here can build for.
pub(crate) fn targets() -> Vec<String> {
    let listed = Command::new("rustup").args(["target", "list", "--installed"]).output();
    let listed = listed.map(|listed| listed.stdout).unwrap_or_default();
    String::from_utf8_lossy(&listed).lines().map(str::to_owned).collect()
}

/// Writes the policy of the README's page, for the SDK of this tree.
fn write_policy(folder: &Path) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sdk = root.join("plugins/sdk");
    let manifest = block("toml", "# Cargo.toml");
    let ours = manifest.replace("../psycache/plugins/sdk", sdk.to_str().unwrap());
    assert_ne!(manifest, ours, "the page names the SDK's place");
    fs::create_dir(folder.join("src")).unwrap();
    fs::write(folder.join("Cargo.toml"), ours).unwrap();
    fs::write(folder.join("src/lib.rs"), block("rust", "// src/lib.rs")).unwrap();
    // The versions that this tree was tried with, built once for all runs.
    fs::copy(root.join("plugins/Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    let built = Path::new(env!("CARGO_TARGET_TMPDIR")).join("readme");
    fs::create_dir_all(&built).unwrap();
    std::os::unix::fs::symlink(built, folder.join("target")).unwrap();
}

/// Takes the tour of a `source`, for which the README has a block with a command that serves. In
/// front of the real one: `here` makes that command one of this machine.
///
/// # Panics
/// A command fails, or prints something else than is shown.
pub(crate) fn tour(source: &str, here: impl Fn(&str, &Path) -> Command) {
    let [serve] = <[Shown; 1]>::try_from(about(source)).expect("one command serves");
    assert_eq!(serve.kind(), Kind::Serve);
    let mut terminal = Terminal::open();
    terminal.node = Some(ServedNode::spawn(here(&serve.command, terminal.folder.path())));
    let commands = about("scores");
    assert!(commands.len() > 4, "{commands:?}");
    for shown in commands {
        terminal.run(&shown);
    }
    terminal.stop();
}

#[test]
fn what_the_readme_shows_works() {
    let commands = commands();
    let mut count = BTreeMap::new();
    let mut terminal = Terminal::open();
    for shown in &commands {
        *count.entry(shown.kind()).or_insert(0) += 1;
        terminal.enter(shown);
    }
    terminal.stop();
    // A README that shows nothing any more, or a parser that sees nothing.
    assert!(count[&Kind::Serve] >= 4 && count[&Kind::Ends] >= 10, "{count:?}");
}
