//! Instances of a retriever: as components in a node's sandbox, and compiled into this program.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use futures::future::try_join_all;
use psycache::plugin::{Engines, Plugin, RetrieverComponent, RetrieverConfig, RetrieverLimits};
use psycache::retriever::{Connection, ConnectionSource};
use psycache_plugin::Retriever;

/// Far more than a load takes.
const WITHIN: Duration = Duration::from_secs(30);

/// A source, and how it is asked.
pub(super) struct Source {
    pub(super) plugin: &'static str,
    pub(super) address: String,
    pub(super) options: Vec<(&'static str, String)>,
}

/// Loads keys, as many at a time as it has instances.
pub(super) trait Load {
    /// Loads each of `keys` by a call of its own.
    async fn load(&mut self, keys: &[String]) -> Result<()>;
}

/// Instances of a component. Each has a connection from its first load on.
pub(super) struct Components {
    component: Arc<RetrieverComponent>,
    instances: Vec<Box<dyn Connection>>,
}

impl Components {
    /// None yet.
    pub(super) async fn of(engines: &Arc<Engines>, source: &Source) -> Result<Self> {
        let options = source.options.iter();
        let config = RetrieverConfig {
            group: "bench".into(),
            options: options.map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
            allow_net: vec![source.address.parse()?],
            ..RetrieverConfig::default()
        };
        let (plugin, limits) = (Plugin::resolve(source.plugin)?, RetrieverLimits::default());
        let component = RetrieverComponent::load(engines, plugin, config, limits).await?;
        Ok(Self { component, instances: Vec::new() })
    }

    /// Makes instances until there are `count`.
    pub(super) async fn grow_to(&mut self, count: usize) -> Result<()> {
        while self.instances.len() < count {
            self.instances.push(self.component.connect().await?);
        }
        Ok(())
    }

    /// Loads all keys by one call.
    pub(super) async fn load_together(&mut self, keys: &[String]) -> Result<()> {
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let instance = self.instances.first_mut().context("there is an instance")?;
        let found = instance.fetch_many(&keys, WITHIN).await?;
        ensure!(found.len() == keys.len(), "{} values for {} keys", found.len(), keys.len());
        for found in found {
            ensure!(found?.is_some(), "a key is missing");
        }
        Ok(())
    }
}

impl Load for Components {
    async fn load(&mut self, keys: &[String]) -> Result<()> {
        let each = keys.len() / self.instances.len();
        ensure!(each * self.instances.len() == keys.len(), "each instance takes as many keys");
        // In tasks, as in a node.
        let tasks = self.instances.drain(..).zip(keys.chunks(each)).map(|(mut instance, keys)| {
            let keys = keys.to_vec();
            tokio::spawn(async move {
                for key in keys {
                    ensure!(instance.fetch(&key, WITHIN).await?.is_some(), "{key} is missing");
                }
                Ok(instance)
            })
        });
        for ended in try_join_all(tasks.collect::<Vec<_>>()).await? {
            self.instances.push(ended?);
        }
        Ok(())
    }
}

/// Instances of the same source in Rust, each called on a thread of its own.
pub(super) struct Native<R: Retriever + Send>(Vec<R>);

impl<R: Retriever + Send> Native<R> {
    pub(super) fn of(source: &Source, count: usize) -> Result<Self> {
        let config = source
            .options
            .iter()
            .fold(psycache_plugin::RetrieverConfig::default(), |config, (name, value)| {
                config.option(name, value)
            });
        let instance = |_| R::configure(&config).map_err(|error| anyhow!("{error}"));
        Ok(Self((0..count).map(instance).collect::<Result<_>>()?))
    }
}

impl<R: Retriever + Send> Load for Native<R> {
    async fn load(&mut self, keys: &[String]) -> Result<()> {
        let each = keys.len().div_ceil(self.0.len());
        let load = |instance: &mut R, keys: &[String]| {
            for key in keys {
                let found = instance.fetch(key, WITHIN.as_millis() as u32);
                let found = found.map_err(|error| anyhow!("{error}"))?;
                ensure!(found.is_some(), "{key} is missing");
            }
            Ok(())
        };
        std::thread::scope(|scope| {
            let threads = self.0.iter_mut().zip(keys.chunks(each));
            let threads: Vec<_> =
                threads.map(|(instance, keys)| scope.spawn(move || load(instance, keys))).collect();
            let mut threads = threads.into_iter();
            threads.try_for_each(|thread| thread.join().expect("a load does not panic"))
        })
    }
}
