//! Who may call the service `Peer`: the other nodes of the cluster only.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use subtle::ConstantTimeEq;
use tonic::metadata::MetadataMap;
use tonic::{Extensions, Status};

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

    /// Checks that a caller of `method` is a node of the cluster.
    ///
    /// # Errors
    /// It is none, which is recorded.
    pub(super) fn check(
        &self,
        method: &'static str,
        metadata: &MetadataMap,
        extensions: &Extensions,
    ) -> Result<(), Status> {
        let visitor = Visitor::of(extensions);
        let checked = self.check_metadata(metadata).and_then(|()| self.check_names(&visitor.names));
        checked.map_err(|problem| self.refuse(method, &visitor, problem))
    }

    /// Waits until the caller of an open stream is no node any more, records that, and returns the
    /// status for it. The secret does not change while a node runs.
    pub(super) fn until_refused(
        &self,
        method: &'static str,
        extensions: &Extensions,
    ) -> impl Future<Output = Status> + Send + 'static {
        let (gate, visitor) = (self.clone(), Visitor::of(extensions));
        async move {
            let problem = until_refused(|| gate.check_names(&visitor.names)).await;
            gate.refuse(method, &visitor, problem)
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

    fn check_metadata(&self, metadata: &MetadataMap) -> Result<(), Error> {
        if self.is_elsewhere {
            return Err(denied(
                "nodes reach this one at its --peer-listen address; advertise that one".into(),
            ));
        }
        let Some(secret) = &self.secret else { return Ok(()) };
        let shown = metadata.get(SECRET_HEADER);
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

    fn refuse(&self, method: &str, visitor: &Visitor, problem: Error) -> Status {
        let Visitor { names, address } = visitor;
        let caller = Shown::new(None, Arc::clone(names)).name();
        let note = Note { audit: Arc::clone(&self.audit), caller, address: *address };
        note.refused(method, &problem);
        status(&problem, b"")
    }
}

/// Who calls.
struct Visitor {
    names: Arc<Names>,
    address: Option<SocketAddr>,
}

impl Visitor {
    fn of(extensions: &Extensions) -> Self {
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
