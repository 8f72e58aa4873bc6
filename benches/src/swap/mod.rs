//! Swaps, and recoveries after a trap, with a million entries, under a client that
//! asks again as soon as it was answered.

mod client;
mod fragile;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use psycache::clock::Clock;
use psycache::group::{self, Group, GroupConfig};
use psycache::ownership::Ownership;
use psycache::plugin::{CompileCache, Engines, Plugin, PolicyComponent, PolicyLimits};
use psycache::policy::{PolicyConfig, Waker, Worker, WorkerConfig, WorkerState};
use psycache::store::{Store, StoreConfig};

use crate::Settings;
use crate::report::{Figure, median};
use client::Client;
use fragile::Fragile;

const VALUE: &[u8] = &[b'v'; 100];
/// Far more than an entry of the benchmark takes.
const ENTRY_BYTES: u64 = 512;
/// One after the other, and from the last to the first again.
const POLICIES: [&str; 9] =
    ["lru", "lfu", "twoq", "lruk", "fifo", "sieve", "s3fifo", "gdsf", "adaptive"];

/// Times swaps between the built-in policies and a recovery after a trap, and the gets
/// before and during them.
pub(crate) fn run(settings: &Settings) -> Result<Vec<Figure>> {
    let (entries, rounds) = if settings.quick { (50_000, 1) } else { (1_000_000, 3) };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    #[expect(clippy::disallowed_methods, reason = "a benchmark is a main")]
    runtime.block_on(async {
        let engines = Engines::new(&CompileCache::Off)?;
        let mut figures = swaps(&engines, entries, rounds).await?;
        figures.extend(recoveries(&engines, entries, rounds).await?);
        Ok(figures)
    })
}

fn figure(case: String, subject: &str, value: f64, unit: &'static str) -> Figure {
    Figure { bench: "swap", case, subject: subject.into(), value, unit }
}

async fn swaps(engines: &Arc<Engines>, entries: u32, rounds: usize) -> Result<Vec<Figure>> {
    let group = filled(load(engines, POLICIES[0], entries)?, entries).await?;
    let mut client = Client::start(Arc::clone(&group), entries);
    let mut took = POLICIES.map(|_| Vec::new());
    let (mut before, mut during) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        for (nth, took) in took.iter_mut().enumerate() {
            let next = POLICIES[(nth + 1) % POLICIES.len()];
            client.forget();
            tokio::time::sleep(Duration::from_millis(500)).await;
            before.push(client.p99_ns());
            client.forget();
            let begun = Instant::now();
            let policy = load_aside(engines, next, entries).await?;
            group.parts().worker.swap(policy, Vec::new()).await?;
            took.push(begun.elapsed().as_secs_f64() * 1e3);
            during.push(client.p99_ns());
        }
    }
    let mut figures: Vec<Figure> = took
        .into_iter()
        .enumerate()
        .map(|(nth, took)| {
            let next = POLICIES[(nth + 1) % POLICIES.len()];
            let case = format!("a swap with {entries} entries, {} to {next}", POLICIES[nth]);
            figure(case, "the component's compiling included", median(took), "ms")
        })
        .collect();
    let case = format!("a get at the 99th percentile, {entries} entries");
    figures.push(figure(case.clone(), "before a swap", median(before), "ns"));
    figures.push(figure(case, "during a swap", median(during), "ns"));
    Ok(figures)
}

async fn recoveries(engines: &Arc<Engines>, entries: u32, rounds: usize) -> Result<Vec<Figure>> {
    let traps = Arc::new(AtomicBool::new(false));
    let policy = Arc::new(Fragile::new(load(engines, "lru", entries)?, Arc::clone(&traps)));
    let group = filled(Arc::clone(&policy) as _, entries).await?;
    let worker = &group.parts().worker;
    let mut took = Vec::new();
    let client = Client::start(Arc::clone(&group), entries);
    for _ in 0..rounds {
        // A swap to itself: each round is a first failure, with the shortest pause.
        worker.swap(Arc::clone(&policy) as _, Vec::new()).await?;
        let held = group.parts().store.stats().entries;
        traps.store(true, Ordering::Release);
        let failed = || !traps.load(Ordering::Acquire);
        wait(failed).await?;
        let begun = Instant::now();
        wait(|| worker.status().state == WorkerState::Running && policy.admitted() >= held).await?;
        took.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    drop(client);
    let case = format!("from a trap until the policy knows {entries} entries again");
    Ok(vec![figure(case, "the pause of 50 ms included", median(took), "ms")])
}

async fn wait(done: impl Fn() -> bool) -> Result<()> {
    let begun = Instant::now();
    while !done() {
        anyhow::ensure!(begun.elapsed() < Duration::from_secs(60), "nothing within a minute");
        tokio::time::sleep(Duration::from_micros(200)).await;
    }
    Ok(())
}

fn load(engines: &Arc<Engines>, name: &str, entries: u32) -> Result<Arc<PolicyComponent>> {
    let plugin = Plugin::builtin(name)?;
    Ok(PolicyComponent::load(engines, plugin, &told(entries), PolicyLimits::default())?)
}

/// Loads a policy as a node does: not on a thread that serves requests.
async fn load_aside(
    engines: &Arc<Engines>,
    name: &'static str,
    entries: u32,
) -> Result<Arc<PolicyComponent>> {
    let engines = Arc::clone(engines);
    tokio::task::spawn_blocking(move || load(&engines, name, entries)).await?
}

/// The configuration of a policy; it has somewhat more slots than entries.
fn told(entries: u32) -> PolicyConfig {
    let capacity = u64::from(entries) * ENTRY_BYTES;
    let mut config = PolicyConfig::new(capacity, entries + entries / 4 + 10_000);
    config.max_victims = 256;
    config
}

/// A group with so many entries.
async fn filled(
    policy: Arc<dyn psycache::policy::PolicySource>,
    entries: u32,
) -> Result<Arc<Group>> {
    let (clock, waker) = (Clock::monotonic(), Waker::new());
    let wake = waker.clone();
    let config = StoreConfig::new(u64::from(entries) * ENTRY_BYTES, Some(entries + entries / 8));
    let store = Store::new(config, clock.clone(), Box::new(move || wake.wake()));
    let mut told = told(entries);
    told.max_entries = store.slot_bound();
    let worker = WorkerConfig::new(told, clock.clone());
    let worker = Arc::new(Worker::start("swap", policy, worker, store.clone(), waker)?);
    let source = None.into();
    let parts =
        group::Parts { store, clock, worker, source, ownership: Arc::new(Ownership::alone()) };
    let group = Group::new(GroupConfig::named("swap"), parts)?;
    for nth in 0..entries {
        let value = bytes::Bytes::from_static(VALUE);
        group
            .set(&client::key(nth), value, None, Duration::from_secs(10))
            .await
            .context("the group is filled")?;
    }
    Ok(group)
}
