//! Which groups a swap of the policy is under way in.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

use crate::error::Error;
use crate::server::Groups;

/// A lock for each group: a plain swap shares it, because a newer one takes the place of an
/// older one; a trial has it alone.
pub(super) struct Swaps(BTreeMap<String, Arc<RwLock<()>>>);

impl Swaps {
    pub(super) fn new(groups: &Groups) -> Self {
        Self(groups.iter().map(|group| (group.name().to_owned(), Arc::default())).collect())
    }

    /// For a swap at once.
    ///
    /// # Errors
    /// Another policy is being tried.
    pub(super) fn swap(&self, group: &str) -> Result<OwnedRwLockReadGuard<()>, Error> {
        let lock = self.lock(group)?;
        lock.try_read_owned().map_err(|_| busy(group, "a policy is being tried (`--if-better`)"))
    }

    /// For a trial.
    ///
    /// # Errors
    /// Another swap or trial is under way.
    pub(super) fn trial(&self, group: &str) -> Result<OwnedRwLockWriteGuard<()>, Error> {
        let lock = self.lock(group)?;
        lock.try_write_owned().map_err(|_| busy(group, "another swap or trial is under way"))
    }

    fn lock(&self, group: &str) -> Result<Arc<RwLock<()>>, Error> {
        let unknown = || Error::Internal(format!("group {group} has no lock of its swaps"));
        self.0.get(group).cloned().ok_or_else(unknown)
    }
}

fn busy(group: &str, what: &str) -> Error {
    let reason = format!("{what}; wait for its end, or stop the command that began it");
    Error::Unavailable { who: format!("the policy of group {group:?}"), reason }
}
