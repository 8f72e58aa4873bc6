//! Keeps the certificates of a node as their files are.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use tokio_rustls::rustls::{ClientConfig, ServerConfig};

use super::config::Tls;
use super::error::TlsError;
use super::identity::{Contents, Identity, Speaks};
use super::names::{self, Names};
use crate::follow::Followed;
use crate::host_port::HostPort;
use crate::telemetry::{CertificateReading, LogLimiter};

/// How long before its expiry a certificate is warned of, and how often.
const WARN_BEFORE: Duration = Duration::from_secs(14 * 24 * 3600);
const WARN_EVERY: Duration = Duration::from_secs(24 * 3600);

/// The certificates of a node. New connections use the present ones; open connections stay.
pub struct Certificates {
    tls: Tls,
    now: ArcSwap<Identity>,
    taken: AtomicU64,
    refused: AtomicU64,
    pub(super) failed_handshakes: AtomicU64,
    pub(super) failed_handshake_lines: LogLimiter,
    expiry_lines: LogLimiter,
}

impl Certificates {
    /// Reads the files of `tls`.
    ///
    /// # Errors
    /// A file can't be read or used.
    pub fn read(tls: Tls) -> Result<Self, TlsError> {
        let identity = Identity::new(&tls, Arc::new(Contents::read(&tls)?))?;
        let certificates = Self {
            tls,
            now: ArcSwap::from_pointee(identity),
            taken: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            failed_handshakes: AtomicU64::new(0),
            failed_handshake_lines: LogLimiter::every(Duration::from_secs(10)),
            expiry_lines: LogLimiter::every(WARN_EVERY),
        };
        certificates.warn_of_expiry();
        Ok(certificates)
    }

    /// Whether a certificate with these names is one of a node at one of `addresses`, or has a
    /// name that is configured for nodes.
    pub(crate) fn is_node<'a>(
        &self,
        names: &Names,
        mut addresses: impl Iterator<Item = &'a str>,
    ) -> bool {
        let patterns = &self.tls.peer_names;
        let names = &names.hosts;
        let is_named = names.iter().any(|name| patterns.iter().any(|one| one.matches(name)));
        is_named
            || addresses.any(|address| {
                let host = HostPort::parse(address).map_or(address, |address| address.host);
                names.iter().any(|name| names::covers(name, host))
            })
    }

    /// What metrics show.
    pub(crate) fn reading(&self) -> CertificateReading {
        CertificateReading {
            expires_at: self.now.load().expires_at,
            taken: self.taken.load(Relaxed),
            refused: self.refused.load(Relaxed),
            failed_handshakes: self.failed_handshakes.load(Relaxed),
        }
    }

    pub(super) fn server(&self, speaks: Speaks) -> Arc<ServerConfig> {
        self.now.load().server(speaks)
    }

    pub(super) fn client(&self) -> Arc<ClientConfig> {
        self.now.load().client()
    }

    fn warn_of_expiry(&self) {
        let expires_at = SystemTime::UNIX_EPOCH + Duration::from_secs(self.now.load().expires_at);
        let left = expires_at.duration_since(SystemTime::now()).unwrap_or_default();
        if left < WARN_BEFORE && self.expiry_lines.admit().is_some() {
            let expires_at = humantime::format_rfc3339_seconds(expires_at).to_string();
            let cert = path(&self.tls.cert);
            match left.is_zero() {
                false => tracing::warn!(
                    cert,
                    expires_at,
                    "The certificate expires soon; put a new one in its place"
                ),
                true => tracing::error!(
                    cert,
                    expires_at,
                    "The certificate has expired, so others refuse this node; put a new one in its place"
                ),
            }
        }
    }
}

impl Followed for Certificates {
    type Contents = Contents;
    type Problem = TlsError;

    fn read(&self) -> Result<Contents, TlsError> {
        Contents::read(&self.tls)
    }

    fn holds(&self, contents: &Contents) -> bool {
        *self.now.load().contents == *contents
    }

    fn take(&self, found: Arc<Contents>) -> Result<(), TlsError> {
        self.now.store(Arc::new(Identity::new(&self.tls, found)?));
        self.taken.fetch_add(1, Relaxed);
        tracing::info!("Took new certificates; open connections stay");
        self.warn_of_expiry();
        Ok(())
    }

    fn refuse(&self, problem: &TlsError) {
        self.refused.fetch_add(1, Relaxed);
        tracing::error!(%problem, "Refused new certificates; the old ones stay in use until the files are right");
    }

    fn looked(&self) {
        self.warn_of_expiry();
    }
}

fn path(path: &Path) -> String {
    path.display().to_string()
}

impl std::fmt::Debug for Certificates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Certificates").field("tls", &self.tls).finish_non_exhaustive()
    }
}
