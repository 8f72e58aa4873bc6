//! Keeps the callers as their file is.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Release};

use arc_swap::ArcSwap;

use super::account::Account;
use super::audit::{Audit, Audited};
use super::error::AccessError;
use super::rules::Rules;
use super::shown::Shown;
use crate::error::Error;
use crate::follow::Followed;

/// Who may do what, now.
#[derive(Debug)]
pub struct Access {
    path: PathBuf,
    now: ArcSwap<Rules>,
    /// How many times the rules were replaced. It is less work to read than they are.
    generation: AtomicU64,
    audit: Arc<Audit>,
}

impl Access {
    /// Reads the file. Its changes are recorded in `audit`.
    ///
    /// # Errors
    /// It can't be read or used.
    pub fn read(path: &Path, audit: Arc<Audit>) -> Result<Self, AccessError> {
        let rules = Rules::parse(path, text(path)?, None)?;
        let (now, generation) = (ArcSwap::from_pointee(rules), AtomicU64::new(0));
        Ok(Self { path: path.into(), now, generation, audit })
    }

    /// The account of who shows this, and the generation of the rules that it is of, or an
    /// earlier one.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`]: there is none.
    pub(super) fn find(&self, shown: &Shown) -> Result<(Arc<Account>, u64), Error> {
        // Read first, so rules that are replaced meanwhile have a later one.
        let generation = self.generation();
        let account = self.now.load().find(shown).ok_or_else(|| shown.unknown())?;
        Ok((account, generation))
    }

    /// Another number than before once the rules are others, and before that is recorded.
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Acquire)
    }
}

impl Followed for Access {
    type Contents = Arc<str>;
    type Problem = AccessError;

    fn read(&self) -> Result<Arc<str>, AccessError> {
        text(&self.path)
    }

    fn holds(&self, contents: &Arc<str>) -> bool {
        self.now.load().text() == &**contents
    }

    fn take(&self, found: Arc<Arc<str>>) -> Result<(), AccessError> {
        let rules = Rules::parse(&self.path, Arc::clone(&found), Some(&self.now.load()))?;
        self.now.store(Arc::new(rules));
        self.generation.fetch_add(1, Release);
        self.audit.tokens(&self.path, Audited::Tokens, "taken");
        Ok(())
    }

    fn refuse(&self, problem: &AccessError) {
        tracing::error!(%problem, "Refused the new tokens file; the old tokens stay in use until it is right");
        self.audit.tokens(&self.path, Audited::TokensRefused, "refused");
    }
}

fn text(path: &Path) -> Result<Arc<str>, AccessError> {
    let text = std::fs::read_to_string(path);
    text.map(Into::into)
        .map_err(|error| AccessError::Unreadable { path: path.into(), reason: error.to_string() })
}
