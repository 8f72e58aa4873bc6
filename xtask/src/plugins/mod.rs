//! `cargo xtask plugins`: from the sources in `plugins/` to the components in
//! `plugins/dist`, which are committed so that the host builds without any WASM target.

mod build;
mod check;
mod manifest;
mod sources;
mod toolchain;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use clap::Args;

use crate::root;
use manifest::{Manifest, Record};
use toolchain::Toolchain;

/// What to do about the plugins.
#[derive(Args)]
#[command(after_help = "Example: cargo xtask plugins --check")]
pub(crate) struct Arguments {
    /// Change nothing; fail if plugins/dist is not what the sources say
    #[arg(long)]
    check: bool,
}

/// Builds or checks the plugins.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    match arguments.check {
        true => check(),
        false => write(&root()),
    }
}

/// Fails if `plugins/dist` is not what the sources say.
pub(crate) fn check() -> Result<()> {
    check::run(&root())
}

fn write(root: &Path) -> Result<()> {
    let toolchain = Toolchain::of_this_machine()?;
    let plugins = sources::discover(root)?;
    let dist = root.join("plugins/dist");
    fs::create_dir_all(&dist)?;
    let components = build::all(root, &toolchain, &plugins)?;
    let mut manifest = Manifest { toolchain: toolchain.version, plugins: Default::default() };
    for (plugin, component) in plugins.iter().zip(components) {
        let file = plugin.file();
        fs::write(dist.join(&file), &component).with_context(|| format!("writing {file}"))?;
        println!("{file:<12} {:>9} bytes", component.len());
        let record = Record::of(&component, plugin.digest(root)?);
        manifest.plugins.insert(file, record);
    }
    manifest.write(&dist)?;
    remove_strangers(&dist, &manifest)
}

/// Deletes components of plugins that are no longer in the tree.
fn remove_strangers(dist: &Path, manifest: &Manifest) -> Result<()> {
    for file in manifest::components(dist)? {
        if !manifest.plugins.contains_key(&file) {
            fs::remove_file(dist.join(&file))?;
            println!("{file:<12} removed: it has no sources");
        }
    }
    Ok(())
}
