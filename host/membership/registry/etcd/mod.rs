//! The registry in etcd, and how to reach one.

mod keys;
mod requests;

use std::collections::HashMap;
use std::time::Duration;

use etcd_client::{
    Certificate, Client, ConnectOptions, Identity, LeaseKeepAliveStream, LeaseKeeper, TlsOptions,
};

use super::RegistryError;
use crate::sync::Mutex;
use keys::Keys;

/// An etcd. Connects at the first request, and again after one that failed.
pub struct Etcd {
    config: Config,
    keys: Keys,
    /// `None` before the first request and after a failure.
    client: Mutex<Option<Client>>,
    /// The streams on which leases are renewed; taken out while one is in use.
    renewals: Mutex<HashMap<i64, Renewals>>,
}

/// A stream on which one lease is renewed: both ends.
type Renewals = (LeaseKeeper, LeaseKeepAliveStream);

impl Etcd {
    /// An etcd that nobody has asked yet.
    ///
    /// # Errors
    /// [`RegistryError::Refused`]: the configuration is one that no retry would mend.
    pub fn new(config: Config) -> Result<Self, RegistryError> {
        config.check()?;
        let keys = Keys(config.prefix.clone());
        Ok(Self { config, keys, client: Mutex::default(), renewals: Mutex::default() })
    }
}

/// How to reach etcd, and how long it remembers a node that falls silent.
#[derive(Clone, PartialEq)]
pub struct Config {
    /// `http://` or `https://` URLs of its members.
    pub endpoints: Vec<String>,
    /// What the keys begin with, without a slash at the end.
    pub prefix: String,
    /// How long a node that has fallen silent stays registered; whole seconds,
    /// and etcd itself allows no less than two.
    pub lease_ttl: Duration,
    /// User and password.
    pub user: Option<(String, String)>,
    /// Certificates for `https://` endpoints.
    pub tls: Tls,
}

/// Certificates in PEM.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Tls {
    /// Who may have signed etcd's certificate; `https://` needs it.
    pub ca: Option<Vec<u8>>,
    /// This node's certificate and key.
    pub identity: Option<(Vec<u8>, Vec<u8>)>,
    /// The name in etcd's certificate, where it is not the URL's host.
    pub server_name: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            endpoints: Vec::new(),
            prefix: "psycache".into(),
            lease_ttl: Duration::from_secs(5),
            user: None,
            tls: Tls::default(),
        }
    }
}

/// Without the password and the key.
impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config")
            .field("endpoints", &self.endpoints)
            .field("prefix", &self.prefix)
            .field("lease_ttl", &self.lease_ttl)
            .field("user", &self.user.as_ref().map(|(name, _)| name))
            .finish_non_exhaustive()
    }
}

impl Config {
    /// How long one request to etcd may take.
    fn patience(&self) -> Duration {
        (self.lease_ttl / 2).clamp(Duration::from_millis(500), Duration::from_secs(3))
    }

    /// Finds what no retry would mend.
    fn check(&self) -> Result<(), RegistryError> {
        let https = |url: &String| url.starts_with("https://");
        let secure = self.endpoints.iter().filter(|url| https(url)).count();
        let problem = if self.endpoints.is_empty() {
            "no endpoint is given; name at least one, http://127.0.0.1:2379 say"
        } else if secure > 0 && secure < self.endpoints.len() {
            "some endpoints are https:// and some are not; make them all the same"
        } else if secure > 0 && self.tls.ca.is_none() {
            "https:// endpoints need the certificate of the authority that signed etcd's: --etcd-ca"
        } else {
            return Ok(());
        };
        Err(RegistryError::Refused(problem.into()))
    }

    fn connect_options(&self) -> ConnectOptions {
        let mut options = ConnectOptions::new()
            .with_connect_timeout(self.patience())
            .with_keep_alive(self.patience(), self.patience())
            .with_require_leader(true)
            .with_auto_token_refresh(true);
        if let Some((name, password)) = &self.user {
            options = options.with_user(name, password);
        }
        if self.endpoints.iter().all(|url| url.starts_with("https://")) {
            options = options.with_tls(self.tls.options());
        }
        options
    }
}

impl Tls {
    fn options(&self) -> TlsOptions {
        let mut options = TlsOptions::new();
        if let Some(pem) = &self.ca {
            options = options.ca_certificate(Certificate::from_pem(pem));
        }
        if let Some((certificate, key)) = &self.identity {
            options = options.identity(Identity::from_pem(certificate, key));
        }
        if let Some(name) = &self.server_name {
            options = options.domain_name(name);
        }
        options
    }
}
