//! Builds components from sources. The same compiler gives the same bytes on every machine.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use wit_component::{ComponentEncoder, DecodedWasm};
use wit_parser::{Resolve, WorldItem};

use super::sources::{Kind, Plugin};
use super::toolchain::Toolchain;

/// Builds the components of `plugins`, in that order.
///
/// # Errors
/// A missing target, with the command that gets it; a failed build; a policy that
/// imports something.
pub(super) fn all(root: &Path, toolchain: &Toolchain, plugins: &[Plugin]) -> Result<Vec<Vec<u8>>> {
    fetch(root)?;
    for kind in Kind::ALL {
        let packages: Vec<String> =
            plugins.iter().filter(|plugin| plugin.kind == kind).map(Plugin::package).collect();
        if !packages.is_empty() {
            compile(root, toolchain, kind, &packages)?;
        }
    }
    plugins.iter().map(|plugin| component(root, plugin)).collect()
}

fn cargo(root: &Path) -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    cargo.current_dir(root.join("plugins"));
    // Flags that a developer set for other builds must not change these bytes.
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PROFILE_") || text.ends_with("RUSTFLAGS") {
            cargo.env_remove(name);
        }
    }
    cargo
}

/// Unpacks the sources of all dependencies, so that their folders can be renamed away.
fn fetch(root: &Path) -> Result<()> {
    let status = cargo(root).args(["fetch", "--locked", "--quiet"]).status()?;
    ensure!(status.success(), "cargo could not fetch what plugins/Cargo.lock names");
    Ok(())
}

fn compile(root: &Path, toolchain: &Toolchain, kind: Kind, packages: &[String]) -> Result<()> {
    let target = kind.target();
    if !toolchain.builds(target) {
        bail!("the compiler lacks the target {target}: run `rustup target add {target}`");
    }
    let mut cargo = cargo(root);
    cargo.args(["build", "--profile", "component", "--locked", "--target", target, "--target-dir"]);
    cargo.arg(root.join("plugins/target"));
    for package in packages {
        cargo.args(["--package", package]);
    }
    cargo.env("CARGO_ENCODED_RUSTFLAGS", rustflags(root, toolchain)?.join("\x1f"));
    ensure!(cargo.status()?.success(), "the plugins for {target} do not build");
    Ok(())
}

/// Flags that keep this machine's paths out of panic messages.
fn rustflags(root: &Path, toolchain: &Toolchain) -> Result<Vec<String>> {
    let mut renamed = vec![
        (root.to_path_buf(), "/psycache".to_owned()),
        (toolchain.sysroot.join("lib/rustlib/src/rust"), format!("/rustc/{}", toolchain.commit)),
    ];
    let sources = cargo_home()?.join("registry/src");
    if sources.is_dir() {
        for registry in fs::read_dir(&sources)? {
            renamed.push((registry?.path(), "/registry".to_owned()));
        }
    }
    let rename =
        |(from, to): (PathBuf, String)| format!("--remap-path-prefix={}={to}", from.display());
    Ok(renamed.into_iter().map(rename).collect())
}

fn cargo_home() -> Result<PathBuf> {
    let named = env::var_os("CARGO_HOME").map(PathBuf::from);
    let usual = || env::home_dir().map(|home| home.join(".cargo"));
    named.or_else(usual).context("neither CARGO_HOME nor a home folder is known")
}

/// The component of a plugin that has been compiled.
fn component(root: &Path, plugin: &Plugin) -> Result<Vec<u8>> {
    let module = root
        .join("plugins/target")
        .join(plugin.kind.target())
        .join("component")
        .join(plugin.package().replace('-', "_") + ".wasm");
    let bytes = fs::read(&module).with_context(|| format!("reading {}", module.display()))?;
    match plugin.kind {
        // The compiler's linker has made it a component already.
        Kind::Retriever => Ok(bytes),
        Kind::Policy => wrap(&bytes).with_context(|| format!("wrapping {}", plugin.file())),
    }
}

/// Makes a component of a core module, and sees to it that it imports nothing.
fn wrap(module: &[u8]) -> Result<Vec<u8>> {
    let component = ComponentEncoder::default().validate(true).module(module)?.encode()?;
    let DecodedWasm::Component(resolve, world) = wit_component::decode(&component)? else {
        bail!("the encoder made no component");
    };
    let needed: Vec<String> = resolve.worlds[world]
        .imports
        .iter()
        .filter(|(_, item)| !only_names_types(&resolve, item))
        .map(|(key, _)| resolve.name_world_key(key))
        .collect();
    ensure!(needed.is_empty(), "a policy must import nothing, but it imports {needed:?}");
    Ok(component)
}

/// Types shared by two interfaces show as an import, which nobody has to provide.
fn only_names_types(resolve: &Resolve, item: &WorldItem) -> bool {
    match item {
        WorldItem::Interface { id, .. } => resolve.interfaces[*id].functions.is_empty(),
        _ => false,
    }
}
