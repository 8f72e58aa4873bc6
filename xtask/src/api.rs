//! `cargo xtask api`: the public surface of the library, as a list in `host/api.txt`.
//!
//! The list is made from rustdoc's JSON. A change of the public surface changes that file, so
//! it is visible in a review.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use serde_json::{Map, Value};

use crate::root;

/// Below the root of the tree.
const LIST: &str = "host/api.txt";

/// What to do about the list.
#[derive(Args)]
#[command(after_help = "Example: cargo xtask api --check")]
pub(crate) struct Arguments {
    /// Change nothing; fail if the list is not what the library offers
    #[arg(long)]
    check: bool,
}

/// Writes or checks the list.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    if arguments.check {
        return check();
    }
    fs::write(root().join(LIST), list()?).with_context(|| format!("{LIST} can't be written"))
}

/// Fails if the list is not what the library offers.
pub(crate) fn check() -> Result<()> {
    let offered = list()?;
    let path = root().join(LIST);
    let listed = fs::read_to_string(&path).unwrap_or_default();
    let (was, is): (BTreeSet<&str>, BTreeSet<&str>) =
        (listed.lines().collect(), offered.lines().collect());
    let gone = was.difference(&is).map(|line| format!("- {line}"));
    let new = is.difference(&was).map(|line| format!("+ {line}"));
    let changes: Vec<String> = gone.chain(new).collect();
    if !changes.is_empty() {
        bail!(
            "{LIST} is not what the library offers: run `cargo xtask api`\n{}",
            changes.join("\n")
        );
    }
    Ok(())
}

fn list() -> Result<String> {
    let rustdoc = nightly_rustdoc()?;
    let status = Command::new("cargo")
        .args(["rustdoc", "--quiet", "--release", "--package", "psycache", "--lib"])
        .args(["--", "-Z", "unstable-options", "--output-format", "json"])
        // A public name may lead to an item in a hidden module.
        .arg("--document-hidden-items")
        .env("RUSTDOC", &rustdoc)
        .current_dir(root())
        .status()
        .context("cargo can't be started")?;
    ensure!(status.success(), "rustdoc failed");
    let json = fs::read(root().join("target/doc/psycache.json"))?;
    let document: Value = serde_json::from_slice(&json)?;
    let index = document["index"].as_object().context("rustdoc's JSON has no index")?;
    let mut surface = Surface { index, lines: BTreeSet::new() };
    surface.module(&document["root"], "psycache")?;
    Ok(surface.lines.into_iter().map(|line| line + "\n").collect())
}

/// A script that starts rustdoc with the variable that lets the stable one write JSON. Given to
/// cargo, the variable would have all dependencies built once more.
fn nightly_rustdoc() -> Result<PathBuf> {
    let path = root().join("target/nightly-rustdoc");
    fs::write(&path, "#!/bin/sh\nRUSTC_BOOTSTRAP=1 exec rustdoc \"$@\"\n")?;
    fs::set_permissions(&path, Permissions::from_mode(0o755))?;
    Ok(path)
}

struct Surface<'a> {
    index: &'a Map<String, Value>,
    lines: BTreeSet<String>,
}

impl Surface<'_> {
    fn item(&self, id: &Value) -> Option<&Value> {
        self.index.get(&id.to_string())
    }

    fn module(&mut self, id: &Value, path: &str) -> Result<()> {
        let module = self.item(id).with_context(|| format!("{path} is not in the index"))?.clone();
        for id in children(&module["inner"]["module"]["items"]) {
            let Some(item) = self.item(id).cloned() else { continue };
            if is_hidden(&item) {
                continue;
            }
            match &item["inner"]["use"] {
                Value::Null => self.add(&item, id, path, None)?,
                used => {
                    // A re-export from another crate is not in the index.
                    if let Some(target) = self.item(&used["id"]).cloned() {
                        self.add(&target, &used["id"], path, used["name"].as_str())?;
                    } else if let Some(name) = used["name"].as_str() {
                        self.lines.insert(format!("use {path}::{name}"));
                    }
                }
            }
        }
        Ok(())
    }

    fn add(&mut self, item: &Value, id: &Value, path: &str, name: Option<&str>) -> Result<()> {
        let Some(name) = name.or(item["name"].as_str()) else { return Ok(()) };
        let path = format!("{path}::{name}");
        let inner = item["inner"].as_object().context("an item is something")?;
        let (kind, inner) = inner.iter().next().context("an item is of a kind")?;
        if kind == "module" {
            return self.module(id, &path);
        }
        self.lines.insert(format!("{kind} {path}"));
        for field in children(&inner["kind"]["plain"]["fields"]) {
            self.member("field", field, &path);
        }
        for variant in children(&inner["variants"]) {
            self.member("variant", variant, &path);
        }
        for function in children(&inner["items"]) {
            self.member("fn", function, &path);
        }
        for block in children(&inner["impls"]) {
            let Some(block) = self.item(block).cloned() else { continue };
            let block = &block["inner"]["impl"];
            if block["trait"].is_null() {
                for function in children(&block["items"]) {
                    self.member("fn", function, &path);
                }
            }
        }
        Ok(())
    }

    fn member(&mut self, kind: &str, id: &Value, path: &str) {
        let item = self.item(id).filter(|item| !is_hidden(item));
        let name = item.and_then(|item| item["name"].as_str()).map(str::to_owned);
        if let Some(name) = name {
            self.lines.insert(format!("{kind} {path}::{name}"));
        }
    }
}

/// Whether an item is for the tests and benchmarks of this repository only.
fn is_hidden(item: &Value) -> bool {
    children(&item["attrs"]).any(|attribute| attribute.to_string().contains("doc(hidden)"))
}

fn children(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}
