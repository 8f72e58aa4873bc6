//! Runs a C compiler that knows WebAssembly: Zig's, or clang. No C library is needed.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::{tool, zig};

const BRINGS: &str = "run `pip install ziglang==0.17.1`, or `apt-get install clang lld`";
const SOURCES: [&str; 5] = ["policy.c", "support.c", "contract.c", "memory.c", "abi.c"];

pub(super) fn build(folder: &Path) -> Result<PathBuf> {
    let mut compiler = match tool::find(folder, &zig::PROGRAMS) {
        Some(zig) => {
            let mut zig = Command::new(zig);
            zig.args(["cc", "-target", "wasm32-freestanding"]);
            zig
        }
        None => {
            let programs = [zig::PROGRAMS[0], zig::PROGRAMS[1], "clang"];
            let mut clang = Command::new(tool::need(folder, &programs, BRINGS)?);
            clang.arg("--target=wasm32");
            clang
        }
    };
    let module = tool::place(folder)?;
    // Loops that copy stay loops: there is nobody to call.
    compiler
        .args(["-O2", "-Wall", "-mbulk-memory", "-fno-builtin", "-nostdlib", "-Wl,--no-entry"])
        .args(["-Wl,--strip-all", "-Wl,-z,stack-size=65536"])
        .args(SOURCES)
        .arg("-o")
        .arg(&module);
    tool::run(compiler, folder, module)
}
