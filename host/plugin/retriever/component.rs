//! A retriever that was loaded, and how connections of it are made.

use std::sync::Arc;

use futures::future::BoxFuture;
use wasmtime::component::{Component, InstancePre};

use super::calls::{Calls, Exports};
use super::connection::{self, RetrieverConnection, within};
use super::limits::RetrieverLimits;
use super::link;
use super::network::{AllowNet, Network};
use super::state::RetrieverState;
use crate::plugin::contract::{self, RetrieverSettings};
use crate::plugin::guest_log::GuestLog;
use crate::plugin::kind::Kind;
use crate::plugin::load;
use crate::plugin::quota::Quota;
use crate::plugin::start::{self, StartError};
use crate::plugin::{Engines, LoadError, Plugin};
use crate::policy::Failure;
use crate::retriever::{Connection, ConnectionSource, FetchError};

/// The configuration of a retriever, and the hosts that it may connect to.
#[derive(Clone, Default)]
pub struct RetrieverConfig {
    /// The group it fetches for.
    pub group: String,
    /// `name = value`, in the order given.
    pub options: Vec<(String, String)>,
    /// Options whose values must not be printed.
    pub secrets: Vec<(String, String)>,
    /// The allowed hosts. Every other connection is refused.
    pub allow_net: Vec<AllowNet>,
}

impl std::fmt::Debug for RetrieverConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let secrets: Vec<&str> = self.secrets.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("RetrieverConfig")
            .field("group", &self.group)
            .field("options", &self.options)
            .field("secrets", &secrets)
            .field("allow_net", &self.allow_net)
            .finish()
    }
}

/// A retriever that was loaded and tried, ready to make connections.
pub struct RetrieverComponent {
    plugin: Plugin,
    engines: Arc<Engines>,
    component: InstancePre<RetrieverState>,
    /// Keeps the compiled code alive, so that other users share it.
    _compiled: Arc<Component>,
    exports: Exports,
    config: RetrieverConfig,
    limits: RetrieverLimits,
    log: GuestLog,
}

impl RetrieverComponent {
    /// Compiles a retriever, on a thread that may block, and sets it up once for
    /// trial. The source need not be there yet.
    ///
    /// # Errors
    /// All of [`LoadError`] but those of [`Plugin::resolve`].
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn load(
        engines: &Arc<Engines>,
        plugin: Plugin,
        config: RetrieverConfig,
        limits: RetrieverLimits,
    ) -> Result<Arc<Self>, LoadError> {
        let engines = Arc::clone(engines);
        let compiling = move || Self::compile(engines, plugin, config, limits);
        let compiled = tokio::task::spawn_blocking(compiling).await;
        let retriever = compiled.map_err(|e| LoadError::Engine(e.to_string()))??;
        match retriever.start().await {
            Ok(_) => Ok(Arc::new(retriever)),
            Err(error) => Err(error.loading(&retriever.plugin)),
        }
    }

    fn compile(
        engines: Arc<Engines>,
        plugin: Plugin,
        config: RetrieverConfig,
        limits: RetrieverLimits,
    ) -> Result<Self, LoadError> {
        let compiled = engines.compile(Kind::Retriever, &plugin)?;
        load::check_world(&plugin, &compiled, Kind::Retriever)?;
        let component = link::link(&plugin, &compiled)?;
        let exports = Exports::find(&plugin, &compiled)?;
        let log = GuestLog::new(plugin.name());
        let _compiled = compiled;
        Ok(Self { plugin, engines, component, _compiled, exports, config, limits, log })
    }

    async fn start(&self) -> Result<RetrieverConnection, StartError> {
        let network = Network::new(&self.config.allow_net, self.log.clone());
        let quota = Quota::new(self.limits.memory_bytes);
        let state = RetrieverState::new(quota, network, &self.log);
        let mut store = connection::store(self.component.engine(), state, &self.limits);
        let (ticker, limit) = (&self.engines.ticker, self.limits.configure);
        let turns = Arc::clone(&store.data().turns);

        let instantiated = self.component.instantiate_async(&mut store);
        let instantiated = within(ticker, &turns, limit, instantiated).await;
        let instance = instantiated.map_err(|stop| stop.failure(&store))?;
        let calls = Calls::find(&self.exports, &instance, &mut store)?;
        let options = contract::pairs(&self.config.options);
        let secrets = contract::pairs(&self.config.secrets);
        let group = self.config.group.as_str();
        let settings = RetrieverSettings { group, options: &options, secrets: &secrets };
        let configured = calls.configure.call_async(&mut store, (settings,));
        let configured = within(ticker, &turns, limit, configured).await;
        let (answer,) = configured.map_err(|stop| stop.failure(&store))?;
        answer.map_err(|error| Failure::Refused(start::refusal(error)))?;
        let engines = Arc::clone(&self.engines);
        Ok(RetrieverConnection::new(store, engines, calls, self.limits))
    }
}

impl ConnectionSource for RetrieverComponent {
    fn connect(&self) -> BoxFuture<'_, Result<Box<dyn Connection>, FetchError>> {
        Box::pin(async {
            match self.start().await {
                Ok(connection) => Ok(Box::new(connection) as Box<dyn Connection>),
                Err(error) => Err(FetchError::Broken(error.failure().to_string())),
            }
        })
    }

    fn fetches_many(&self) -> bool {
        self.exports.fetch_many.is_some()
    }

    fn pings(&self) -> bool {
        self.exports.ping.is_some()
    }

    fn name(&self) -> &str {
        self.plugin.name()
    }

    fn sha256(&self) -> &str {
        self.plugin.sha256()
    }
}

impl std::fmt::Debug for RetrieverComponent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("RetrieverComponent").field(&self.plugin).field(&self.config).finish()
    }
}
