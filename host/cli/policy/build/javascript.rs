//! Runs componentize-qjs, which puts a policy in JavaScript and a small engine, QuickJS, into
//! one component.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::tool;

const BRINGS: &str =
    "run `npm install` in the folder of the policy (https://nodejs.org brings npm)";

pub(super) fn build(folder: &Path) -> Result<PathBuf> {
    let mut tool = Command::new(tool::need(folder, &["componentize-qjs"], BRINGS)?);
    let component = tool::place(folder)?;
    // No node offers it WASI, nor calls it as an asynchronous component.
    tool.args(["--sync", "--stub-wasi", "--wit", "wit", "--world", "policy-plugin"])
        .args(["--module-root", ".", "--js", "abi.js", "--output"])
        .arg(&component);
    tool::run(tool, folder, component)
}
