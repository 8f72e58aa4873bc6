//! A connection to etcd: made at the first request, and again after one that failed.

use std::collections::HashMap;
use std::time::Duration;

use etcd_client::{
    Certificate, Client, ConnectOptions, Identity, LeaseKeepAliveStream, LeaseKeeper, TlsOptions,
};

use super::super::RegistryError;
use super::config::{EtcdConfig, EtcdTls};
use super::keys::Keys;
use crate::sync::Mutex;

/// An etcd. Connects at the first request, and again after one that failed.
pub struct Etcd {
    pub(super) config: EtcdConfig,
    pub(super) keys: Keys,
    /// `None` before the first request and after a failure.
    pub(super) client: Mutex<Option<Client>>,
    /// The streams on which leases are renewed, by lease. A stream is taken out while it
    /// is in use.
    pub(super) renewals: Mutex<HashMap<i64, Renewals>>,
}

/// Both ends of the stream on which one lease is renewed.
pub(super) type Renewals = (LeaseKeeper, LeaseKeepAliveStream);

impl Etcd {
    /// An etcd without a connection yet.
    ///
    /// # Errors
    /// [`RegistryError::Refused`]: the configuration is invalid, so no retry would help.
    pub fn new(config: EtcdConfig) -> Result<Self, RegistryError> {
        config.check()?;
        let keys = Keys(config.prefix.clone());
        Ok(Self { config, keys, client: Mutex::default(), renewals: Mutex::default() })
    }
}

/// The connection options for `config`.
pub(super) fn connect_options(config: &EtcdConfig) -> ConnectOptions {
    let mut options = ConnectOptions::new()
        .with_connect_timeout(config.patience())
        .with_keep_alive(config.patience(), config.patience())
        .with_require_leader(true)
        .with_auto_token_refresh(true);
    if let Some((name, password)) = &config.user {
        options = options.with_user(name, password);
    }
    if config.endpoints.iter().all(|url| url.starts_with("https://")) {
        options = options.with_tls(tls_options(&config.tls));
    }
    options
}

fn tls_options(tls: &EtcdTls) -> TlsOptions {
    let mut options = TlsOptions::new();
    if let Some(pem) = &tls.ca {
        options = options.ca_certificate(Certificate::from_pem(pem));
    }
    if let Some((certificate, key)) = &tls.identity {
        options = options.identity(Identity::from_pem(certificate, key));
    }
    if let Some(name) = &tls.server_name {
        options = options.domain_name(name);
    }
    options
}

impl EtcdConfig {
    /// How long one request to etcd may take.
    pub(super) fn patience(&self) -> Duration {
        (self.lease_ttl / 2).clamp(Duration::from_millis(500), Duration::from_secs(3))
    }

    /// Finds errors against which no retry would help.
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
}
