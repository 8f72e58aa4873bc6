//! Keeps the callers as their file is.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;

use super::audit::{Audit, Audited};
use super::error::AccessError;
use super::rules::Rules;
use crate::follow::Followed;

/// Who may do what, now.
#[derive(Debug)]
pub struct Access {
    path: PathBuf,
    now: ArcSwap<Rules>,
    audit: Arc<Audit>,
}

impl Access {
    /// Reads the file. Its changes are recorded in `audit`.
    ///
    /// # Errors
    /// It can't be read or used.
    pub fn read(path: &Path, audit: Arc<Audit>) -> Result<Self, AccessError> {
        let rules = Rules::parse(path, text(path)?, None)?;
        Ok(Self { path: path.into(), now: ArcSwap::from_pointee(rules), audit })
    }

    pub(super) fn now(&self) -> &ArcSwap<Rules> {
        &self.now
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
