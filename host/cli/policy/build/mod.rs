//! `psycache policy build`: from the sources of a policy to its component.

mod c;
mod go;
mod javascript;
mod python;
mod rust;
mod tool;
mod wrap;
mod zig;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::language::Language;
use crate::cli::output;

/// Build a policy
///
/// Runs the compiler of the policy's language and makes a component of what that made, which
/// is put into the folder. A tool that is missing is named with what brings it.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  psycache policy build\n  psycache policy build mine")]
pub(in crate::cli) struct Args {
    /// The folder of the policy
    #[arg(value_name = "DIR", default_value = ".")]
    folder: PathBuf,
    /// The language, if the folder has policies in several
    #[arg(long, value_enum)]
    lang: Option<Language>,
}

/// Runs the command.
pub(in crate::cli) fn run(args: &Args) -> Result<()> {
    let folder = &args.folder;
    let language = match args.lang {
        Some(language) => language.check(folder).map(|()| language),
        None => Language::of(folder),
    }?;
    let in_folder = || format!("the policy in {}", folder.display());
    let module = compile(language, folder).with_context(in_folder)?;
    let bytes = fs::read(&module).with_context(|| format!("{}", module.display()))?;
    let component = wrap::wrap(bytes).with_context(in_folder)?;
    let name = module.file_name().context("the compiler named a folder")?;
    let path = folder.join(name);
    fs::write(&path, &component).with_context(|| format!("{} can't be written", path.display()))?;
    output::line(&format!("{}: {} bytes", path.display(), component.len()))?;
    Ok(())
}

/// Runs the tool of the language, and gives the path of the module or component.
fn compile(language: Language, folder: &Path) -> Result<PathBuf> {
    // Tools run in it, and are told paths below it.
    let folder = &folder.canonicalize()?;
    match language {
        Language::Rust => rust::build(folder),
        Language::Go => go::build(folder),
        Language::JavaScript => javascript::build(folder),
        Language::Python => python::build(folder),
        Language::Zig => zig::build(folder),
        Language::C => c::build(folder),
    }
}
