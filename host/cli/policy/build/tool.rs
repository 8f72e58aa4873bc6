//! Finds and runs the tools of languages.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

/// What tools leave behind in a policy's folder.
const BUILT: &str = ".build";
/// Where a policy's folder has tools of its own: those of npm, and those of pip.
const OWN: [&str; 2] = ["node_modules/.bin", ".venv/bin"];

/// The first of `programs` that the folder has itself or that is on the path.
pub(super) fn find(folder: &Path, programs: &[&str]) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let own = OWN.iter().map(|below| folder.join(below));
    let places: Vec<PathBuf> = own.chain(env::split_paths(&path)).collect();
    let in_places = |program: &&str| {
        let file = |place: &PathBuf| Some(place.join(program)).filter(|file| file.is_file());
        places.iter().find_map(file)
    };
    programs.iter().find_map(in_places)
}

/// The same, or an error that says what brings it.
pub(super) fn need(folder: &Path, programs: &[&str], brings: &str) -> Result<PathBuf> {
    match find(folder, programs) {
        Some(program) => Ok(program),
        None => bail!("{} was not found; {brings}", programs.join(" or ")),
    }
}

/// Where a tool puts what it makes of the policy in `folder`: a file that is called as the
/// folder is.
pub(super) fn place(folder: &Path) -> Result<PathBuf> {
    let name = folder.file_name().context("the root of the file system is no policy")?;
    let built = folder.join(BUILT);
    fs::create_dir_all(&built).with_context(|| format!("{} can't be made", built.display()))?;
    let module = built.join(name.to_string_lossy().replace('-', "_") + ".wasm");
    // What an earlier run made must not pass for what this one does.
    match fs::remove_file(&module) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("{} can't be removed", module.display()))
        }
        _ => Ok(module),
    }
}

/// Runs a tool in `folder` until it has made `module`. What it says is for people.
pub(super) fn run(mut tool: Command, folder: &Path, module: PathBuf) -> Result<PathBuf> {
    let name = Path::new(tool.get_program()).to_path_buf();
    let name = name.file_name().unwrap_or_default().display();
    tool.current_dir(folder).stdin(Stdio::null()).stdout(io::stderr());
    let status = tool.status().with_context(|| format!("{name} can't be run"))?;
    ensure!(status.success(), "{name} could not build it; what it said stands above");
    ensure!(module.is_file(), "{name} made nothing; what it said stands above");
    Ok(module)
}
