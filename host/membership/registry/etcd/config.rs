//! How to reach an etcd.

use std::time::Duration;

/// How to reach etcd, and how long it keeps a silent node registered.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct EtcdConfig {
    /// `http://` or `https://` URLs of its members.
    pub endpoints: Vec<String>,
    /// The prefix of all keys, without a slash at the end.
    pub prefix: String,
    /// How long a silent node stays registered, in whole seconds. etcd allows no less
    /// than two.
    pub lease_ttl: Duration,
    /// User and password.
    pub user: Option<(String, String)>,
    /// Certificates for `https://` endpoints.
    pub tls: EtcdTls,
}

/// Certificates in PEM.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EtcdTls {
    /// The authority that signed etcd's certificate. Required for `https://`.
    pub ca: Option<Vec<u8>>,
    /// This node's certificate and key.
    pub identity: Option<(Vec<u8>, Vec<u8>)>,
    /// The name in etcd's certificate, where it is not the URL's host.
    pub server_name: Option<String>,
}

impl EtcdConfig {
    /// An etcd at these URLs, and the defaults for everything else.
    #[must_use]
    pub fn new(endpoints: Vec<String>) -> Self {
        Self { endpoints, ..Self::default() }
    }
}

impl Default for EtcdConfig {
    fn default() -> Self {
        Self {
            endpoints: Vec::new(),
            prefix: "psycache".into(),
            lease_ttl: Duration::from_secs(5),
            user: None,
            tls: EtcdTls::default(),
        }
    }
}

/// Omits the password and the private key.
impl std::fmt::Debug for EtcdConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EtcdConfig")
            .field("endpoints", &self.endpoints)
            .field("prefix", &self.prefix)
            .field("lease_ttl", &self.lease_ttl)
            .field("user", &self.user.as_ref().map(|(name, _)| name))
            .finish_non_exhaustive()
    }
}
