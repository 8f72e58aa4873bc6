//! What is known of the other end of a connection, in the extensions of its requests.

use std::net::SocketAddr;
use std::sync::Arc;

use super::account::Account;
use crate::access::Memory;
use crate::tls::Names;

/// What is known of the other end of a connection.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// The names in the certificate that it has shown.
    pub(in crate::server) names: Arc<Names>,
    pub(in crate::server) address: SocketAddr,
    /// Whose call was the last one.
    pub(in crate::server) memory: Arc<Memory>,
    /// What the connection takes of the node.
    pub(in crate::server) account: Arc<Account>,
}
