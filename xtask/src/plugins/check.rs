//! Checks that `plugins/dist` matches the sources.

use std::fs;
use std::path::Path;

use anyhow::{Result, bail, ensure};

use super::manifest::{self, Manifest, Record};
use super::sources::{self, Kind, Plugin};
use super::toolchain::Toolchain;

const MEND: &str = "run `cargo xtask plugins` and commit plugins/dist";

/// Compares digests, and then bytes where this machine can make them.
pub(super) fn run(root: &Path) -> Result<()> {
    let plugins = sources::discover(root)?;
    digests(root, &plugins)?;
    println!("plugins/dist: {} components stand for their sources", plugins.len());
    rebuilt(root, plugins)
}

/// Compares sources and components with the manifest; needs no WASM target.
fn digests(root: &Path, plugins: &[Plugin]) -> Result<()> {
    let dist = root.join("plugins/dist");
    let manifest = Manifest::read(&dist)?;
    let mut faults = Vec::new();
    for plugin in plugins {
        let file = plugin.file();
        let Some(recorded) = manifest.plugins.get(&file) else {
            faults.push(format!("{file} is not in the manifest"));
            continue;
        };
        if plugin.digest(root)? != recorded.sources {
            faults.push(format!("{file} is older than its sources"));
        }
        match fs::read(dist.join(&file)) {
            Err(error) => faults.push(format!("{file}: {error}")),
            Ok(component) if Record::of(&component, recorded.sources.clone()) != *recorded => {
                faults.push(format!("{file} is not the one in the manifest"));
            }
            Ok(_) => {}
        }
    }
    for file in manifest::components(&dist)? {
        if !plugins.iter().any(|plugin| plugin.file() == file) {
            faults.push(format!("{file} has no sources"));
        }
    }
    ensure!(faults.is_empty(), "plugins/dist is stale: {}; {MEND}", faults.join(", "));
    Ok(())
}

/// Builds again what can be built here and compares it with `dist`.
fn rebuilt(root: &Path, plugins: Vec<Plugin>) -> Result<()> {
    let toolchain = Toolchain::of_this_machine()?;
    for kind in Kind::ALL.into_iter().filter(|kind| !toolchain.builds(kind.target())) {
        let target = kind.target();
        println!("LEFT OUT: nothing was built for {target}; `rustup target add {target}` gets it");
    }
    let able = |plugin: &Plugin| toolchain.builds(plugin.kind.target());
    let plugins: Vec<Plugin> = plugins.into_iter().filter(able).collect();
    if plugins.is_empty() {
        return Ok(());
    }
    let components = super::build::all(root, &toolchain, &plugins)?;
    let recorded = Manifest::read(&root.join("plugins/dist"))?.toolchain;
    if toolchain.version != recorded {
        let here = &toolchain.version;
        println!(
            "LEFT OUT: all build, but the bytes are not compared: dist is by {recorded}, this is {here}"
        );
        return Ok(());
    }
    let mut different = Vec::new();
    for (plugin, component) in plugins.iter().zip(components) {
        if fs::read(root.join("plugins/dist").join(plugin.file()))? != component {
            different.push(plugin.file());
        }
    }
    if !different.is_empty() {
        bail!("built again, {} came out different; {MEND}", different.join(", "));
    }
    println!("plugins/dist: {} components built again, byte for byte", plugins.len());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dist_stands_for_its_sources() {
        let root = super::super::root();
        let plugins = sources::discover(&root).expect("the tree has plugins");
        digests(&root, &plugins).expect("dist is up to date");
    }
}
