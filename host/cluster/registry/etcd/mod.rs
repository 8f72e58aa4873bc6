//! Registration in etcd that outlives etcd.
//!
//! One task holds one lease and one watch. When either breaks it says so, keeps
//! the last membership, and starts over: connect, register under a new lease,
//! list, watch from the list's revision. Starting over is the only way back, so
//! a compaction, a lost lease and an etcd that comes back empty need no code of
//! their own.

mod claim;
mod roster;
mod session;

use std::sync::Arc;
use std::time::Duration;

use etcd_client::{Certificate, ConnectOptions, Identity, TlsOptions};
use rand::Rng;
use tokio::sync::{oneshot, watch};
use tokio::time::Instant;

use super::{Member, Membership, RegistryError};
use roster::Roster;
use session::{Session, SessionError};

/// How to reach etcd, and how long it remembers a node that falls silent.
#[derive(Clone)]
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
#[derive(Clone, Default)]
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
            prefix: "psycache/nodes".into(),
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
    fn key(&self, address: &str) -> String {
        format!("{}/{address}", self.prefix)
    }

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
            "https:// endpoints need the certificate of the authority that signed etcd's"
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

/// The task that keeps a node registered.
#[derive(Debug)]
pub(super) struct Registration {
    /// Dropping it ends the task too, without taking the node off the register.
    leave: oneshot::Sender<()>,
    task: tokio::task::JoinHandle<()>,
}

impl Registration {
    pub(super) async fn leave(self) {
        // The task may have ended with its runtime: then the lease runs out.
        if self.leave.send(()).is_ok() {
            let _ = tokio::time::timeout(Duration::from_secs(2), self.task).await;
        }
    }
}

/// Makes the first attempt, and hands over to a task.
pub(super) async fn register(
    config: Config,
    own: Member,
) -> Result<(Registration, watch::Receiver<Arc<Membership>>), RegistryError> {
    config.check()?;
    let alone = Membership { nodes: vec![own.clone()], ..Membership::default() };
    let (publish, membership) = watch::channel(Arc::new(alone));
    let mut keeper = Keeper {
        roster: Roster::new(own.clone(), config.lease_ttl),
        config,
        own,
        publish,
        last: session::Last::default(),
        lapses: 0,
        served_alone: false,
    };
    let first = match keeper.open().await {
        Ok(session) => Some(session),
        Err(SessionError::Taken(holder)) => {
            return Err(RegistryError::AddressTaken { address: keeper.own.address, holder });
        }
        Err(SessionError::Refused(reason)) => return Err(RegistryError::Refused(reason)),
        Err(SessionError::Broken(reason)) => {
            tracing::warn!(
                reason,
                "etcd does not answer; this node serves alone and goes on trying"
            );
            keeper.out_of_touch(reason);
            keeper.served_alone = true;
            None
        }
    };
    let (leave, left) = oneshot::channel();
    let task = tokio::spawn(keeper.run(first, left));
    Ok((Registration { leave, task }, membership))
}

/// State that outlives a session.
struct Keeper {
    config: Config,
    own: Member,
    roster: Roster,
    publish: watch::Sender<Arc<Membership>>,
    last: session::Last,
    lapses: u64,
    /// Whether this node served before it was registered for the first time, so
    /// that others changed keys without telling it.
    served_alone: bool,
}

impl Keeper {
    /// Registers, lists and publishes.
    async fn open(&mut self) -> Result<Session, SessionError> {
        let opened = Session::open(&self.config, &self.own, &self.last).await?;
        self.lapses += u64::from(opened.lapsed || std::mem::take(&mut self.served_alone));
        self.last = opened.last;
        self.roster.relist(opened.members, Instant::now());
        self.in_touch();
        Ok(opened.session)
    }

    async fn run(mut self, mut session: Option<Session>, mut left: oneshot::Receiver<()>) {
        let mut attempts = 0;
        loop {
            match session.take() {
                Some(mut open) => {
                    attempts = 0;
                    tokio::select! {
                        ended = &mut left => {
                            if ended.is_ok() {
                                open.revoke().await;
                            }
                            return;
                        }
                        error = self.follow(&mut open) => {
                            tracing::warn!(%error, "lost etcd; the last nodes stay, and this one registers again");
                            self.out_of_touch(error.to_string());
                        }
                    }
                }
                None => {
                    let pause = backoff(attempts, self.config.lease_ttl);
                    attempts += 1;
                    tokio::select! {
                        _ = &mut left => return,
                        () = tokio::time::sleep(pause) => {}
                    }
                }
            }
            tokio::select! {
                _ = &mut left => return,
                opened = self.open() => match opened {
                    Ok(open) => {
                        tracing::info!("registered in etcd again");
                        session = Some(open);
                    }
                    Err(error) => {
                        tracing::debug!(%error, "etcd does not answer yet");
                        self.out_of_touch(error.to_string());
                    }
                },
            }
        }
    }

    /// Applies what happens until the session breaks.
    async fn follow(&mut self, session: &mut Session) -> SessionError {
        loop {
            let expiry = self.roster.next_expiry();
            let expired = async {
                match expiry {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                news = session.next() => match news {
                    Ok(news) => {
                        self.last.revision = news.revision;
                        news.changes.into_iter().for_each(|change| match change {
                            session::Change::Put(member) => self.roster.put(member),
                            session::Change::Delete(address) => self.roster.delete(&address),
                        });
                    }
                    Err(error) => return error,
                },
                () = expired => self.roster.expire(Instant::now()),
            }
            self.in_touch();
        }
    }

    fn in_touch(&self) {
        self.show(true, String::new());
    }

    fn out_of_touch(&self, problem: String) {
        self.show(false, problem);
    }

    fn show(&self, connected: bool, problem: String) {
        let membership =
            Membership { nodes: self.roster.nodes(), connected, problem, lapses: self.lapses };
        self.publish.send_if_modified(|shown| {
            let changed = **shown != membership;
            *shown = Arc::new(membership);
            changed
        });
    }
}

/// Doubles from 100 ms to a quarter of the lease, so that a node is back before
/// an etcd that was restarted lets its old lease run out; spread, so that a
/// hundred nodes do not come back at once.
fn backoff(attempts: u32, lease_ttl: Duration) -> Duration {
    let doubled = Duration::from_millis(100) * 2_u32.pow(attempts.min(10));
    let longest = doubled.min(lease_ttl / 4);
    longest.mul_f64(rand::rng().random_range(0.5..=1.0))
}
