//! Makes the groups, each with its store, worker and retriever. Several are made at a time,
//! because most of the time of a start is spent compiling plugins.

use std::sync::Arc;

use futures::{StreamExt, future, stream};

use super::error::{Cause, GroupProblem, StartError};
use super::plugins::Plugins;
use crate::config::{self, AutoPolicy, PolicyChoice, RetrieverChoice};
use crate::error::Error;
use crate::group::{Group, GroupConfig, Parts};
use crate::ownership::Ownership;
use crate::policy::{PolicyConfig, Waker, Worker, WorkerConfig};
use crate::retriever::{Line, LoadLimits, SharedRetriever};
use crate::server::Groups;
use crate::store::Store;

/// Most victims that one step may return.
const MAX_VICTIMS: u32 = 256;
/// Seeds are below 2^53, so that no plugin language rounds them.
const SEED_BITS: u32 = 53;

/// Makes the groups.
pub(super) async fn build(
    plugins: &Plugins,
    configs: &[config::Group],
    ownership: &Arc<Ownership>,
) -> Result<Groups, StartError> {
    // More at a time would compete for the processors and could exceed their time limits.
    let at_a_time = std::thread::available_parallelism().map_or(1, usize::from) * 2;
    let all = configs.iter().map(|config| group(plugins, config, ownership));
    let built: Vec<_> = stream::iter(all).buffered(at_a_time).collect().await;
    let (mut groups, mut problems) = (Vec::new(), Vec::new());
    for (config, built) in configs.iter().zip(built) {
        let name = &config.group.name;
        match built {
            Ok(group) => groups.push(group),
            Err(causes) => {
                problems.extend(
                    causes.into_iter().map(|cause| GroupProblem { group: name.clone(), cause }),
                );
            }
        }
    }
    if problems.is_empty() { Ok(Groups::new(groups)) } else { Err(StartError::Groups(problems)) }
}

async fn group(
    plugins: &Plugins,
    config: &config::Group,
    ownership: &Arc<Ownership>,
) -> Result<Arc<Group>, Vec<Cause>> {
    config.store.check().map_err(|error| vec![error.into()])?;
    // The store and the ownership share one clock, because their times are compared.
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
        options: match &config.policy {
            PolicyChoice::Auto(auto) => {
                first(auto).map_err(|cause| vec![cause])?.options.clone().into_iter().collect()
            }
            PolicyChoice::Plugin(plugin) => plugin.options.clone().into_iter().collect(),
            PolicyChoice::Native(native) => native.options.clone(),
        },
    };
    let worker_config = WorkerConfig::new(policy, clock.clone());
    let worker = worker(plugins, config, worker_config, Arc::clone(&store), waker);
    let (worker, retriever) = match future::join(worker, first_retriever(plugins, config)).await {
        (Ok(worker), Ok(retriever)) => (Arc::new(worker), retriever),
        (worker, retriever) => {
            return Err(worker.err().into_iter().chain(retriever.err()).collect());
        }
    };
    let parts =
        Parts { store, clock, worker, source: retriever.into(), ownership: Arc::clone(ownership) };
    let group = Group::new(config.group.clone(), parts).map_err(|error| vec![error.into()])?;
    group.begin_probe();
    Ok(group)
}

async fn worker(
    plugins: &Plugins,
    config: &config::Group,
    worker: WorkerConfig,
    store: Arc<Store>,
    waker: Waker,
) -> Result<Worker, Cause> {
    let policy = match &config.policy {
        PolicyChoice::Plugin(wanted) => plugins.policy(wanted, &worker.policy).await?,
        PolicyChoice::Native(native) => native.source(),
        PolicyChoice::Auto(auto) => plugins.policy(first(auto)?, &worker.policy).await?,
    };
    Ok(Worker::start(&config.group.name, policy, worker, store, waker)?)
}

/// The candidate that a group begins with.
fn first(auto: &AutoPolicy) -> Result<&config::Plugin, Cause> {
    auto.candidates.first().ok_or_else(|| {
        let problem = "auto needs candidates to choose among".into();
        Cause::Setting(Error::InvalidArgument { argument: "policy", problem })
    })
}

/// The retriever that `config` asks for, if any.
pub(super) async fn first_retriever(
    plugins: &Plugins,
    config: &config::Group,
) -> Result<Option<SharedRetriever>, Cause> {
    match &config.retriever {
        Some(wanted) => retriever(plugins, &config.group, &config.loads, wanted).await.map(Some),
        None => Ok(None),
    }
}

/// The retriever of `group` behind its limits. A plugin is loaded and tested.
pub(super) async fn retriever(
    plugins: &Plugins,
    group: &GroupConfig,
    limits: &LoadLimits,
    wanted: &RetrieverChoice,
) -> Result<SharedRetriever, Cause> {
    check(limits)?;
    let (retriever, at_once) = match wanted {
        RetrieverChoice::Plugin(wanted) => {
            let retriever = plugins.retriever(group, limits, wanted).await?;
            let size = limits.pool_size;
            (retriever, Some(limits.max_loads.map_or(size, |most| most.min(size))))
        }
        RetrieverChoice::Native(native) => (native.retriever(), limits.max_loads),
    };
    Ok(Line::new(retriever, at_once, limits.pool_queue))
}

/// Refuses what the settings can't say, but a program that embeds the node can.
fn check(limits: &LoadLimits) -> Result<(), Cause> {
    let zero = [
        ("max-loads", limits.max_loads == Some(0)),
        ("pool.size", limits.pool_size == 0),
        ("pool.idle", limits.pool_idle.is_zero()),
    ];
    match zero.into_iter().find(|(_, is_zero)| *is_zero) {
        None => Ok(()),
        Some((argument, _)) => {
            let problem = "it is 0, with which nothing works; leave it out for the default".into();
            Err(Cause::Setting(Error::InvalidArgument { argument, problem }))
        }
    }
}
