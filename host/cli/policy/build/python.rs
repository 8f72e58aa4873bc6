//! Runs componentize-py, which puts a policy in Python and the interpreter into one component.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::tool;

const BRINGS: &str = "run `pip install componentize-py==0.25.1`, in a virtual environment .venv \
                      of the policy's folder or in one that is active";

pub(super) fn build(folder: &Path) -> Result<PathBuf> {
    let mut tool = Command::new(tool::need(folder, &["componentize-py"], BRINGS)?);
    let component = tool::place(folder)?;
    tool.args(["--wit-path", "wit", "--world", "policy-plugin", "componentize", "--stub-wasi"])
        .args(["abi", "--output"])
        .arg(&component);
    tool::run(tool, folder, component)
}
