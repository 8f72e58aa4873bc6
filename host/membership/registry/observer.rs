//! Follows the registrations without being a node.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::super::view::{Entry, View};
use super::etcd::{self, EtcdConfig};
use super::{Change, Registry, RegistryError, RegistryFailure};

/// The pause between attempts to reach the registry again.
const RETRY_EVERY: Duration = Duration::from_millis(500);

/// The nodes as last seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Membership {
    /// By address.
    pub nodes: Vec<Entry>,
    /// Why the registry does not answer; empty while it does.
    pub problem: String,
}

/// Follows the nodes in etcd without being one of them.
#[derive(Debug)]
pub struct Observer {
    membership: watch::Receiver<Arc<Membership>>,
    /// The task that follows. Dropping this ends it.
    _following: JoinSet<()>,
}

impl Observer {
    /// Begins to follow. Returns when the nodes are known.
    ///
    /// # Errors
    /// [`RegistryError`]: etcd does not answer, or refuses access.
    pub async fn start(config: EtcdConfig) -> Result<Self, RegistryError> {
        let registry = etcd::Etcd::new(config)?;
        let view = registry.list().await?.view;
        let (show, membership) = watch::channel(Arc::new(membership(&view, String::new())));
        let mut following = JoinSet::new();
        following.spawn(follow(registry, view, show));
        Ok(Self { membership, _following: following })
    }

    /// The present membership, and its changes. While etcd is out of reach, the last one
    /// stays.
    #[must_use]
    pub fn membership(&self) -> watch::Receiver<Arc<Membership>> {
        self.membership.clone()
    }
}

fn membership(view: &View, problem: String) -> Membership {
    Membership {
        nodes: view.members.values().map(|member| member.entry.clone()).collect(),
        problem,
    }
}

async fn follow(registry: etcd::Etcd, mut view: View, show: watch::Sender<Arc<Membership>>) {
    loop {
        let Err(failure) = follow_once(&registry, &mut view, &show).await else { return };
        show.send_replace(Arc::new(membership(&view, failure.to_string())));
        tokio::time::sleep(RETRY_EVERY).await;
    }
}

/// Follows until the watch breaks.
async fn follow_once(
    registry: &etcd::Etcd,
    view: &mut View,
    show: &watch::Sender<Arc<Membership>>,
) -> Result<(), RegistryFailure> {
    let listed = registry.list().await?.view;
    // An etcd that was started empty lists no nodes until they have registered again.
    if !listed.members.is_empty() {
        *view = listed.clone();
    }
    show.send_replace(Arc::new(membership(view, String::new())));
    let mut watch = registry.watch(listed.cluster, listed.revision).await?;
    loop {
        for change in watch.next().await? {
            *view = match change {
                Change::Came { revision, member } => view.with(revision, member),
                Change::Went { revision, address } => view.without(revision, &address),
            };
        }
        show.send_replace(Arc::new(membership(view, String::new())));
    }
}
