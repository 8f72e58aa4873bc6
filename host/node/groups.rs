//! Makes the groups: each its store, its worker, its retriever. Several at a time,
//! because most of a start is the compiling of plugins.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::{StreamExt, future, stream};
use tokio::task;

use super::{Cause, GroupProblem, StartError};
use crate::config;
use crate::group::{self, Group, Parts};
use crate::ownership::Ownership;
use crate::plugin::{
    Engines, LoadError, Plugin, PolicyComponent, PolicyLimits, RetrieverComponent, RetrieverConfig,
    RetrieverLimits,
};
use crate::policy::{PolicyConfig, Waker, Worker, WorkerConfig};
use crate::retriever::{Pool, PoolConfig, SharedRetriever};
use crate::server::Groups;
use crate::store::Store;

/// What a step may answer with at most.
const MAX_VICTIMS: u32 = 256;
/// Seeds stay below 2^53, so that no language rounds them.
const SEED_BITS: u32 = 53;

/// The groups, and what the instances of each one's policy are told.
pub(super) async fn build(
    engines: &Arc<Engines>,
    configs: &[config::Group],
    ownership: &Arc<Ownership>,
) -> Result<(Groups, BTreeMap<String, PolicyConfig>), StartError> {
    // More at a time would only wait for the processors, deadlines and all.
    let at_a_time = std::thread::available_parallelism().map_or(1, usize::from) * 2;
    let all = configs.iter().map(|config| group(engines, config, ownership));
    let built: Vec<_> = stream::iter(all).buffered(at_a_time).collect().await;
    let (mut groups, mut policies, mut problems) = (Vec::new(), BTreeMap::new(), Vec::new());
    for (config, built) in configs.iter().zip(built) {
        let name = &config.group.name;
        match built {
            Ok((group, policy)) => {
                groups.push(group);
                policies.insert(name.clone(), policy);
            }
            Err(causes) => {
                problems.extend(
                    causes.into_iter().map(|cause| GroupProblem { group: name.clone(), cause }),
                );
            }
        }
    }
    if problems.is_empty() {
        Ok((Groups::new(groups), policies))
    } else {
        Err(StartError::Groups(problems))
    }
}

async fn group(
    engines: &Arc<Engines>,
    config: &config::Group,
    ownership: &Arc<Ownership>,
) -> Result<(Arc<Group>, PolicyConfig), Vec<Cause>> {
    config.store.check().map_err(|error| vec![error.into()])?;
    // Changes of keys and of the right to hold them are told apart by one time.
    let clock = ownership.clock().clone();
    let waker = Waker::default();
    let wake = {
        let waker = waker.clone();
        Box::new(move || waker.wake())
    };
    let store = Store::new(config.store.clone(), clock.clone(), wake);
    let policy = PolicyConfig {
        capacity: config.store.capacity_bytes,
        max_entries: store.slot_bound(),
        max_victims: MAX_VICTIMS,
        seed: rand::random::<u64>() >> (u64::BITS - SEED_BITS),
        options: config.policy.options.clone().into_iter().collect(),
    };
    let worker_config = WorkerConfig::new(policy.clone(), clock.clone());
    let worker = worker(engines, config, worker_config, Arc::clone(&store), waker);
    let (worker, retriever) = match future::join(worker, first_retriever(engines, config)).await {
        (Ok(worker), Ok(retriever)) => (Arc::new(worker), retriever),
        (worker, retriever) => {
            return Err(worker.err().into_iter().chain(retriever.err()).collect());
        }
    };
    let parts =
        Parts { store, clock, worker, source: retriever.into(), ownership: Arc::clone(ownership) };
    let group = Group::new(config.group.clone(), parts).map_err(|error| vec![error.into()])?;
    Ok((group, policy))
}

async fn worker(
    engines: &Arc<Engines>,
    config: &config::Group,
    worker: WorkerConfig,
    store: Arc<Store>,
    waker: Waker,
) -> Result<Worker, Cause> {
    let engines = Arc::clone(engines);
    let (group, plugin) = (config.group.name.clone(), config.policy.plugin.clone());
    let start = move || {
        let plugin = Plugin::resolve(&plugin)?;
        let policy =
            PolicyComponent::load(&engines, plugin, &worker.policy, PolicyLimits::default())?;
        Ok(Worker::start(&group, policy, worker, store, waker)?)
    };
    blocking(start).await?
}

async fn first_retriever(
    engines: &Arc<Engines>,
    config: &config::Group,
) -> Result<Option<SharedRetriever>, Cause> {
    match &config.retriever {
        Some(wanted) => retriever(engines, &config.group, wanted).await.map(Some),
        None => Ok(None),
    }
}

/// A retriever for `group`, loaded and tried.
pub(super) async fn retriever(
    engines: &Arc<Engines>,
    group: &group::Config,
    wanted: &config::Plugin,
) -> Result<SharedRetriever, Cause> {
    let name = wanted.plugin.clone();
    let plugin = blocking(move || Plugin::resolve(&name)).await??;
    let secrets = wanted.secrets.iter();
    let told = RetrieverConfig {
        group: group.name.clone(),
        options: wanted.options.clone().into_iter().collect(),
        secrets: secrets.map(|(name, secret)| (name.clone(), secret.expose().to_owned())).collect(),
        allow_net: wanted.allow_net.iter().map(|place| place.parse()).collect::<Result<_, _>>()?,
    };
    let limits =
        RetrieverLimits { value_bytes: group.max_value_bytes, ..RetrieverLimits::default() };
    let component = RetrieverComponent::load(engines, plugin, told, limits).await?;
    Ok(Pool::new(component, PoolConfig::default()))
}

/// Runs what would keep a thread of the runtime from serving.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, LoadError> {
    let done = task::spawn_blocking(work).await;
    done.map_err(|panic| LoadError::Engine(format!("loading panicked: {panic}")))
}
