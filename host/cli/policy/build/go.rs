//! Runs the compiler of Go. No other tool and no package is needed.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::tool;

const BRINGS: &str = "https://go.dev/dl/ brings Go";
/// The first version that can export a function to WebAssembly, `//go:wasmexport`.
const FIRST: (u32, u32) = (1, 24);

pub(super) fn build(folder: &Path) -> Result<PathBuf> {
    let program = tool::need(folder, &["go"], BRINGS)?;
    check_version(&program, folder)?;
    let module = tool::place(folder)?;
    let mut go = Command::new(program);
    // Without the names of functions and the paths of sources, which are a quarter of it.
    go.args(["build", "-buildmode=c-shared", "-trimpath", "-ldflags=-s -w", "-o"])
        .args([&module, Path::new(".")])
        .envs([("GOOS", "wasip1"), ("GOARCH", "wasm")]);
    tool::run(go, folder, module)
}

/// In the folder, because a line in go.mod may choose another version than the one installed.
fn check_version(program: &Path, folder: &Path) -> Result<()> {
    let output = Command::new(program).args(["env", "GOVERSION"]).current_dir(folder).output();
    let output = output.context("go can't be run")?;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(
        version(&said).is_some_and(|version| version >= FIRST),
        "a policy needs Go {}.{} or later, and this is {:?}; {BRINGS}",
        FIRST.0,
        FIRST.1,
        said.trim()
    );
    Ok(())
}

/// Of a text such as `go1.26.8` or `go1.27rc1`.
fn version(said: &str) -> Option<(u32, u32)> {
    let (major, rest) = said.trim().strip_prefix("go")?.split_once('.')?;
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    Some((major.parse().ok()?, rest[..end].parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read() {
        for (said, expected) in [
            ("go1.26.8\n", Some((1, 26))),
            ("go1.24", Some((1, 24))),
            ("go1.27rc1", Some((1, 27))),
            ("go1.26.8 X:nocoverageredesign", Some((1, 26))),
            ("devel", None),
            ("", None),
        ] {
            assert_eq!(version(said), expected, "{said}");
        }
    }
}
