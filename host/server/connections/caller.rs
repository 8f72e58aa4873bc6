//! What is known of the other end of a connection, in the extensions of its requests.

use std::sync::Arc;

use super::account::Account;

/// What is known of the other end of a connection.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// The names in the certificate that it has shown.
    pub(in crate::server) names: Arc<[String]>,
    /// What the connection takes of the node.
    pub(in crate::server) account: Arc<Account>,
}
