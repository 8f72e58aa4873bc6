//! Builds a node from its configuration, runs it, and stops it.
//!
//! Wrong settings are found before the node serves its first request: plugins are loaded
//! and tested, and addresses are bound.
//!
//! ```
//! use psycache::config::{Config, Group};
//! use psycache::node::Node;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut config = Config::default();
//! config.listen = "127.0.0.1:0".into();
//! config.http = None;
//! config.groups = vec![Group::new("scores")];
//! let node = Node::start(config).await?;
//! let scores = node.group("scores")?;
//! scores.set("Ada", "815").await?;
//! assert_eq!(&scores.get("Ada").await?.value[..], b"815");
//! node.shutdown().await;
//! # Ok(())
//! # }
//! ```

mod auto;
mod bound;
mod error;
mod group;
mod groups;
mod late_nodes;
mod membership;
mod operations;
#[cfg_attr(not(feature = "plugins"), path = "without_plugins.rs")]
mod plugins;
mod policy_changes;
mod reading;
mod reload;
mod reload_request;
mod security;
mod shadows;
mod swaps;
mod trial;
mod trials;

pub use crate::server::Reloaded;
pub use bound::Bound;
pub use error::{Cause, GroupProblem, StartError};
pub use group::GroupHandle;
pub use reload_request::ReloadRequest;

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use crate::clock::Clock;
use crate::config::{self, Config};
use crate::error::Error;
use crate::ownership::Ownership;
use crate::server::{
    self, Connections, Groups, Health, LocalNode, RedisConnections, ServerConfig, Services,
};
use crate::telemetry::Metrics;
use crate::transport::remote::Local;

use bound::Addresses;
use membership::Membership;
use operations::NodeOperations;
use plugins::Plugins;
use policy_changes::PolicyChanges;
use reading::Reader;
use security::Secured;
use shadows::Shadows;

/// A running node. Dropping it without [`shutdown`](Self::shutdown) aborts the requests in
/// flight.
pub struct Node {
    /// What is in effect.
    config: Config,
    addresses: Addresses,
    groups: Groups,
    ownership: Arc<Ownership>,
    membership: Membership,
    health: Arc<Health>,
    plugins: Arc<Plugins>,
    shadows: Arc<Shadows>,
    policy_changes: Arc<PolicyChanges>,
    /// Set when the program takes requests to reload.
    reloads: Arc<OnceLock<mpsc::Sender<ReloadRequest>>>,
    secured: Secured,
    /// Sending a message or dropping it stops the server.
    stop: oneshot::Sender<()>,
    /// The only task is the server, which is aborted when this is dropped.
    serving: JoinSet<std::io::Result<()>>,
}

impl Node {
    /// Starts a node. It is ready when this returns.
    ///
    /// Logs and traces belong to the process and not to the node. They are set up by
    /// [`Telemetry::start`](crate::telemetry::Telemetry::start).
    ///
    /// # Errors
    /// See [`StartError`].
    ///
    /// # Panics
    /// If called outside a tokio runtime.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        Self::start_on(Bound::listen(config).await?).await
    }

    /// Starts a node on sockets that are bound already. It is ready when this returns.
    ///
    /// # Errors
    /// See [`StartError`].
    ///
    /// # Panics
    /// If called outside a tokio runtime.
    pub async fn start_on(bound: Bound) -> Result<Self, StartError> {
        let Bound { mut config, listeners, addresses, advertised } = bound;
        let uncertain = config.cluster.uncertain;
        config.groups.iter_mut().for_each(|group| group.group.uncertain = uncertain);
        let max_value_bytes = longest_value(&config);
        let own = membership::entry(&config, addresses.of_clients(), &advertised);
        let secured = Secured::read(&config).await?;
        let dialer = secured.dialer(&config)?;
        let registry = config.cluster.registry.clone();
        let ownership = membership::ownership(&own, &registry, max_value_bytes, dialer);
        let plugins = Arc::<Plugins>::default();
        let groups = groups::build(&plugins, &config.groups, &ownership).await?;

        let health = Arc::new(Health::starting(&groups));
        let (reloads, shadows) = (Arc::default(), Arc::<Shadows>::default());
        let policy_changes = PolicyChanges::start(&plugins, &config.groups, &groups).await?;
        let operations = NodeOperations {
            address: advertised.clone(),
            ownership: Arc::clone(&ownership),
            registry: membership::kind(&registry),
            security: security::word(&config, addresses.all()),
            started: Clock::monotonic(),
            groups: groups.clone(),
            plugins: Arc::clone(&plugins),
            pinned: operations::pinned(&config.groups),
            reloads: Arc::clone(&reloads),
            health: Arc::clone(&health),
            shadows: Arc::clone(&shadows),
            policy_changes: Arc::clone(&policy_changes),
        };
        let redis_connections = Arc::<RedisConnections>::default();
        let connections = Arc::new(Connections::new(config.limits.clone()));
        let reader = Reader {
            groups: groups.clone(),
            ownership: Arc::clone(&ownership),
            shadows: Arc::clone(&shadows),
            redis_connections: Arc::clone(&redis_connections),
            connections: Arc::clone(&connections),
            certificates: secured.certificates.clone(),
            audit: Arc::clone(&secured.audit),
        };
        let services = Services {
            groups: groups.clone(),
            local: local(&config, &groups, &ownership),
            operations: Arc::new(operations),
            metrics: Arc::new(Metrics::new(move || reader.read())),
            health: Arc::clone(&health),
            redis_connections,
            connections,
            security: secured.of_server(&config, &ownership),
        };
        let limits = ServerConfig { max_value_bytes, ..ServerConfig::default() };
        let (stop, serving) = serve(limits, listeners, services);
        // The server is already running, because other nodes may send requests as soon as
        // this one is registered.
        let membership = Membership::join(registry, own, &ownership).await?;
        health.ready();
        Ok(Self {
            config,
            addresses,
            groups,
            ownership,
            membership,
            health,
            plugins,
            shadows,
            policy_changes,
            reloads,
            secured,
            stop,
            serving,
        })
    }

    /// The address of the gRPC server.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.addresses.grpc
    }

    /// The address at which other nodes reach this one, if it is not that of gRPC.
    #[must_use]
    pub fn peer_address(&self) -> Option<SocketAddr> {
        self.addresses.peer
    }

    /// The address of metrics and health checks, if they are served.
    #[must_use]
    pub fn http_address(&self) -> Option<SocketAddr> {
        self.addresses.http
    }

    /// The address of the Redis protocol, if it is served.
    #[must_use]
    pub fn redis_address(&self) -> Option<SocketAddr> {
        self.addresses.redis
    }

    /// Number of nodes that share the keys, this one included.
    #[must_use]
    pub fn nodes(&self) -> usize {
        self.ownership.report().nodes.len()
    }

    /// The handle of a group, for a program that embeds the node.
    ///
    /// # Errors
    /// [`Error::UnknownGroup`] lists the groups that exist.
    pub fn group(&self, name: &str) -> Result<GroupHandle, Error> {
        self.groups.find(name).cloned().map(GroupHandle::new)
    }

    /// The groups with their internal parts.
    #[doc(hidden)]
    #[must_use]
    pub fn groups(&self) -> &Groups {
        &self.groups
    }

    /// Replaces the retriever of `group`. Running loads finish on the old one, and cached
    /// entries stay.
    ///
    /// # Errors
    /// There is no such group, or the plugin can't be used. Nothing changes then.
    pub async fn swap_retriever(
        &self,
        group: &str,
        wanted: &config::RetrieverChoice,
    ) -> Result<(), StartError> {
        let problem =
            |cause| StartError::Groups(vec![GroupProblem { group: group.to_owned(), cause }]);
        let found = self.groups.find(group).map_err(|error| problem(error.into()))?;
        let own = self.config.groups.iter().find(|own| own.group.name == group);
        let limits = own.map(|own| own.loads.clone()).unwrap_or_default();
        let loaded = groups::retriever(&self.plugins, &found.config(), &limits, wanted).await;
        found.replace_source(Some(loaded.map_err(problem)?));
        Ok(())
    }

    /// Waits until the server ends by itself and returns the reason. That happens only after
    /// an internal failure, and the node then serves no requests any more.
    pub async fn ended(&mut self) -> String {
        match self.serving.join_next().await {
            Some(Ok(Err(error))) => format!("the server has ended: {error}"),
            Some(Ok(Ok(()))) | None => "the server has ended".into(),
            Some(Err(panic)) => format!("the server has ended: {panic}"),
        }
    }

    /// Leaves the cluster and hands the entries over to their next owners. Then takes no more
    /// requests, finishes those in flight within [`ServerConfig::drain_timeout`], and ends
    /// the worker threads.
    pub async fn shutdown(mut self) {
        self.health.leave();
        self.policy_changes.trials().stop_all();
        self.membership.leave(&self.groups).await;
        // This fails if the server has already ended.
        let _ = self.stop.send(());
        if let Some(Ok(Err(error))) = self.serving.join_next().await {
            tracing::error!(%error, "The server ended with an error");
        }
        self.shadows.stop_all();
        let groups = self.groups;
        let workers = move || groups.iter().for_each(|group| group.parts().worker.shutdown());
        // An error means that a worker panicked while it ended.
        let _ = tokio::task::spawn_blocking(workers).await;
    }
}

/// Starts the server, which stops when the sender is used or dropped.
fn serve(
    config: ServerConfig,
    listeners: server::Listeners,
    services: Services,
) -> (oneshot::Sender<()>, JoinSet<std::io::Result<()>>) {
    let (stop, stopped) = oneshot::channel();
    let mut serving = JoinSet::new();
    let stopped = async { drop(stopped.await) };
    serving.spawn(server::serve(config, listeners, services, stopped));
    (stop, serving)
}

/// What answers other nodes; `None` for a node that is alone.
fn local(config: &Config, groups: &Groups, ownership: &Arc<Ownership>) -> Option<Arc<dyn Local>> {
    let is_shared = config.cluster.registry != config::Registry::Alone;
    is_shared.then(|| Arc::new(LocalNode::new(groups.clone(), Arc::clone(ownership))) as _)
}

/// The longest value that a message must have room for, in bytes.
fn longest_value(config: &Config) -> usize {
    let longest = config.groups.iter().map(|group| group.group.max_value_bytes).max();
    let longest = longest.and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(usize::MAX);
    longest.max(ServerConfig::default().max_value_bytes)
}
