//! One uninterrupted time with etcd: a watch, and for a node a lease.

use std::sync::Arc;
use std::time::Duration;

use etcd_client::{Client, EventType, GetOptions, KeyValue, WatchOptions, WatchStream};
use tokio::time::Instant;

use super::super::Member;
use super::lease::Lease;
use super::{Config, claim};
use crate::cluster::Standing;

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
    /// Until when others may rest on what the process before this one has promised.
    pub(super) promises_end: Option<Instant>,
}

/// A session, and what it began with.
pub(super) struct Opened {
    pub(super) session: Session,
    pub(super) members: Vec<Member>,
    pub(super) last: Last,
    /// If it had to enter the register; see
    /// [`Membership::registrations`](super::super::Membership::registrations).
    pub(super) registrations: Option<u64>,
}

pub(super) struct Session {
    /// `None` for one who only looks.
    lease: Option<Lease>,
    watch: WatchStream,
    prefix: String,
    /// Of this node's entry, if it has one.
    own_key: Option<String>,
    standing: Arc<Standing>,
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
    /// Connects, registers `own` under a fresh lease, lists and watches. Without
    /// `own` it only looks.
    pub(super) async fn open(
        config: &Config,
        own: Option<&Member>,
        last: &mut Last,
        standing: Arc<Standing>,
    ) -> Result<Opened, SessionError> {
        let patience = config.patience();
        let connect = Client::connect(&config.endpoints, Some(config.connect_options()));
        let mut client = within(patience, connect).await?;
        let claimed = match own {
            Some(own) => Some(claim::claim(&mut client, config, own, last, &standing).await?),
            None => None,
        };
        let lease = match &claimed {
            Some(claimed) => {
                let standing = Arc::clone(&standing);
                Some(Lease::hold(client.clone(), claimed, patience, standing).await?)
            }
            None => None,
        };

        let all = GetOptions::new().with_prefix();
        let prefix = config.key("");
        let list = within(patience, client.get(prefix.clone(), Some(all))).await?;
        let revision = list.header().map_or(0, |header| header.revision());
        let next = WatchOptions::new().with_prefix().with_start_revision(revision + 1);
        let watch = within(patience, client.watch(prefix.clone(), Some(next))).await?;

        let own_key = own.map(|own| config.key(&own.address));
        Ok(Opened {
            session: Self { lease, watch, prefix, own_key, standing },
            members: list.kvs().iter().filter_map(member).collect(),
            last: Last {
                lease: claimed.as_ref().map_or(0, |claimed| claimed.lease),
                revision,
                promises_end: last.promises_end,
            },
            registrations: claimed.and_then(|claimed| claimed.registrations),
        })
    }

    /// Waits for news, and renews the lease meanwhile.
    pub(super) async fn next(&mut self) -> Result<News, SessionError> {
        let broken = async {
            match &mut self.lease {
                Some(lease) => lease.broken().await,
                None => std::future::pending().await,
            }
        };
        let response = tokio::select! {
            error = broken => return Err(error),
            response = self.watch.message() => response?,
        };
        let Some(response) = response else {
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
        Ok(News { revision, changes })
    }

    fn changes(&self, events: &[etcd_client::Event]) -> Result<Vec<Change>, SessionError> {
        let mut changes = Vec::new();
        for event in events {
            let Some(entry) = event.kv() else { continue };
            match event.event_type() {
                EventType::Put => changes.extend(member(entry).map(Change::Put)),
                EventType::Delete if self.is_own(entry.key()) => {
                    self.standing.registered_until(0);
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

    fn is_own(&self, key: &[u8]) -> bool {
        self.own_key.as_ref().is_some_and(|own| own.as_bytes() == key)
    }

    /// Ends the registration.
    pub(super) async fn revoke(&mut self) {
        if let Some(lease) = &mut self.lease {
            lease.revoke().await;
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
