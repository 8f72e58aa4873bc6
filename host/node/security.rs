//! Reads the certificates and the tokens of a node, and decides who may call as another node.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::task::JoinSet;

use super::error::StartError;
use super::late_nodes::LateNodes;
use crate::access::{Access, Audit};
use crate::config::{Config, Registry};
use crate::follow::follow;
use crate::ownership::Ownership;
use crate::server::{Callers, PeerGate, Security};
use crate::tls::{Certificates, Names, Outgoing};
use crate::transport::dial::{Credential, Dialer, Headers};

/// What says who may connect and call. Its files are followed until it is dropped.
pub(super) struct Secured {
    /// `None` without TLS.
    pub(super) certificates: Option<Arc<Certificates>>,
    /// The callers of the tokens file; `None` without one.
    pub(super) access: Option<Arc<Access>>,
    pub(super) audit: Arc<Audit>,
    /// The tasks that follow the files; aborted when this is dropped.
    _following: JoinSet<()>,
}

impl Secured {
    /// Reads the files, and follows them.
    ///
    /// # Errors
    /// A file can't be used, or callers need tokens and other nodes nothing.
    pub(super) async fn read(config: &Config) -> Result<Self, StartError> {
        let (tls, tokens, cluster) = (config.tls.clone(), config.tokens.clone(), &config.cluster);
        let is_shared = cluster.registry != Registry::Alone;
        if tokens.is_some() && is_shared && tls.is_none() && cluster.secret.is_none() {
            return Err(StartError::OpenPeers);
        }
        let audit = Arc::<Audit>::default();
        let recorded = Arc::clone(&audit);
        let read = tokio::task::spawn_blocking(move || {
            let certificates = tls.map(Certificates::read).transpose()?.map(Arc::new);
            let access = tokens.map(|path| Access::read(&path, recorded)).transpose()?;
            Ok::<_, StartError>((certificates, access.map(Arc::new)))
        });
        let (certificates, access) = read.await.expect("reading files does not panic")?;
        let mut following = JoinSet::new();
        certificates.iter().for_each(|files| drop(following.spawn(follow(Arc::clone(files)))));
        access.iter().for_each(|file| drop(following.spawn(follow(Arc::clone(file)))));
        Ok(Self { certificates, access, audit, _following: following })
    }

    /// Who may connect to the listeners, and call.
    pub(super) fn of_server(&self, config: &Config, ownership: &Arc<Ownership>) -> Security {
        let certificates = self.certificates.clone();
        let audit = Arc::clone(&self.audit);
        let peers = peer_gate(config, certificates.as_ref(), ownership, audit);
        let callers = Callers::new(self.access.clone(), Arc::clone(&self.audit));
        Security { certificates, peers, callers }
    }

    /// How this node connects to the others.
    ///
    /// # Errors
    /// [`StartError::Secret`].
    pub(super) fn dialer(&self, config: &Config) -> Result<Dialer, StartError> {
        let secret = secret(config).map(|secret| Headers::with_secret(&secret));
        let headers = secret.map(|headers| headers.ok_or(StartError::Secret)).transpose()?;
        let tls = self.certificates.clone().map(Outgoing::Node);
        Ok(Dialer::new(tls, headers.map(Credential::ClusterSecret)))
    }
}

/// Who may call as another node: with TLS, who has the certificate of a registered or listed
/// node, or of one that was lately; with a secret, who has it.
fn peer_gate(
    config: &Config,
    certificates: Option<&Arc<Certificates>>,
    ownership: &Arc<Ownership>,
    audit: Arc<Audit>,
) -> PeerGate {
    let is_node = certificates.map(|certificates| {
        let (certificates, ownership) = (Arc::clone(certificates), Arc::clone(ownership));
        let listed = listed(&config.cluster.registry);
        let known = LateNodes::default();
        Arc::new(move |names: &Names| {
            let view = ownership.view();
            let registered = view.members.keys().map(AsRef::as_ref);
            let listed = listed.iter().map(String::as_str);
            let all = registered.chain(listed).chain([ownership.address()]);
            known.is_one_now_or_lately(&names.hosts, certificates.is_node(names, all))
        }) as _
    });
    PeerGate::new(secret(config), is_node, audit)
}

/// What protects the listeners at these addresses, as status says it. Says in the log what does
/// not.
pub(super) fn word(config: &Config, addresses: [Option<SocketAddr>; 4]) -> &'static str {
    let is_local = addresses.iter().flatten().all(is_local);
    let asks_for_certificates = config.tls.as_ref().is_some_and(|tls| tls.client_ca.is_some());
    let word = match (&config.tls, &config.tokens) {
        (Some(_), Some(_)) if asks_for_certificates => "mutual-tls+tokens",
        (Some(_), None) if asks_for_certificates => "mutual-tls",
        (Some(_), Some(_)) => "tls+tokens",
        (Some(_), None) => "tls",
        (None, Some(_)) => "tokens",
        (None, None) if is_local => "loopback",
        (None, None) => "insecure",
    };
    match word {
        _ if is_local => {}
        "tls" => tracing::warn!(
            "This node asks for neither client certificates nor tokens: every client that reaches its ports may read, change and clear everything; give --tls-client-ca or --tokens"
        ),
        "tokens" => tracing::warn!(
            "This node speaks without TLS: tokens and values cross the network as plain text; give --tls-cert and --tls-key"
        ),
        "insecure" => tracing::warn!(
            "This node runs with --insecure: every machine that reaches its ports may read, change and clear everything"
        ),
        _ => {}
    }
    word
}

/// Whether only this machine reaches an address.
pub(super) fn is_local(address: &SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}

fn secret(config: &Config) -> Option<Arc<str>> {
    config.cluster.secret.as_ref().map(|secret| secret.expose().into())
}

fn listed(registry: &Registry) -> Vec<String> {
    match registry {
        Registry::Static(nodes) => nodes.iter().map(|(address, _)| address.clone()).collect(),
        _ => Vec::new(),
    }
}
