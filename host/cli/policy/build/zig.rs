//! Runs the compiler of Zig. No other tool and no package is needed.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::tool;

/// The one that pip brings has another name.
pub(super) const PROGRAMS: [&str; 2] = ["zig", "python-zig"];
const BRINGS: &str = "run `pip install ziglang==0.17.1`, or see https://ziglang.org/download/";

pub(super) fn build(folder: &Path) -> Result<PathBuf> {
    let mut zig = Command::new(tool::need(folder, &PROGRAMS, BRINGS)?);
    let module = tool::place(folder)?;
    let mut emit = std::ffi::OsString::from("-femit-bin=");
    emit.push(&module);
    zig.args(["build-exe", "abi.zig", "-target", "wasm32-freestanding", "-O", "ReleaseSmall"])
        .args(["-fno-entry", "-rdynamic", "-fstrip", "--stack", "65536"])
        .args(["--cache-dir", ".build/zig"])
        .arg(emit);
    tool::run(zig, folder, module)
}
