//! Nodes of this process that hold nothing and are registered in a real etcd.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use psycache::clock::Clock;
use psycache::membership::registry::RegistryError;
use psycache::membership::registry::etcd::{self, EtcdConfig};
use psycache::membership::view::Entry;
use psycache::ownership::{Ownership, OwnershipState, Registration, Timing};
use psycache::transport::remote::{Reachability, Remote, RemoteError, Request, Response};
use tokio::task::JoinSet;

use crate::patience::PATIENCE;

/// The shortest that etcd grants.
pub(super) const LEASE: Duration = Duration::from_secs(2);

/// Who answers at which address.
#[derive(Clone, Default)]
pub(super) struct Network(Arc<Mutex<HashMap<String, Arc<Ownership>>>>);

struct Wire {
    to: String,
    network: Network,
}

impl Remote for Wire {
    fn address(&self) -> &str {
        &self.to
    }

    fn reachability(&self) -> Reachability {
        Reachability::Connected
    }

    fn ask(
        &self,
        request: Request,
        within: Duration,
    ) -> BoxFuture<'_, Result<Response, RemoteError>> {
        async move {
            let callee = self.network.0.lock().get(&self.to).cloned();
            let Some(callee) = callee else {
                return Err(RemoteError::Unreachable("nobody is there".into()));
            };
            callee.answer(request.call, within).await.map_err(RemoteError::Answered)
        }
        .boxed()
    }
}

/// A node that is registered, or tries to be.
pub(super) struct Member {
    pub(super) ownership: Arc<Ownership>,
    registration: Registration,
    _certain: JoinSet<()>,
    network: Network,
}

impl Network {
    /// Starts a node at an address and registers it.
    pub(super) async fn start(
        &self,
        config: &EtcdConfig,
        address: &str,
    ) -> Result<Member, RegistryError> {
        let network = self.clone();
        let dial = move |to: &str| {
            Arc::new(Wire { to: to.into(), network: network.clone() }) as Arc<dyn Remote>
        };
        let own = Entry::own(address, 1);
        let timing = Timing::of(config.lease_ttl);
        let ownership = Ownership::new(own.clone(), timing, Clock::monotonic(), dial);
        let ownership = Arc::new(ownership);
        let etcd = Arc::new(etcd::Etcd::new(config.clone())?);
        let before = self.0.lock().insert(address.into(), Arc::clone(&ownership));
        match Registration::start(Arc::clone(&ownership), etcd, own).await {
            Ok(registration) => {
                let certain = Arc::clone(&ownership);
                let mut keeping = JoinSet::new();
                keeping.spawn(async move { certain.keep_certain().await });
                Ok(Member { ownership, registration, _certain: keeping, network: self.clone() })
            }
            Err(refused) => {
                if let Some(before) = before {
                    self.0.lock().insert(address.into(), before);
                }
                Err(refused)
            }
        }
    }

    /// Starts one, and waits until it holds what it owns.
    pub(super) async fn join(&self, config: &EtcdConfig, address: &str) -> Member {
        let member = self.start(config, address).await.expect("it can register");
        member.holds().await;
        member
    }
}

impl Member {
    pub(super) async fn leave(self) {
        self.ownership.leave();
        self.registration.leave().await;
        self.network.0.lock().remove(self.ownership.address());
    }

    /// Ends without a word to etcd or to the others.
    pub(super) fn crash(self) {
        self.network.0.lock().remove(self.ownership.address());
    }

    /// Waits until the node is as `wanted`.
    pub(super) async fn until(&self, what: &str, wanted: impl Fn(&Ownership) -> bool) {
        let mut changes = self.ownership.changes();
        let seen = async {
            while !wanted(&self.ownership) {
                changes.changed().await;
            }
        };
        let seen = tokio::time::timeout(PATIENCE, seen).await;
        assert!(seen.is_ok(), "it is not so that {what}: {:?}", self.ownership.report());
    }

    pub(super) async fn holds(&self) {
        self.until("it holds its keys", |node| node.state() == OwnershipState::Holds).await;
    }

    /// Waits until it has these in its ring, and holds what it owns.
    pub(super) async fn sees(&self, addresses: &[&str]) {
        self.until(&format!("it sees {addresses:?}"), |node| {
            let nodes = node.report().nodes;
            nodes.iter().map(|node| &*node.address).eq(addresses.iter().copied())
                && node.state() == OwnershipState::Holds
        })
        .await;
    }
}
