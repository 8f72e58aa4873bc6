//! What shadows and a recording add to a hit, on the thread that asks.
//!
//! One node, one group, the same keys. The rounds with and without are interleaved, and a ratio is
//! the median of the ratios of neighbours, so that other load of the machine affects both. The
//! time of the shadow's own thread is a figure of its own.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use cpu_time::{ProcessTime, ThreadTime};
use psycache::config::{Config, Group as GroupConfig};
use psycache::group::{Group, Recording};
use psycache::node::Node;
use psycache::proto::admin_client::AdminClient;
use psycache::proto::start_shadow_request::Part;
use psycache::proto::{
    ListShadowsRequest, ShadowHeader, ShadowPolicy, StartShadowRequest, StopShadowRequest,
};
use tokio::task::JoinHandle;
use tonic::transport::Channel;

use crate::Settings;
use crate::report::{Figure, median};
use crate::streams::{Key, value, zipf};

/// Entries of the group, all of which fit.
const ENTRIES: u32 = 100_000;

const WITHIN: Duration = Duration::from_secs(5);

/// What listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Listens {
    Nobody,
    Shadows,
    Recording,
    /// Nobody again: how far apart two rounds without a listener are.
    NobodyAgain,
}

use Listens::{Nobody, NobodyAgain, Shadows};

const ALL: [(Listens, &str); 4] = [
    (Nobody, "nobody listens"),
    (Shadows, "three shadows"),
    (Listens::Recording, "a recording"),
    (NobodyAgain, "nobody again"),
];

/// Nanoseconds a get: of the thread that asks, and of the whole process.
type Spent = (f64, f64);

#[tokio::main(flavor = "multi_thread", worker_threads = 1)]
#[allow(clippy::disallowed_methods, reason = "it is the main of this benchmark")]
pub(crate) async fn run(settings: &Settings) -> Result<Vec<Figure>> {
    let (rounds, gets) = if settings.quick { (3, 100_000) } else { (31, 500_000) };
    let mut group = GroupConfig::new("bench");
    group.store.capacity_bytes = u64::from(ENTRIES) * 400;
    let mut config = Config::default();
    (config.listen, config.http, config.groups) = ("127.0.0.1:0".into(), None, vec![group]);
    let node = Node::start(config).await?;
    let group = Arc::clone(node.groups().find("bench")?);
    let mut admin = AdminClient::connect(format!("http://{}", node.address())).await?;
    let mut key = Key::new();
    for number in 0..ENTRIES {
        group.set(key.of(number), value(), None, WITHIN).await?;
    }
    let keys = zipf(ENTRIES, gets, 1);
    let mut spent: [Vec<Spent>; ALL.len()] = Default::default();
    for round in 0..=rounds {
        for at in 0..ALL.len() {
            // Each begins a round in turn, so that none always follows the same one.
            let at = (at + round) % ALL.len();
            let measured = measure(&mut admin, &group, &keys, ALL[at].0).await?;
            // The first round is for caches to get warm.
            if round > 0 {
                spent[at].push(measured);
            }
        }
    }
    node.shutdown().await;
    Ok(figures(&spent))
}

fn figures(spent: &[Vec<Spent>]) -> Vec<Figure> {
    let figure = |subject: &str, value, unit| Figure {
        bench: "listeners",
        case: "hit".into(),
        subject: subject.into(),
        value,
        unit,
    };
    let mut figures = Vec::new();
    for ((_, name), spent) in ALL.iter().zip(spent) {
        let of_thread = spent.iter().map(|spent| spent.0).collect();
        figures.push(figure(name, median(of_thread), "ns/op"));
    }
    for ((_, name), of) in ALL.iter().zip(spent).skip(1) {
        let ratios = of.iter().zip(&spent[0]).map(|(with, without)| with.0 / without.0);
        figures.push(figure(name, median(ratios.collect()), "x nobody"));
    }
    for ((_, name), spent) in ALL.iter().zip(spent) {
        let of_process = spent.iter().map(|spent| spent.1).collect();
        figures.push(figure(name, median(of_process), "CPU ns/op"));
    }
    figures
}

async fn measure(
    admin: &mut AdminClient<Channel>,
    group: &Arc<Group>,
    keys: &[u32],
    listens: Listens,
) -> Result<Spent> {
    let recording = match listens {
        Nobody | NobodyAgain => None,
        Shadows => {
            start_shadows(admin).await?;
            None
        }
        Listens::Recording => {
            let recording = group.record(None, Duration::from_secs(3_600))?;
            Some(tokio::spawn(follow(recording)))
        }
    };
    let (thread, process) = (ThreadTime::now(), ProcessTime::now());
    let mut key = Key::new();
    for number in keys {
        // It is there, so the thread does not change.
        group.get(key.of(*number), WITHIN).await.context("all keys were set")?;
    }
    let nanoseconds = |time: Duration| time.as_nanos() as f64 / keys.len() as f64;
    let spent = (nanoseconds(thread.elapsed()), nanoseconds(process.elapsed()));
    recording.as_ref().map(JoinHandle::abort);
    if let Some(recording) = recording {
        // Its listener is gone when it has ended.
        let _ = recording.await;
    }
    if listens == Shadows {
        admin.stop_shadow(StopShadowRequest { group: "bench".into() }).await?;
    }
    Ok(spent)
}

/// Three candidates beside the live policy, at work.
async fn start_shadows(admin: &mut AdminClient<Channel>) -> Result<()> {
    let header = ShadowHeader { group: "bench".into(), capacities: vec![1.0], keep_ms: 0 };
    let policies = ["lfu", "sieve", "s3fifo"]
        .map(|name| Part::Policy(ShadowPolicy { name: name.into(), ..ShadowPolicy::default() }));
    let parts = std::iter::once(Part::Header(header)).chain(policies);
    let requests: Vec<_> = parts.map(|part| StartShadowRequest { part: Some(part) }).collect();
    admin.start_shadow(tokio_stream::iter(requests)).await?;
    loop {
        let list = ListShadowsRequest { group: "bench".into() };
        let shadows = admin.list_shadows(list).await?.into_inner().shadows;
        if shadows.first().is_some_and(|shadow| shadow.share > 0.0) {
            return Ok(());
        }
    }
}

/// Takes the parts, as a client does that is fast enough.
async fn follow(mut recording: Recording) {
    while recording.next().await.is_some() {}
}
