//! The task that holds one session with etcd after the other.
//!
//! When a lease or a watch breaks it says so, keeps the last membership, and starts
//! over: connect, register under a new lease, list, watch from the list's revision.
//! Starting over is the only way back, so a compaction, a lost lease and an etcd
//! that comes back empty need no code of their own.

use std::sync::Arc;
use std::time::Duration;

use rand::Rng;
use tokio::sync::{oneshot, watch};
use tokio::time::Instant;

use super::super::{Member, Membership, RegistryError};
use super::Config;
use super::roster::Roster;
use super::session::{self, Session, SessionError};
use crate::clock::Clock;
use crate::cluster::Standing;

/// The task that keeps a node registered.
#[derive(Debug)]
pub(in super::super) struct Registration {
    /// Dropping it ends the task too, without taking the node off the register.
    leave: oneshot::Sender<()>,
    task: tokio::task::JoinHandle<()>,
}

impl Registration {
    pub(in super::super) async fn leave(self) {
        // The task may have ended with its runtime: then the lease runs out.
        if self.leave.send(()).is_ok() {
            let _ = tokio::time::timeout(Duration::from_secs(2), self.task).await;
        }
    }
}

/// What a task keeps up to date.
type Kept = (Registration, watch::Receiver<Arc<Membership>>);

/// Makes the first attempt, and hands over to a task.
pub(in super::super) async fn register(
    config: Config,
    own: Member,
    standing: Arc<Standing>,
) -> Result<Kept, RegistryError> {
    let (mut keeper, membership) = Keeper::new(config, Some(own), standing)?;
    let first = match keeper.open().await {
        Ok(session) => Some(session),
        Err(SessionError::Broken(reason)) => {
            tracing::warn!(
                reason,
                "etcd does not answer; this node serves alone and goes on trying"
            );
            keeper.out_of_touch(reason);
            None
        }
        Err(error) => return Err(keeper.refusal(error)),
    };
    Ok((keeper.spawn(first), membership))
}

/// The same for one who is no node and only looks. Without etcd there is nothing to
/// see, so it must answer the first time.
pub(in super::super) async fn observe(config: Config) -> Result<Kept, RegistryError> {
    // Who only looks holds nothing.
    let standing = Arc::new(Standing::new(Clock::monotonic()));
    let (mut keeper, membership) = Keeper::new(config, None, standing)?;
    match keeper.open().await {
        Ok(session) => Ok((keeper.spawn(Some(session)), membership)),
        Err(error) => Err(keeper.refusal(error)),
    }
}

/// State that outlives a session.
struct Keeper {
    config: Config,
    /// `None` for one who only looks.
    own: Option<Member>,
    roster: Roster,
    publish: watch::Sender<Arc<Membership>>,
    last: session::Last,
    standing: Arc<Standing>,
    registrations: u64,
}

impl Keeper {
    fn new(
        config: Config,
        own: Option<Member>,
        standing: Arc<Standing>,
    ) -> Result<(Self, watch::Receiver<Arc<Membership>>), RegistryError> {
        config.check()?;
        let nodes = own.iter().cloned().collect();
        let (publish, membership) =
            watch::channel(Arc::new(Membership { nodes, ..Membership::default() }));
        let keeper = Self {
            roster: Roster::new(own.clone(), config.lease_ttl),
            config,
            own,
            publish,
            last: session::Last::default(),
            standing,
            registrations: 0,
        };
        Ok((keeper, membership))
    }

    fn spawn(self, first: Option<Session>) -> Registration {
        let (leave, left) = oneshot::channel();
        Registration { leave, task: tokio::spawn(self.run(first, left)) }
    }

    /// Why the first attempt was the last.
    fn refusal(&self, error: SessionError) -> RegistryError {
        match error {
            SessionError::Taken(holder) => {
                let address = self.own.as_ref().map_or_else(String::new, |own| own.address.clone());
                RegistryError::AddressTaken { address, holder }
            }
            SessionError::Refused(reason) => RegistryError::Refused(reason),
            SessionError::Broken(reason) => RegistryError::Unreachable(reason),
        }
    }

    /// Registers, lists and publishes.
    async fn open(&mut self) -> Result<Session, SessionError> {
        let opened = Session::open(
            &self.config,
            self.own.as_ref(),
            &mut self.last,
            Arc::clone(&self.standing),
        )
        .await?;
        self.registrations = opened.registrations.unwrap_or(self.registrations);
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
                                // The others tell it of changes no longer than they
                                // have promised to.
                                self.standing.registered_until(0);
                                open.revoke().await;
                            }
                            return;
                        }
                        error = self.follow(&mut open) => {
                            tracing::warn!(%error, "lost etcd; the last nodes stay, and it is tried again and again");
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
                        tracing::info!("etcd is back");
                        session = Some(open);
                    }
                    Err(error) => self.still_out(&error),
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

    /// An attempt failed. What an operator has to mend is told of once.
    fn still_out(&self, error: &SessionError) {
        let problem = error.to_string();
        let is_news = self.publish.borrow().problem != problem;
        match error {
            SessionError::Broken(_) => tracing::debug!(problem, "etcd does not answer yet"),
            _ if is_news => tracing::error!(problem, "etcd does not let this node in"),
            _ => {}
        }
        self.out_of_touch(problem);
    }

    fn in_touch(&self) {
        self.show(true, String::new());
    }

    fn out_of_touch(&self, problem: String) {
        self.show(false, problem);
    }

    fn show(&self, connected: bool, problem: String) {
        let membership = Membership {
            nodes: self.roster.nodes(),
            connected,
            problem,
            registrations: self.registrations,
        };
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
