//! Reads the certificates of a node, and decides who may call as another node.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::task::JoinSet;

use super::error::StartError;
use super::late_nodes::LateNodes;
use crate::config::{Config, Registry};
use crate::ownership::Ownership;
use crate::server::{PeerGate, Security};
use crate::tls::{Certificates, Outgoing};
use crate::transport::dial::{Dialer, Headers};

/// The certificates of the node, if it speaks TLS, and the task that follows their files.
pub(super) async fn certificates(
    config: &Config,
) -> Result<(Option<Arc<Certificates>>, JoinSet<()>), StartError> {
    let mut following = JoinSet::new();
    let Some(tls) = config.tls.clone() else { return Ok((None, following)) };
    let read = tokio::task::spawn_blocking(move || Certificates::read(tls)).await;
    let certificates = Arc::new(read.expect("reading files does not panic")?);
    following.spawn(Arc::clone(&certificates).follow());
    Ok((Some(certificates), following))
}

/// Who may connect to the listeners, and call as another node.
pub(super) fn of_server(
    config: &Config,
    certificates: Option<&Arc<Certificates>>,
    ownership: &Arc<Ownership>,
) -> Security {
    let peers = peer_gate(config, certificates, ownership);
    Security { certificates: certificates.cloned(), peers }
}

/// How this node connects to the others.
///
/// # Errors
/// [`StartError::Secret`].
pub(super) fn dialer(
    config: &Config,
    certificates: Option<&Arc<Certificates>>,
) -> Result<Dialer, StartError> {
    let headers = match secret(config) {
        Some(secret) => Headers::with_secret(&secret).ok_or(StartError::Secret)?,
        None => Headers::default(),
    };
    Ok(Dialer::new(certificates.cloned().map(Outgoing::Node), headers))
}

/// Who may call as another node: with TLS, who has the certificate of a registered or listed
/// node, or of one that was lately; with a secret, who has it.
fn peer_gate(
    config: &Config,
    certificates: Option<&Arc<Certificates>>,
    ownership: &Arc<Ownership>,
) -> PeerGate {
    let is_node = certificates.map(|certificates| {
        let (certificates, ownership) = (Arc::clone(certificates), Arc::clone(ownership));
        let listed = listed(&config.cluster.registry);
        let known = LateNodes::default();
        Arc::new(move |names: &[String]| {
            let view = ownership.view();
            let registered = view.members.keys().map(AsRef::as_ref);
            let listed = listed.iter().map(String::as_str);
            let all = registered.chain(listed).chain([ownership.address()]);
            known.is_one_now_or_lately(names, certificates.is_node(names, all))
        }) as _
    });
    PeerGate::new(secret(config), is_node)
}

/// What protects the listeners at these addresses, as status says it. Says in the log if
/// nothing does.
pub(super) fn word(config: &Config, addresses: [Option<SocketAddr>; 4]) -> &'static str {
    let is_local = addresses.iter().flatten().all(is_local);
    match &config.tls {
        Some(tls) if tls.client_ca.is_some() => "mutual-tls",
        Some(_) => {
            if !is_local {
                tracing::warn!(
                    "This node asks for no client certificates: every client that reaches its ports may read, change and clear everything; give --tls-client-ca"
                );
            }
            "tls"
        }
        None if is_local => "loopback",
        None => {
            tracing::warn!(
                "This node runs with --insecure: every machine that reaches its ports may read, change and clear everything"
            );
            "insecure"
        }
    }
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
