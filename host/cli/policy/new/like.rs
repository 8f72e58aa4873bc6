//! What a new policy does until it is changed.

use clap::ValueEnum;

use crate::cli::exit::{Exit, Failure};
use crate::cli::policy::language::Language;

/// What a new policy is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Like {
    /// LRU: one queue in the order of use
    Lru,
    /// SIEVE: a flag an entry and a hand
    Sieve,
    /// FIFO with a comment at each function: the least that is a policy
    Blank,
}

impl Like {
    /// # Errors
    /// There is no such policy in `language`.
    pub(super) fn check(self, language: Language) -> Result<(), Failure> {
        if language == Language::Rust || self == Self::Lru {
            return Ok(());
        }
        let message = format!(
            "there is only an LRU to begin with in {0}: leave --like out, or take --lang rust",
            language.name()
        );
        Err(Failure::new(Exit::Usage, message))
    }
}
