//! Who may call the service `Peer`: the other nodes of the cluster only.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use subtle::ConstantTimeEq;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::http;

use super::connections::Caller;
use super::recheck::until_refused;
use super::status::status;
use crate::access::{Audit, Note, Shown};
use crate::error::Error;
use crate::tls::Names;
use crate::transport::dial::SECRET_HEADER;

/// Whether a certificate with these names is one of a node.
type IsNode = Arc<dyn Fn(&Names) -> bool + Send + Sync>;

/// What a caller of the service `Peer` must show. By default nothing.
#[derive(Clone, Default)]
pub struct PeerGate {
    /// Nodes call another listener, so nobody may call here.
    is_elsewhere: bool,
    /// The secret that the nodes share.
    secret: Option<Arc<str>>,
    is_node: Option<IsNode>,
    /// Where a caller that is refused is recorded.
    audit: Arc<Audit>,
}

impl PeerGate {
    /// A gate that asks for a secret and for the certificate of a node, each if it is given. Who
    /// is refused is recorded in `audit`.
    #[must_use]
    pub fn new(secret: Option<Arc<str>>, is_node: Option<IsNode>, audit: Arc<Audit>) -> Self {
        Self { is_elsewhere: false, secret, is_node, audit }
    }

    /// A gate that lets nobody through, because nodes have a listener of their own.
    pub(super) fn elsewhere(audit: Arc<Audit>) -> Self {
        Self { is_elsewhere: true, audit, ..Self::default() }
    }

    /// Checks that a caller is a node of the cluster. One that has shown that it is a node is
    /// known on its connection from then on.
    ///
    /// # Errors
    /// It is none, which is recorded.
    pub(super) fn check(&self, request: &http::Request<Body>) -> Result<(), Error> {
        let visitor = Visitor::of(request.extensions());
        let checked = self.check_headers(request.headers());
        if let Err(problem) = checked.and_then(|()| self.check_names(&visitor.names)) {
            let method = request.uri().path().rsplit('/').next().unwrap_or_default();
            self.record(method, &visitor, &problem);
            return Err(problem);
        }
        let caller = request.extensions().get::<Caller>();
        if let Some(caller) = caller.filter(|_| self.is_node.is_some() || self.secret.is_some()) {
            caller.account.becomes_known();
        }
        Ok(())
    }

    /// Waits until the caller of an open stream is no node any more, records that, and returns the
    /// status for it. The secret does not change while a node runs.
    pub(super) fn until_refused(
        &self,
        method: &'static str,
        extensions: &http::Extensions,
    ) -> impl Future<Output = Status> + Send + 'static {
        let (gate, visitor) = (self.clone(), Visitor::of(extensions));
        async move {
            let problem = until_refused(|| gate.check_names(&visitor.names)).await;
            gate.record(method, &visitor, &problem);
            status(&problem, b"")
        }
    }

    fn check_names(&self, names: &Names) -> Result<(), Error> {
        let Some(is_node) = &self.is_node else { return Ok(()) };
        if is_node(names) {
            return Ok(());
        }
        let shown = match names.hosts.is_empty() {
            true => "no name".to_owned(),
            false => names.hosts.join(", "),
        };
        Err(denied(format!(
            "only nodes of the cluster may call this, and the certificate has {shown}, \
             which is no host of an advertised address; name it in tls-peer-names, or \
             give the node a certificate of its advertised address"
        )))
    }

    fn check_headers(&self, headers: &http::HeaderMap) -> Result<(), Error> {
        if self.is_elsewhere {
            return Err(denied(
                "nodes reach this one at its --peer-listen address; advertise that one".into(),
            ));
        }
        let Some(secret) = &self.secret else { return Ok(()) };
        let shown = headers.get(SECRET_HEADER);
        let is_known = shown.is_some_and(|shown| shown.as_bytes().ct_eq(secret.as_bytes()).into());
        if is_known {
            return Ok(());
        }
        Err(denied(
            "only nodes with the secret of this cluster may call this; give the same \
             cluster-secret to each"
                .into(),
        ))
    }

    fn record(&self, method: &str, visitor: &Visitor, problem: &Error) {
        let Visitor { names, address } = visitor;
        let caller = Shown::new(None, Arc::clone(names)).name();
        let note = Note { audit: Arc::clone(&self.audit), caller, address: *address };
        note.refused(method, problem);
    }
}

/// Who calls.
struct Visitor {
    names: Arc<Names>,
    address: Option<SocketAddr>,
}

impl Visitor {
    fn of(extensions: &http::Extensions) -> Self {
        let caller = extensions.get::<Caller>();
        let names = caller.map(|caller| Arc::clone(&caller.names)).unwrap_or_default();
        Self { names, address: caller.map(|caller| caller.address) }
    }
}

fn denied(problem: String) -> Error {
    Error::PermissionDenied { problem }
}

impl fmt::Debug for PeerGate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerGate")
            .field("is_elsewhere", &self.is_elsewhere)
            .field("secret", &self.secret.is_some())
            .field("is_node", &self.is_node.is_some())
            .finish()
    }
}
