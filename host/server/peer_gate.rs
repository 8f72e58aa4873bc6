//! Who may call the service `Peer`: the other nodes of the cluster only.

use std::fmt;
use std::sync::Arc;

use subtle::ConstantTimeEq;
use tonic::body::Body;
use tonic::codegen::http;

use super::connections::Caller;
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
}

impl PeerGate {
    /// A gate that asks for a secret and for the certificate of a node, each if it is given.
    #[must_use]
    pub fn new(secret: Option<Arc<str>>, is_node: Option<IsNode>) -> Self {
        Self { is_elsewhere: false, secret, is_node }
    }

    /// A gate that lets nobody through, because nodes have a listener of their own.
    pub(super) fn elsewhere() -> Self {
        Self { is_elsewhere: true, ..Self::default() }
    }

    /// Refuses a caller that is no node of the cluster. One that has shown that it is a node is
    /// known on its connection from then on.
    pub(super) fn check(&self, request: &http::Request<Body>) -> Result<(), Error> {
        let caller = request.extensions().get::<Caller>();
        if self.is_elsewhere {
            return Err(refused(
                "nodes reach this one at its --peer-listen address; advertise that one".into(),
            ));
        }
        if let Some(is_node) = &self.is_node {
            let names = caller.map(|caller| Arc::clone(&caller.names)).unwrap_or_default();
            if !is_node(&names) {
                let shown = match names.hosts.is_empty() {
                    true => "no name".to_owned(),
                    false => names.hosts.join(", "),
                };
                return Err(refused(format!(
                    "only nodes of the cluster may call this, and the certificate has {shown}, \
                     which is no host of an advertised address; name it in tls-peer-names, or \
                     give the node a certificate of its advertised address"
                )));
            }
        }
        if let Some(secret) = &self.secret {
            let shown = request.headers().get(SECRET_HEADER);
            let is_known =
                shown.is_some_and(|shown| shown.as_bytes().ct_eq(secret.as_bytes()).into());
            if !is_known {
                return Err(refused(
                    "only nodes with the secret of this cluster may call this; give the same \
                     cluster-secret to each"
                        .into(),
                ));
            }
        }
        if let Some(caller) = caller.filter(|_| self.is_node.is_some() || self.secret.is_some()) {
            caller.account.becomes_known();
        }
        Ok(())
    }
}

fn refused(problem: String) -> Error {
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
