//! Loads the plugins of a node.

use std::sync::{Arc, OnceLock};

use tokio::task;

use super::error::Cause;
use crate::config;
use crate::error::Error;
use crate::group::GroupConfig;
use crate::plugin::{
    CompileCache, Engines, LoadError, Plugin, PolicyComponent, PolicyLimits, RetrieverComponent,
    RetrieverConfig, RetrieverLimits,
};
use crate::policy::{PolicyConfig, SharedPolicySource};
use crate::retriever::{LoadLimits, Pool, PoolConfig, SharedRetriever};
use crate::server::PolicySwap;

/// Loads plugins. The engines that run them are made when the first one is loaded.
#[derive(Default)]
pub(super) struct Plugins {
    engines: OnceLock<Arc<Engines>>,
}

impl Plugins {
    fn engines(&self) -> Result<Arc<Engines>, LoadError> {
        if let Some(engines) = self.engines.get() {
            return Ok(Arc::clone(engines));
        }
        let engines = Engines::new(&CompileCache::User)?;
        // If two threads make one at the same time, the first is kept.
        Ok(Arc::clone(self.engines.get_or_init(|| engines)))
    }

    /// Loads a policy and makes an instance with the parameters `told` to test it.
    pub(super) async fn policy(
        &self,
        wanted: &config::Plugin,
        told: &PolicyConfig,
    ) -> Result<SharedPolicySource, Cause> {
        let (engines, wanted, told) = (self.engines()?, wanted.clone(), told.clone());
        let load = move || {
            let plugin = Plugin::resolve(&wanted.plugin)?.with_digest_in(&wanted.sha256)?;
            PolicyComponent::load(&engines, plugin, &told, PolicyLimits::default())
        };
        Ok(blocking(load).await??)
    }

    /// Loads the policy of an operator's swap: the component sent, or a built-in policy. Its
    /// digest must be one of `pinned`, if that names any.
    pub(super) async fn sent_policy(
        &self,
        swap: &PolicySwap,
        pinned: &[String],
        told: PolicyConfig,
    ) -> Result<SharedPolicySource, Error> {
        let plugin = match &swap.component {
            Some(component) => Plugin::from_bytes(swap.name.clone(), component.clone().into())
                .map_err(|error| refused("component", &error))?,
            // A path is not accepted, so that an operator can't read the node's files by it.
            None => Plugin::builtin(&swap.name).map_err(|error| refused("name", &error))?,
        };
        let plugin = plugin.with_digest_in(pinned).map_err(|error| refusal(&error))?;
        let engines = self.engines().map_err(|error| refusal(&error))?;
        let load = move || PolicyComponent::load(&engines, plugin, &told, PolicyLimits::default());
        match blocking(load).await {
            Ok(Ok(policy)) => Ok(policy),
            Ok(Err(error)) | Err(error) => Err(refusal(&error)),
        }
    }

    /// Loads a retriever for `group` and makes a first instance to test it.
    pub(super) async fn retriever(
        &self,
        group: &GroupConfig,
        loads: &LoadLimits,
        wanted: &config::Plugin,
    ) -> Result<SharedRetriever, Cause> {
        let (engines, name) = (self.engines()?, wanted.plugin.clone());
        let plugin = blocking(move || Plugin::resolve(&name)).await??;
        let plugin = plugin.with_digest_in(&wanted.sha256)?;
        let secrets = wanted.secrets.iter();
        let allow_net = wanted.allow_net.iter().map(|place| place.parse());
        let told = RetrieverConfig {
            group: group.name.clone(),
            options: wanted.options.clone().into_iter().collect(),
            secrets: secrets
                .map(|(name, secret)| (name.clone(), secret.expose().to_owned()))
                .collect(),
            allow_net: allow_net.collect::<Result<_, _>>()?,
        };
        let limits =
            RetrieverLimits { value_bytes: group.max_value_bytes, ..RetrieverLimits::default() };
        let component = RetrieverComponent::load(&engines, plugin, told, limits).await?;
        Ok(Pool::new(component, PoolConfig { size: loads.pool_size, idle: loads.pool_idle }))
    }
}

/// Runs blocking work outside the threads of the runtime.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, LoadError> {
    let done = task::spawn_blocking(work).await;
    done.map_err(|panic| LoadError::Engine(format!("loading panicked: {panic}")))
}

fn refusal(error: &LoadError) -> Error {
    match error {
        LoadError::Refused { .. } => refused("options", error),
        LoadError::Engine(problem) => Error::Internal(problem.clone()),
        _ => refused("component", error),
    }
}

fn refused(argument: &'static str, problem: &LoadError) -> Error {
    Error::InvalidArgument { argument, problem: problem.to_string() }
}
