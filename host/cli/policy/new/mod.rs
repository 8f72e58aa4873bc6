//! `psycache policy new`: a folder with a policy to change.

mod folder;
mod like;
mod name;
mod other;
mod rust;
mod sources;
mod template;

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result};

use crate::cli::exit::{Exit, Failure};
use crate::cli::output;
use crate::cli::policy::language::Language;

use like::Like;

/// Make a folder with a policy to change
///
/// It has the policy, its test against a model, a small trace, a page of what to do, the
/// contract and the SDK. Nothing is fetched to make it.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  psycache policy new mine\n  \
    psycache policy new mine --like sieve\n  psycache policy new mine --lang go --like blank")]
pub(in crate::cli) struct Args {
    /// Its name, and that of the folder
    name: String,
    /// The language
    #[arg(long, value_enum, default_value_t = Language::Rust)]
    lang: Language,
    /// What it does until it is changed
    #[arg(long, value_enum, default_value_t = Like::Lru)]
    like: Like,
}

/// Runs the command.
pub(in crate::cli) fn run(args: &Args) -> Result<()> {
    name::check(&args.name)?;
    let name = &args.name;
    let folder = Path::new(name);
    match fs::create_dir(folder) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let message = format!("{name} exists already; choose another name, or remove it first");
            return Err(Failure::new(Exit::Failed, message).into());
        }
        made => made.with_context(|| format!("the folder {name} can't be made here"))?,
    }
    for (path, text) in folder::files(name, args.lang, args.like) {
        let path = folder.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)
                .with_context(|| format!("{} can't be made", parent.display()))?;
        }
        fs::write(&path, text).with_context(|| format!("{} can't be written", path.display()))?;
    }
    output::line(&format!(
        "{name}/ is a policy in {}; its README.md says what to do\n  \
         psycache policy build {name}\n  psycache policy check {name}/{}.wasm",
        args.lang.name(),
        name.replace('-', "_")
    ))?;
    Ok(())
}
