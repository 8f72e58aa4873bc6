//! One uninterrupted time with etcd: a lease that is renewed and a watch.

use std::time::Duration;

use etcd_client::{
    Client, EventType, GetOptions, KeyValue, LeaseKeepAliveStream, LeaseKeeper, WatchOptions,
    WatchStream,
};
use tokio::time::{Instant, Interval};

use super::super::Member;
use super::{Config, claim};

/// Why there is no session, or none any more.
#[derive(Debug, thiserror::Error)]
pub(super) enum SessionError {
    /// A retry helps, sooner or later.
    #[error("{0}")]
    Broken(String),
    /// An operator must mend something.
    #[error("{0}")]
    Refused(String),
    #[error("the address is taken by a node that started at {}", .0.started)]
    Taken(Box<Member>),
}

impl From<etcd_client::Error> for SessionError {
    fn from(error: etcd_client::Error) -> Self {
        // InvalidArgument: a wrong password; FailedPrecondition: no such thing as
        // users in this etcd; both say so in their message.
        const MEND: [tonic::Code; 4] = [
            tonic::Code::InvalidArgument,
            tonic::Code::FailedPrecondition,
            tonic::Code::PermissionDenied,
            tonic::Code::Unauthenticated,
        ];
        match error {
            etcd_client::Error::GRpcStatus(status) if MEND.contains(&status.code()) => {
                Self::Refused(format!("{}; check user, password and role", status.message()))
            }
            etcd_client::Error::InvalidArgs(problem) => Self::Refused(problem),
            etcd_client::Error::InvalidUri(error) => Self::Refused(error.to_string()),
            etcd_client::Error::GRpcStatus(status) => Self::Broken(status.message().to_owned()),
            error => Self::Broken(error.to_string()),
        }
    }
}

/// What is remembered of the session before.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Last {
    /// 0: there was none.
    pub(super) lease: i64,
    /// The newest revision that was seen.
    pub(super) revision: i64,
}

/// A session, and what it began with.
pub(super) struct Opened {
    pub(super) session: Session,
    pub(super) members: Vec<Member>,
    pub(super) last: Last,
    /// See [`Membership::lapses`](super::super::Membership::lapses).
    pub(super) lapsed: bool,
}

pub(super) struct Session {
    client: Client,
    lease: i64,
    keeper: LeaseKeeper,
    renewals: LeaseKeepAliveStream,
    renew: Interval,
    /// Without a renewal until then the session counts as broken.
    renewed_by: Instant,
    patience: Duration,
    watch: WatchStream,
    prefix: String,
    own_key: String,
}

/// What a watch told, all at one revision.
#[derive(Debug)]
pub(super) struct News {
    pub(super) revision: i64,
    pub(super) changes: Vec<Change>,
}

#[derive(Debug)]
pub(super) enum Change {
    Put(Member),
    /// The address.
    Delete(String),
}

impl Session {
    /// Connects, registers `own` under a fresh lease, lists and watches.
    pub(super) async fn open(
        config: &Config,
        own: &Member,
        last: &Last,
    ) -> Result<Opened, SessionError> {
        let patience = config.patience();
        let connect = Client::connect(&config.endpoints, Some(config.connect_options()));
        let mut client = within(patience, connect).await?;
        let claimed = claim::claim(&mut client, config, own, last).await?;
        let (keeper, renewals) = within(patience, client.lease_keep_alive(claimed.lease)).await?;

        let all = GetOptions::new().with_prefix();
        let prefix = config.key("");
        let list = within(patience, client.get(prefix.clone(), Some(all))).await?;
        let revision = list.header().map_or(0, |header| header.revision());
        let next = WatchOptions::new().with_prefix().with_start_revision(revision + 1);
        let watch = within(patience, client.watch(prefix.clone(), Some(next))).await?;

        let mut renew = tokio::time::interval(claimed.ttl / 3);
        renew.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let session = Self {
            client,
            lease: claimed.lease,
            keeper,
            renewals,
            renew,
            renewed_by: Instant::now() + claimed.ttl * 2 / 3,
            patience: claimed.ttl * 2 / 3,
            watch,
            prefix,
            own_key: config.key(&own.address),
        };
        Ok(Opened {
            session,
            members: list.kvs().iter().filter_map(member).collect(),
            last: Last { lease: claimed.lease, revision },
            // An etcd whose revisions have gone back lost its data, and with it
            // everybody: nobody stood in it while this node did not.
            lapsed: last.lease != 0 && claimed.was_absent && claimed.revision > last.revision,
        })
    }

    /// Waits for news, and renews the lease meanwhile.
    pub(super) async fn next(&mut self) -> Result<News, SessionError> {
        loop {
            tokio::select! {
                _ = self.renew.tick() => self.keeper.keep_alive().await?,
                renewal = self.renewals.message() => match renewal? {
                    Some(renewal) if renewal.ttl() > 0 => {
                        self.renewed_by = Instant::now() + self.patience;
                    }
                    Some(_) => return Err(SessionError::Broken("the lease has ended".into())),
                    None => return Err(SessionError::Broken("etcd closed the connection".into())),
                },
                () = tokio::time::sleep_until(self.renewed_by) => {
                    let problem = format!("the lease was not renewed within {:?}", self.patience);
                    return Err(SessionError::Broken(problem));
                }
                response = self.watch.message() => {
                    let Some(response) = response? else {
                        return Err(SessionError::Broken("etcd closed the watch".into()));
                    };
                    if response.canceled() {
                        let problem = match response.compact_revision() {
                            0 => format!("etcd ended the watch: {}", response.cancel_reason()),
                            _ => "the watch fell behind a compaction".into(),
                        };
                        return Err(SessionError::Broken(problem));
                    }
                    let revision = response.header().map_or(0, |header| header.revision());
                    let changes = self.changes(response.events())?;
                    return Ok(News { revision, changes });
                }
            }
        }
    }

    fn changes(&self, events: &[etcd_client::Event]) -> Result<Vec<Change>, SessionError> {
        let mut changes = Vec::new();
        for event in events {
            let Some(entry) = event.kv() else { continue };
            match event.event_type() {
                EventType::Put => changes.extend(member(entry).map(Change::Put)),
                EventType::Delete if entry.key() == self.own_key.as_bytes() => {
                    let problem = "this node was taken off the register";
                    return Err(SessionError::Broken(problem.into()));
                }
                EventType::Delete => {
                    let key = String::from_utf8_lossy(entry.key());
                    let address = key.strip_prefix(&self.prefix).unwrap_or(&key);
                    changes.push(Change::Delete(address.to_owned()));
                }
            }
        }
        Ok(changes)
    }

    /// Ends the lease, and the registration with it.
    pub(super) async fn revoke(&mut self) {
        let lease = self.client.lease_revoke(self.lease);
        if let Err(error) = within(self.patience, lease).await {
            tracing::warn!(%error, "still registered in etcd until the lease runs out");
        }
    }
}

/// The node that an entry describes; one that can't be read is no node.
pub(super) fn member(entry: &KeyValue) -> Option<Member> {
    match serde_json::from_slice(entry.value()) {
        Ok(member) => Some(member),
        Err(error) => {
            let key = String::from_utf8_lossy(entry.key());
            tracing::warn!(%key, %error, "an entry in etcd is not a node's; it is ignored");
            None
        }
    }
}

/// An etcd that hangs is one that is gone.
pub(super) async fn within<T>(
    patience: Duration,
    request: impl Future<Output = Result<T, etcd_client::Error>>,
) -> Result<T, SessionError> {
    match tokio::time::timeout(patience, request).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(SessionError::Broken(format!("no answer within {patience:?}"))),
    }
}
