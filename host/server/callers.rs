//! Finds out who calls, and whether the caller may do what it asks for.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use tonic::body::Body;
use tonic::codegen::http::header::AUTHORIZATION;
use tonic::codegen::http::{self, HeaderMap};
use tonic::{Extensions, Status};

use super::connections::Caller;
use super::gated::Gated;
use super::recheck::until_refused;
use super::status::status;
use crate::access::{Access, Audit, Audited, Memory, Note, Principal, Role, Shown};
use crate::error::Error;

/// What stands before a token in the header `authorization`, in any case.
const SCHEME: &[u8] = b"bearer ";

/// Who may call what. By default everybody everything.
#[derive(Clone, Debug, Default)]
pub struct Callers {
    access: Option<Arc<Access>>,
    audit: Arc<Audit>,
}

/// A caller whose requests come one after the other, on a session or a connection.
#[derive(Clone, Debug)]
pub(super) struct Guest {
    principal: Principal,
    note: Note,
    /// Why the caller is not known any more.
    gone: Option<Error>,
}

impl Callers {
    /// Those of `access`, or everybody. `audit` is where they are recorded.
    #[must_use]
    pub fn new(access: Option<Arc<Access>>, audit: Arc<Audit>) -> Self {
        Self { access, audit }
    }

    /// Where callers are recorded.
    pub(super) fn audit(&self) -> Arc<Audit> {
        Arc::clone(&self.audit)
    }

    /// Whether a caller needs a role.
    pub(super) fn are_asked(&self) -> bool {
        self.access.is_some()
    }

    /// Checks that who made a single call of `method` has `role` for `group`. Returns who it was
    /// if that is to be recorded.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`], [`Error::PermissionDenied`] and [`Error::RateLimited`].
    pub(super) fn admit(
        &self,
        headers: &HeaderMap,
        extensions: &Extensions,
        method: &'static str,
        role: Role,
        group: &[u8],
    ) -> Result<Option<Note>, Error> {
        if role == Role::Clear {
            let mut guest = self.guest(headers, extensions, method)?;
            return guest.admit(method, role, Some(group)).map(|()| Some(guest.note()));
        }
        let Some(access) = &self.access else { return Ok(None) };
        let caller = extensions.get::<Caller>();
        let admitted = token(headers).and_then(|token| match caller {
            Some(caller) => caller.memory.admit(access, (token, &caller.names), role, Some(group)),
            // The routes are served by a program that says nothing of its connections.
            None => Memory::default().admit(access, (token, &Arc::default()), role, Some(group)),
        });
        // The gate has noted on the connection that it is a known one's.
        admitted.inspect_err(|problem| self.note(headers, extensions).refused(method, problem))?;
        Ok(None)
    }

    /// `service`, which refuses strangers before their messages are read.
    pub(super) fn gate<S>(&self, service: S) -> Gated<S> {
        let callers = self.clone();
        Gated::new(service, move |request| callers.check(request))
    }

    /// Refuses a stranger by the headers of its call. A connection on which a known caller has
    /// called is not checked here again, but each of its calls is once its message was read.
    fn check(&self, request: &http::Request<Body>) -> Result<(), Error> {
        let caller = request.extensions().get::<Caller>();
        if self.access.is_none() || caller.is_some_and(|caller| caller.account.is_known()) {
            return Ok(());
        }
        let method = request.uri().path().rsplit('/').next().unwrap_or_default();
        self.guest(request.headers(), request.extensions(), method).map(drop)
    }

    /// Who calls `method`.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`], which is recorded.
    pub(super) fn guest(
        &self,
        headers: &HeaderMap,
        extensions: &Extensions,
        method: &str,
    ) -> Result<Guest, Error> {
        let (shown, address) = shown(headers, extensions);
        match shown.and_then(|shown| self.known(shown, address)) {
            Ok(guest) => {
                if self.are_asked() {
                    becomes_known(extensions.get());
                }
                Ok(guest)
            }
            Err(problem) => {
                self.note(headers, extensions).refused(method, &problem);
                Err(problem)
            }
        }
    }

    /// Who shows this. An error is not recorded.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`].
    pub(super) fn known(&self, shown: Shown, address: Option<SocketAddr>) -> Result<Guest, Error> {
        let principal = Principal::find(self.access.as_ref(), shown)?;
        let note = Note { audit: Arc::clone(&self.audit), caller: principal.name(), address };
        Ok(Guest { principal, note, gone: None })
    }

    /// What is recorded of a caller that has no account.
    pub(super) fn stranger(&self, shown: &Shown, address: Option<SocketAddr>) -> Note {
        Note { audit: Arc::clone(&self.audit), caller: shown.name(), address }
    }

    /// What is recorded of a caller, known or not.
    fn note(&self, headers: &HeaderMap, extensions: &Extensions) -> Note {
        let (shown, address) = shown(headers, extensions);
        let shown = shown.unwrap_or_default();
        match self.known(shown.clone(), address) {
            Ok(guest) => guest.note,
            Err(_) => self.stranger(&shown, address),
        }
    }
}

impl Guest {
    /// Checks that the caller has `role` for `group`, or for the whole node if that is `None`.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] if the caller is not known any more,
    /// [`Error::PermissionDenied`] and [`Error::RateLimited`]. They are recorded.
    pub(super) fn admit(
        &mut self,
        method: &str,
        role: Role,
        group: Option<&[u8]>,
    ) -> Result<(), Error> {
        let admitted = self.principal.admit(role, group);
        self.ended(method, admitted)
    }

    /// Waits until the caller does not have `role` for `group` any more, records that, and returns
    /// the status for its stream of `method`.
    pub(super) async fn until_refused(
        mut self,
        method: &'static str,
        role: Role,
        group: Bytes,
    ) -> Status {
        let problem = until_refused(|| self.principal.check(role, Some(&group))).await;
        self.note.refused(method, &problem);
        status(&problem, &group)
    }

    /// Checks that the caller is known.
    ///
    /// # Errors
    /// As [`admit`](Self::admit), but [`Error::PermissionDenied`].
    pub(super) fn admit_any(&mut self, method: &str) -> Result<(), Error> {
        let admitted = self.principal.admit_any();
        self.ended(method, admitted)
    }

    /// Whether the caller has `role` for `group`. Nothing is counted or recorded by that.
    pub(super) fn may(&mut self, role: Role, group: &[u8]) -> bool {
        self.principal.check(role, Some(group)).is_ok()
    }

    /// Whether the caller has `role` for the whole node.
    pub(super) fn allows(&self, role: Role) -> bool {
        self.principal.allows(role, None)
    }

    /// Why the caller is not known any more.
    pub(super) fn gone(&self) -> Option<&Error> {
        self.gone.as_ref()
    }

    /// The name of the caller.
    pub(super) fn name(&self) -> &str {
        &self.note.caller
    }

    /// What is recorded of the caller.
    pub(super) fn note(&self) -> Note {
        self.note.clone()
    }

    pub(super) fn changed(&self, kind: Audited, group: &[u8], outcome: Result<(), &str>) {
        self.note.changed(kind, group, outcome);
    }

    fn ended(&mut self, method: &str, admitted: Result<(), Error>) -> Result<(), Error> {
        if let Err(problem) = &admitted {
            self.note.refused(method, problem);
            if matches!(problem, Error::Unauthenticated { .. }) {
                self.gone = Some(problem.clone());
            }
        }
        admitted
    }
}

fn becomes_known(caller: Option<&Caller>) {
    if let Some(caller) = caller {
        caller.account.becomes_known();
    }
}

/// The token in the headers; `None` if there is none.
pub(super) fn token(headers: &HeaderMap) -> Result<Option<&[u8]>, Error> {
    let Some(value) = headers.get(AUTHORIZATION) else { return Ok(None) };
    let scheme = value.as_bytes().split_at_checked(SCHEME.len());
    match scheme.filter(|(scheme, _)| scheme.eq_ignore_ascii_case(SCHEME)) {
        Some((_, token)) => Ok(Some(token)),
        None => {
            let problem = "the header authorization has no bearer token; write `Bearer TOKEN`";
            Err(Error::Unauthenticated { problem: problem.into() })
        }
    }
}

/// What a caller shows, and its address.
fn shown(
    headers: &HeaderMap,
    extensions: &Extensions,
) -> (Result<Shown, Error>, Option<SocketAddr>) {
    let caller = extensions.get::<Caller>();
    let names = caller.map(|caller| Arc::clone(&caller.names)).unwrap_or_default();
    let shown = token(headers).map(|token| Shown::new(token, names));
    (shown, caller.map(|caller| caller.address))
}
