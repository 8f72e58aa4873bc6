//! Keeps the certificates of a node as their files are: looks at them every second, and takes
//! them when they have changed.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};
use tokio_rustls::rustls::{ClientConfig, ServerConfig};

use super::config::Tls;
use super::error::TlsError;
use super::identity::{Contents, Identity, Speaks};
use super::names;
use crate::host_port::HostPort;
use crate::telemetry::{CertificateReading, LogLimiter};

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

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

    /// Reads the files again, and returns whether they had changed. On an error the present
    /// certificates stay.
    ///
    /// # Errors
    /// A file can't be read or used.
    pub fn reload(&self) -> Result<bool, TlsError> {
        match Contents::read(&self.tls)? {
            same if self.holds(&same) => Ok(false),
            found => self.take(Ok(Arc::new(found))).map(|()| true),
        }
    }

    /// Follows the files for ever. A change is taken when two looks in a row find the same, so
    /// that no half of a change is taken.
    pub(crate) async fn follow(self: Arc<Self>) {
        let mut looks = interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // What the look before found, and the problem that was told last.
        let (mut before, mut told) = (None, None);
        loop {
            looks.tick().await;
            let this = Arc::clone(&self);
            let read = spawn_blocking(move || Contents::read(&this.tls).map(Arc::new)).await;
            let Ok(found) = read else { return };
            self.warn_of_expiry();
            let is_held = found.as_ref().is_ok_and(|found| self.holds(found));
            let is_settled = before.as_ref() == Some(&found);
            before = Some(found.clone());
            if !is_held && !is_settled {
                continue;
            }
            let problem = if is_held { None } else { self.take(found).err() };
            if let Some(problem) =
                problem.as_ref().filter(|problem| told.as_ref() != Some(*problem))
            {
                self.refused.fetch_add(1, Relaxed);
                tracing::error!(%problem, "Refused new certificates; the old ones stay in use until the files are right");
            }
            told = problem;
        }
    }

    /// Whether a certificate with these names is one of a node at one of `addresses`, or has a
    /// name that is configured for nodes.
    pub(crate) fn is_node<'a>(
        &self,
        names: &[String],
        mut addresses: impl Iterator<Item = &'a str>,
    ) -> bool {
        let patterns = &self.tls.peer_names;
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

    fn holds(&self, contents: &Contents) -> bool {
        *self.now.load().contents == *contents
    }

    fn take(&self, found: Result<Arc<Contents>, TlsError>) -> Result<(), TlsError> {
        self.now.store(Arc::new(Identity::new(&self.tls, found?)?));
        self.taken.fetch_add(1, Relaxed);
        tracing::info!("Took new certificates; open connections stay");
        self.warn_of_expiry();
        Ok(())
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

fn path(path: &Path) -> String {
    path.display().to_string()
}

impl std::fmt::Debug for Certificates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Certificates").field("tls", &self.tls).finish_non_exhaustive()
    }
}
