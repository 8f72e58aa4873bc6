//! What the file says of one caller.

use std::sync::Arc;

use super::pattern::Pattern;
use super::rate::Rate;
use super::role::{Grant, Role};
use super::shown::Shown;
use super::token::TokenDigest;
use crate::error::Error;
use crate::tls::NamePattern;

/// A caller that the file names.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) name: Arc<str>,
    pub(super) credential: Credential,
    pub(super) grants: Box<[Grant]>,
    pub(super) rate: Option<Arc<Rate>>,
}

/// How a caller is known.
#[derive(Debug)]
pub(super) enum Credential {
    Token(TokenDigest),
    /// A host in the certificate.
    Host(NamePattern),
    /// The common name of the certificate.
    CommonName(Pattern),
}

impl Credential {
    /// Whether this is the account of who shows that.
    pub(super) fn fits(&self, shown: &Shown) -> bool {
        // A caller with a token is known by nothing else.
        match (self, shown.token()) {
            (Self::Token(known), Some(token)) => known.is(token),
            (Self::Host(pattern), None) => {
                shown.names().hosts.iter().any(|host| pattern.matches(host))
            }
            (Self::CommonName(pattern), None) => {
                let name = shown.names().common_name.as_deref();
                name.is_some_and(|name| pattern.matches(name.as_bytes()))
            }
            _ => false,
        }
    }
}

impl Account {
    /// Whether it has `role` for `group`, or for the whole node if that is `None`.
    pub(super) fn allows(&self, role: Role, group: Option<&[u8]>) -> bool {
        self.grants.iter().any(|grant| grant.allows(role, group))
    }

    /// Checks the same for a request, which is counted.
    ///
    /// # Errors
    /// [`Error::PermissionDenied`] and [`Error::RateLimited`].
    pub(super) fn admit(&self, role: Role, group: Option<&[u8]>) -> Result<(), Error> {
        self.check(role, group)?;
        self.count()
    }

    /// Checks the same for what is no request.
    ///
    /// # Errors
    /// [`Error::PermissionDenied`].
    pub(super) fn check(&self, role: Role, group: Option<&[u8]>) -> Result<(), Error> {
        if self.allows(role, group) { Ok(()) } else { Err(self.denied(role, group)) }
    }

    /// Counts a request.
    ///
    /// # Errors
    /// [`Error::RateLimited`].
    pub(super) fn count(&self) -> Result<(), Error> {
        let Some(rate) = &self.rate else { return Ok(()) };
        rate.admit().map_err(|retry_after| Error::RateLimited {
            caller: self.name.to_string(),
            per_second: rate.limit.get(),
            retry_after,
        })
    }

    /// Whether its requests are counted.
    pub(super) fn is_counted(&self) -> bool {
        self.rate.is_some()
    }

    fn denied(&self, role: Role, group: Option<&[u8]>) -> Error {
        let (name, role) = (&self.name, role.name());
        let problem = match group {
            Some(group) => {
                let group = String::from_utf8_lossy(&group[..group.len().min(64)]);
                format!("{name} does not have the role {role} for the group {group:?}")
            }
            None => format!("{name} does not have the role {role} for all groups"),
        };
        Error::PermissionDenied { problem }
    }
}
