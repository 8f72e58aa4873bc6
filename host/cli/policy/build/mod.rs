//! `psycache policy build`: from the sources of a policy to its component.

mod cargo;
mod wrap;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

use crate::cli::output;

/// Build a policy
///
/// Runs `cargo build --release --target wasm32-unknown-unknown` and makes a component of the
/// module, which is put beside Cargo.toml. No other tool is needed.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  psycache policy build\n  psycache policy build mine")]
pub(in crate::cli) struct Args {
    /// The folder of its Cargo.toml
    #[arg(value_name = "DIR", default_value = ".")]
    folder: PathBuf,
}

/// Runs the command.
pub(in crate::cli) fn run(args: &Args) -> Result<()> {
    let folder = &args.folder;
    ensure!(
        folder.join("Cargo.toml").is_file(),
        "there is no Cargo.toml in {}; name the folder of a policy in Rust, or make one with \
         `psycache policy new NAME`",
        folder.display()
    );
    let in_folder = || format!("the policy in {}", folder.display());
    let module = cargo::build(folder).with_context(in_folder)?;
    let bytes = fs::read(&module).with_context(|| format!("{}", module.display()))?;
    let component = wrap::wrap(bytes).with_context(in_folder)?;
    let name = module.file_name().context("cargo named a folder")?;
    let path = folder.join(name);
    fs::write(&path, &component).with_context(|| format!("{} can't be written", path.display()))?;
    output::line(&format!("{}: {} bytes", path.display(), component.len()))?;
    Ok(())
}
