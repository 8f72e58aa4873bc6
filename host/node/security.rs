//! Reads the certificates and the tokens of a node, and decides who may call as another node.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::task::JoinSet;

use super::error::StartError;
use crate::access::{Access, Audit};
use crate::config::{Config, Registry};
use crate::follow::follow;
use crate::ownership::Ownership;
use crate::server::{Callers, PeerGate, Security};
use crate::tls::{Certificates, Names, Outgoing};
use crate::transport::dial::{Credential, Dialer, Headers};

/// The certificates of the node, if it speaks TLS, and the task that follows their files.
pub(super) async fn certificates(
    config: &Config,
) -> Result<(Option<Arc<Certificates>>, JoinSet<()>), StartError> {
    let mut following = JoinSet::new();
    let Some(tls) = config.tls.clone() else { return Ok((None, following)) };
    let read = tokio::task::spawn_blocking(move || Certificates::read(tls)).await;
    let certificates = Arc::new(read.expect("reading files does not panic")?);
    following.spawn(follow(Arc::clone(&certificates)));
    Ok((Some(certificates), following))
}

/// The callers of the tokens file, if there is one. `following` gets the task that follows it.
pub(super) async fn access(
    config: &Config,
    audit: &Arc<Audit>,
    following: &mut JoinSet<()>,
) -> Result<Option<Arc<Access>>, StartError> {
    let Some(path) = config.tokens.clone() else { return Ok(None) };
    let cluster = &config.cluster;
    if cluster.registry != Registry::Alone && config.tls.is_none() && cluster.secret.is_none() {
        return Err(StartError::OpenPeers);
    }
    let audit = Arc::clone(audit);
    let read = tokio::task::spawn_blocking(move || Access::read(&path, audit)).await;
    let access = Arc::new(read.expect("reading a file does not panic")?);
    following.spawn(follow(Arc::clone(&access)));
    Ok(Some(access))
}

/// Who may connect to the listeners, and call as another node.
pub(super) fn of_server(
    config: &Config,
    certificates: Option<&Arc<Certificates>>,
    ownership: &Arc<Ownership>,
    callers: Callers,
) -> Security {
    let peers = peer_gate(config, certificates, ownership);
    Security { certificates: certificates.cloned(), peers, callers }
}

/// How this node connects to the others.
///
/// # Errors
/// [`StartError::Secret`].
pub(super) fn dialer(
    config: &Config,
    certificates: Option<&Arc<Certificates>>,
) -> Result<Dialer, StartError> {
    let headers =
        secret(config).map(|secret| Headers::with_secret(&secret).ok_or(StartError::Secret));
    let credential = headers.transpose()?.map(Credential::ClusterSecret);
    Ok(Dialer::new(certificates.cloned().map(Outgoing::Node), credential))
}

/// Who may call as another node: with TLS, who has the certificate of a registered or listed
/// node; with a secret, who has it.
fn peer_gate(
    config: &Config,
    certificates: Option<&Arc<Certificates>>,
    ownership: &Arc<Ownership>,
) -> PeerGate {
    let is_node = certificates.map(|certificates| {
        let (certificates, ownership) = (Arc::clone(certificates), Arc::clone(ownership));
        let listed = listed(&config.cluster.registry);
        Arc::new(move |names: &Names| {
            let view = ownership.view();
            let registered = view.members.keys().map(AsRef::as_ref);
            let listed = listed.iter().map(String::as_str);
            certificates.is_node(names, registered.chain(listed).chain([ownership.address()]))
        }) as _
    });
    PeerGate::new(secret(config), is_node)
}

/// What protects the listeners at these addresses, as status says it. Says in the log what does
/// not.
pub(super) fn word(config: &Config, addresses: [Option<SocketAddr>; 3]) -> &'static str {
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
