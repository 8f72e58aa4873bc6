//! Who uses a connection: by its certificate at first, then by what AUTH says.

use std::net::SocketAddr;
use std::sync::Arc;

use super::command::Command;
use super::needs::Needs;
use super::refused::Refused;
use crate::access::{Note, Role, Shown};
use crate::error::Error;
use crate::server::callers::{Callers, Guest};
use crate::server::connections::Account;
use crate::server::status::in_redis;
use crate::tls::Names;

/// What calls are named in the record.
const METHOD: &str = "Redis";

/// The caller on one connection.
pub(super) struct Visitor {
    callers: Callers,
    names: Arc<Names>,
    address: Option<SocketAddr>,
    /// `None` for one that is not known.
    guest: Option<Guest>,
    /// What the connection takes of the node.
    account: Arc<Account>,
}

impl Visitor {
    /// One with these names in its certificate.
    pub(super) fn new(
        callers: Callers,
        names: Arc<Names>,
        address: Option<SocketAddr>,
        account: Arc<Account>,
    ) -> Self {
        let mut visitor = Self { callers, names, address, guest: None, account };
        visitor.forget();
        visitor
    }

    /// Checks that the caller may run `command` in `group`.
    pub(super) fn admit(&mut self, command: &Command<'_>, group: &str) -> Result<(), Refused> {
        let needs = Needs::of(command);
        if needs == Needs::Nothing {
            return Ok(());
        }
        let Some(guest) = &mut self.guest else {
            return Err(self.unknown(&self.by_certificate()));
        };
        let admitted = match needs {
            Needs::Nothing => Ok(()),
            Needs::Account => guest.admit_any(METHOD),
            Needs::Group(role) => guest.admit(METHOD, role, Some(group.as_bytes())),
            Needs::Node(role) => guest.admit(METHOD, role, None),
        };
        admitted.map_err(|problem| Refused(in_redis(&problem)))
    }

    /// Whether the caller may get keys of `group`. Nothing is counted or recorded by that.
    pub(super) fn may_get(&mut self, group: &str) -> bool {
        self.guest.as_mut().is_some_and(|guest| guest.may(Role::Read, group.as_bytes()))
    }

    /// Whether it is known who uses the connection.
    pub(super) fn is_known(&self) -> bool {
        self.guest.is_some()
    }

    /// The caller has this token. A user, if it names one, is the name of its account.
    pub(super) fn authenticate(
        &mut self,
        user: Option<&[u8]>,
        token: &[u8],
    ) -> Result<(), Refused> {
        if !self.callers.are_asked() {
            return Err(Refused::no_passwords());
        }
        let shown = Shown::new(Some(token), Arc::clone(&self.names));
        let known = self.callers.known(shown.clone(), self.address);
        let is_user = |guest: &Guest| {
            user.is_none_or(|user| user == b"default" || user == guest.name().as_bytes())
        };
        match known.ok().filter(is_user) {
            Some(guest) => {
                self.guest = Some(guest);
                self.account.becomes_known();
                Ok(())
            }
            None => {
                self.unknown(&shown);
                Err(Refused::wrong_password())
            }
        }
    }

    /// As at the beginning of the connection.
    pub(super) fn forget(&mut self) {
        self.guest = self.callers.known(self.by_certificate(), self.address).ok();
        if self.callers.are_asked() && self.is_known() {
            self.account.becomes_known();
        }
    }

    /// What is recorded of the caller.
    pub(super) fn note(&self) -> Option<Note> {
        self.guest.as_ref().map(Guest::note)
    }

    fn by_certificate(&self) -> Shown {
        Shown::new(None, Arc::clone(&self.names))
    }

    /// Records a caller that is not known.
    fn unknown(&self, shown: &Shown) -> Refused {
        let problem = Error::Unauthenticated {
            problem: "Authentication required. Send AUTH with the token as password".into(),
        };
        self.callers.stranger(shown, self.address).refused(METHOD, &problem);
        Refused(in_redis(&problem))
    }
}
