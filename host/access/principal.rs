//! One caller on something that lasts: a session, a connection of Redis.

use std::sync::Arc;

use super::account::Account;
use super::keeper::Access;
use super::role::Role;
use super::rules::Rules;
use super::shown::Shown;
use crate::error::Error;

/// A caller whose account was found. It is found again when the file has changed, so a check is
/// a look into a snapshot, without a lock.
#[derive(Clone, Debug)]
pub(crate) struct Principal {
    shown: Shown,
    /// `None`: everybody may do everything.
    found: Option<Found>,
}

#[derive(Clone, Debug)]
struct Found {
    access: Arc<Access>,
    rules: Arc<Rules>,
    account: Arc<Account>,
}

impl Principal {
    /// Finds the account of who shows this. Without `access` there are no accounts, and everybody
    /// may do everything.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`].
    pub(crate) fn find(access: Option<&Arc<Access>>, shown: Shown) -> Result<Self, Error> {
        let found = access.map(|access| {
            let rules = access.now().load_full();
            let account = rules.find(&shown).ok_or_else(|| shown.unknown())?;
            Ok(Found { access: Arc::clone(access), rules, account })
        });
        let found = found.transpose()?;
        Ok(Self { shown, found })
    }

    /// The name of its account.
    pub(crate) fn name(&self) -> Arc<str> {
        match &self.found {
            Some(found) => Arc::clone(&found.account.name),
            None => self.shown.name(),
        }
    }

    /// Whether it has `role` for `group`, or for the whole node if that is `None`.
    pub(crate) fn allows(&self, role: Role, group: Option<&[u8]>) -> bool {
        self.found.as_ref().is_none_or(|found| found.account.allows(role, group))
    }

    /// Checks the same for a request, which is counted.
    ///
    /// # Errors
    /// [`Error::PermissionDenied`], [`Error::RateLimited`], and [`Error::Unauthenticated`] if the
    /// file does not have the caller any more.
    pub(crate) fn admit(&mut self, role: Role, group: Option<&[u8]>) -> Result<(), Error> {
        self.present()?.map_or(Ok(()), |account| account.admit(role, group))
    }

    /// Checks the same for something that is open already. It is no request, and is not counted.
    ///
    /// # Errors
    /// [`Error::PermissionDenied`] and [`Error::Unauthenticated`].
    pub(crate) fn check(&mut self, role: Role, group: Option<&[u8]>) -> Result<(), Error> {
        self.present()?.map_or(Ok(()), |account| account.check(role, group))
    }

    /// Checks that the file still has the caller, whatever its roles, for a request, which is
    /// counted.
    ///
    /// # Errors
    /// [`Error::RateLimited`] and [`Error::Unauthenticated`].
    pub(crate) fn admit_any(&mut self) -> Result<(), Error> {
        self.present()?.map_or(Ok(()), Account::count)
    }

    /// The account as the file has it now.
    fn present(&mut self) -> Result<Option<&Account>, Error> {
        let Some(found) = &mut self.found else { return Ok(None) };
        let now = found.access.now().load();
        if !Arc::ptr_eq(&now, &found.rules) {
            found.account = now.find(&self.shown).ok_or_else(|| self.shown.unknown())?;
            found.rules = Arc::clone(&now);
        }
        Ok(Some(&found.account))
    }
}
