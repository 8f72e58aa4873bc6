//! One caller on something that lasts: a session, a connection of Redis.

use std::sync::Arc;

use super::account::Account;
use super::keeper::Access;
use super::role::Role;
use super::shown::Shown;
use crate::error::Error;

/// A caller whose account was found. It is found again when the file has changed, so a check
/// compares a number, and takes no lock.
#[derive(Clone, Debug)]
pub(crate) struct Principal {
    shown: Shown,
    /// `None`: everybody may do everything.
    found: Option<Found>,
}

#[derive(Clone, Debug)]
struct Found {
    access: Arc<Access>,
    account: Arc<Account>,
    /// The generation of the rules that the account came from.
    generation: u64,
    before: Before,
}

/// The role and the group of the previous request. Most requests of a session repeat them, and a
/// repeated pair needs no check.
#[derive(Clone, Debug, Default)]
struct Before {
    /// `None` if the next one is to be checked anyway.
    role: Option<Role>,
    group: Vec<u8>,
}

impl Before {
    /// The longest name that is kept. A caller may ask for groups that do not exist.
    const LONGEST: usize = 64;

    fn was(&self, role: Role, group: &[u8]) -> bool {
        self.role == Some(role) && self.group == group
    }

    fn note(&mut self, role: Role, group: &[u8]) {
        self.role = (group.len() <= Self::LONGEST).then_some(role);
        if self.role.is_some() {
            self.group.clear();
            self.group.extend_from_slice(group);
        }
    }
}

impl Principal {
    /// Finds the account of who shows this. Without `access` there are no accounts, and everybody
    /// may do everything.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`].
    pub(crate) fn find(access: Option<&Arc<Access>>, shown: Shown) -> Result<Self, Error> {
        let found = access.map(|access| {
            let (account, generation) = access.find(&shown)?;
            Ok(Found { access: Arc::clone(access), account, generation, before: Before::default() })
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
        let Some(found) = self.present()? else { return Ok(()) };
        if group.is_some_and(|group| found.before.was(role, group)) {
            return Ok(());
        }
        found.account.admit(role, group)?;
        if let Some(group) = group
            && !found.account.is_counted()
        {
            found.before.note(role, group);
        }
        Ok(())
    }

    /// Checks the same for something that is open already. It is no request, and is not counted.
    ///
    /// # Errors
    /// [`Error::PermissionDenied`] and [`Error::Unauthenticated`].
    pub(crate) fn check(&mut self, role: Role, group: Option<&[u8]>) -> Result<(), Error> {
        self.present()?.map_or(Ok(()), |found| found.account.check(role, group))
    }

    /// Checks that the file still has the caller, whatever its roles, for a request, which is
    /// counted.
    ///
    /// # Errors
    /// [`Error::RateLimited`] and [`Error::Unauthenticated`].
    pub(crate) fn admit_any(&mut self) -> Result<(), Error> {
        self.present()?.map_or(Ok(()), |found| found.account.count())
    }

    /// The account as the file has it now.
    fn present(&mut self) -> Result<Option<&mut Found>, Error> {
        let Some(found) = &mut self.found else { return Ok(None) };
        if found.generation != found.access.generation() {
            (found.account, found.generation) = found.access.find(&self.shown)?;
            found.before.role = None;
        }
        Ok(Some(found))
    }
}
