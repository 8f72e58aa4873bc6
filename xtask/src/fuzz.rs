//! `cargo xtask fuzz`: runs the targets of `fuzz/` with inputs that libFuzzer generates.

use std::fs;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::root;
use crate::step::run as step;

/// What to fuzz, and for how long.
#[derive(clap::Args)]
#[command(after_help = "Example: cargo xtask fuzz requests --seconds 600\n\n\
                  The first run builds everything with instrumentation, which takes minutes.\n\
                  What libFuzzer finds worth keeping stays in fuzz/target/corpus; an input that\n\
                  is not survived is in fuzz/artifacts. Once mended it belongs in fuzz/corpus,\n\
                  over which `cargo xtask test` runs every target too.")]
pub(crate) struct Arguments {
    /// One target; all of them, one after the other, if it is left out
    target: Option<String>,
    /// How long to look with each target
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
}

/// Fails if a target crashes on an input, or can't be run on this machine.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let targets = chosen(targets()?, arguments.target.as_deref())?;
    ensure_tools()?;
    // No sanitizer: the host has no unsafe code, and a sanitizer halves the speed and needs a
    // nightly toolchain.
    step("fuzz", "cargo fuzz build --sanitizer none")?;
    for target in &targets {
        fuzz(target, arguments.seconds)?;
    }
    Ok(())
}

/// A step longer than this is a finding.
const SLOWEST_INPUT_SECONDS: u32 = 20;

fn fuzz(target: &str, seconds: u32) -> Result<()> {
    let folder = root().join("fuzz");
    // Only the first of the folders is written to.
    let found = format!("target/corpus/{target}");
    fs::create_dir_all(folder.join(&found)).with_context(|| format!("fuzz/{found}"))?;
    let mut line = format!(
        "cargo fuzz run --sanitizer none {target} {found} corpus/{target} -- \
         -max_total_time={seconds} -timeout={SLOWEST_INPUT_SECONDS} -print_final_stats=1"
    );
    let words = format!("dictionaries/{target}.dict");
    if folder.join(&words).exists() {
        line.push_str(&format!(" -dict={words}"));
    }
    step("fuzz", &line).with_context(|| {
        format!(
            "the target {target} did not survive an input, which lies in fuzz/artifacts/{target}; \
             mend the cause and put the input into fuzz/corpus/{target}"
        )
    })
}

/// The names of all targets, in order.
fn targets() -> Result<Vec<String>> {
    let folder = root().join("fuzz/fuzz_targets");
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        names.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
    }
    names.sort();
    Ok(names)
}

fn chosen(targets: Vec<String>, one: Option<&str>) -> Result<Vec<String>> {
    match one {
        None => Ok(targets),
        Some(one) if targets.iter().any(|target| target == one) => Ok(vec![one.to_owned()]),
        Some(one) => bail!("there is no target {one}; there are {}", targets.join(", ")),
    }
}

/// # Errors
/// cargo-fuzz is not there.
fn ensure_tools() -> Result<()> {
    let mut asked = Command::new("cargo");
    asked.args(["fuzz", "--version"]).stdout(Stdio::null()).stderr(Stdio::null());
    if asked.status().is_ok_and(|status| status.success()) {
        return Ok(());
    }
    bail!("fuzzing needs cargo-fuzz; run `cargo install --locked cargo-fuzz`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_that_does_not_exist_is_told_which_do() {
        let all = targets().unwrap();
        assert_eq!(chosen(all.clone(), None).unwrap(), all);
        assert_eq!(chosen(all.clone(), Some("config")).unwrap(), ["config"]);
        let error = chosen(all, Some("confg")).unwrap_err().to_string();
        assert!(
            error.contains("no target confg; there are answers, components, config"),
            "{error}"
        );
    }
}
