//! How long others wait for a get while a client tries to use the node up.
//!
//! The node runs with its default limits. One client gets one key, one call after the other, first
//! alone and then beside each attack. The hostile client has another address, and a thread of its
//! own on the same machine, so that what it takes of the processors is in the figures too.

mod attacks;
/// The frames of the tests of the same attacks.
#[path = "../../../tests/integration/hostile/frames.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod frames;

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use psycache::proto::cache_client::CacheClient;
use psycache::proto::{GetRequest, SetRequest};
use tonic::transport::Channel;

use crate::Settings;
use crate::report::Figure;
use crate::server::Server;
use attacks::{ATTACKS, Attack, Listeners};

const SERVE: [&str; 9] = [
    "serve",
    "--listen",
    "127.0.0.1:0",
    "--http",
    "127.0.0.1:0",
    "--redis",
    "127.0.0.1:0",
    "--log",
    "off",
];

/// The key of the large value. Its answers are the ones that the hostile client does not read.
const LARGE: &str = "large";
const LARGE_BYTES: usize = 8 << 20;

/// The waits of others, alone and beside each attack.
pub(crate) fn run(settings: &Settings) -> Result<Vec<Figure>> {
    let lasts = Duration::from_secs(if settings.quick { 3 } else { 15 });
    let mut figures = Vec::new();
    for attack in &ATTACKS {
        // Each has a node of its own, so that none pays for the one before.
        let node = Server::start(Command::new(&settings.command).args(SERVE))?;
        let (alone, beside) = measure(&Listeners::of(&node)?, attack, lasts)?;
        for (part, what) in [(0.5, "median"), (0.99, "99th percentile")] {
            for (subject, waits) in [("alone", &alone), ("beside it", &beside)] {
                figures.push(Figure {
                    bench: "hostile",
                    case: format!("{}, {what}", attack.name),
                    subject: subject.into(),
                    value: quantile(waits, part),
                    unit: "us",
                });
            }
        }
    }
    Ok(figures)
}

/// The waits of each, in order.
#[tokio::main(worker_threads = 1)]
#[allow(clippy::disallowed_methods, reason = "it is the main of this benchmark")]
async fn measure(
    at: &Listeners,
    attack: &Attack,
    lasts: Duration,
) -> Result<(Vec<Duration>, Vec<Duration>)> {
    let mut client = connect(at).await?;
    let alone = waits(&mut client, lasts).await?;
    let hostile = tokio::spawn((attack.run)(at.clone()));
    // What it begins with is not of interest.
    waits(&mut client, Duration::from_secs(1)).await?;
    let beside = waits(&mut client, lasts).await?;
    hostile.abort();
    match hostile.await {
        Ok(ended) => Err(ended.err().context("it has ended")?.context(attack.name)),
        Err(_) => Ok((alone, beside)),
    }
}

async fn connect(at: &Listeners) -> Result<CacheClient<Channel>> {
    let mut client = CacheClient::connect(format!("http://{}", at.grpc)).await?;
    let (group, key, value) = ("default".into(), LARGE.into(), vec![7; LARGE_BYTES].into());
    client.set(SetRequest { group, key, value, ..SetRequest::default() }).await?;
    Ok(client)
}

/// How long each get takes, one after the other, shortest first.
async fn waits(client: &mut CacheClient<Channel>, lasts: Duration) -> Result<Vec<Duration>> {
    let (began, mut waits) = (Instant::now(), Vec::new());
    while began.elapsed() < lasts {
        let (group, key) = ("default".into(), "Tom".into());
        let asked = Instant::now();
        client.get(GetRequest { group, key, ..GetRequest::default() }).await?;
        waits.push(asked.elapsed());
    }
    waits.sort_unstable();
    Ok(waits)
}

/// In microseconds.
fn quantile(waits: &[Duration], part: f64) -> f64 {
    let at = (waits.len() as f64 * part) as usize;
    waits[at.min(waits.len() - 1)].as_secs_f64() * 1e6
}
