//! The languages that a policy can be written in here, and how their folders are told apart.

use std::path::Path;

use anyhow::{Result, bail, ensure};
use clap::ValueEnum;

/// A language with a folder to begin with, and a tool that `policy build` can run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Language {
    Rust,
    Go,
    C,
    Zig,
    #[value(name = "javascript")]
    JavaScript,
    Python,
}

impl Language {
    /// What it calls itself.
    pub(super) fn name(self) -> String {
        format!("{self:?}")
    }

    /// The file that the folder of a policy in it has.
    fn mark(self) -> &'static str {
        match self {
            Self::Rust => "Cargo.toml",
            Self::Go => "go.mod",
            Self::C => "policy.c",
            Self::Zig => "policy.zig",
            Self::JavaScript => "policy.js",
            Self::Python => "policy.py",
        }
    }

    /// The language of the policy in `folder`.
    ///
    /// # Errors
    /// There is none, or there are several.
    pub(super) fn of(folder: &Path) -> Result<Self> {
        let has = |language: &&Self| folder.join(language.mark()).is_file();
        let found: Vec<Self> = Self::value_variants().iter().filter(has).copied().collect();
        match found[..] {
            [language] => Ok(language),
            [] => {
                let marks = Self::value_variants().iter().map(|language| language.mark());
                bail!(
                    "there is no policy in {} (none of {}); name its folder, or make one with \
                     `psycache policy new NAME`",
                    folder.display(),
                    marks.collect::<Vec<_>>().join(", ")
                )
            }
            _ => {
                let marks: Vec<_> = found.iter().map(|language| language.mark()).collect();
                bail!(
                    "there are policies in several languages in {} ({}); choose one with --lang",
                    folder.display(),
                    marks.join(", ")
                )
            }
        }
    }

    /// Fails if `folder` has no policy in it.
    pub(super) fn check(self, folder: &Path) -> Result<()> {
        let mark = self.mark();
        ensure!(
            folder.join(mark).is_file(),
            "there is no {mark} in {}, so no policy in {}",
            folder.display(),
            self.name()
        );
        Ok(())
    }
}
