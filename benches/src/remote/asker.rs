//! Sends gets, with as many in flight as standard input says.

use std::collections::HashMap;
use std::future::Future;
use std::io::{BufRead, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Endpoint};

/// Keys of each size of value. Of two nodes, each has about half of them.
const KEYS: usize = 2_000;

/// A client that sends gets.
pub(super) trait Asker: Send + Sync + 'static {
    /// Makes sure that `key` has its value, and returns whether a get of it from here is answered
    /// from another node's memory.
    fn prepare(&self, key: &str) -> impl Future<Output = Result<bool>> + Send;

    /// The length of the value of `key`.
    fn get(&self, key: &str) -> impl Future<Output = Result<usize>> + Send;
}

/// A runtime with tokio's defaults.
pub(super) fn runtime() -> Result<Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}

/// A connection as a client has it by default.
pub(super) fn connect(runtime: &Runtime, address: &str) -> Result<Channel> {
    let endpoint = Endpoint::from_shared(format!("http://{address}"))?.tcp_nodelay(true);
    Ok(runtime.block_on(endpoint.connect())?)
}

/// What comes in at `address`.
pub(super) fn listen(runtime: &Runtime, address: &str) -> Result<TcpIncoming> {
    let listener = runtime.block_on(TcpListener::bind(address))?;
    Ok(TcpIncoming::from(listener).with_nodelay(Some(true)))
}

/// The length of the value that belongs to `key`.
pub(super) fn value_bytes(key: &str) -> Result<usize> {
    let bytes = key.split('/').next().unwrap_or_default();
    bytes.parse().with_context(|| format!("{key:?} is no key of this benchmark"))
}

/// Reports that all is ready, and runs the commands of standard input until it ends.
pub(super) fn obey(runtime: &Runtime, asker: impl Asker) -> Result<()> {
    let asker = Arc::new(asker);
    let mut prepared: HashMap<usize, Arc<[String]>> = HashMap::new();
    say("ready")?;
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["prepare", bytes] => {
                let bytes = bytes.parse()?;
                let keys = runtime.block_on(prepare(&*asker, bytes))?;
                say(&keys.len().to_string())?;
                prepared.insert(bytes, keys);
            }
            ["get", bytes, gets, in_flight] => {
                let bytes = bytes.parse()?;
                let keys = prepared.get(&bytes).context("these keys were not prepared")?;
                let (gets, in_flight) = (gets.parse()?, in_flight.parse()?);
                let took = runtime.block_on(get(&asker, keys, bytes, gets, in_flight))?;
                say(&took.as_nanos().to_string())?;
            }
            _ => bail!("{line:?} is nothing to do"),
        }
    }
    Ok(())
}

fn say(line: &str) -> Result<()> {
    let mut output = std::io::stdout().lock();
    writeln!(output, "{line}")?;
    Ok(output.flush()?)
}

async fn prepare(asker: &impl Asker, bytes: usize) -> Result<Arc<[String]>> {
    let mut others = Vec::new();
    for number in 0..KEYS {
        let key = format!("{bytes}/key-{number}");
        if asker.prepare(&key).await? {
            others.push(key);
        }
    }
    Ok(others.into())
}

async fn get<A: Asker>(
    asker: &Arc<A>,
    keys: &Arc<[String]>,
    bytes: usize,
    gets: usize,
    in_flight: usize,
) -> Result<Duration> {
    let next = Arc::new(AtomicUsize::new(0));
    let mut askers = JoinSet::new();
    let begin = Instant::now();
    for _ in 0..in_flight {
        let (asker, keys, next) = (Arc::clone(asker), Arc::clone(keys), Arc::clone(&next));
        askers.spawn(async move {
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                if at >= gets {
                    return anyhow::Ok(());
                }
                let got = asker.get(&keys[at % keys.len()]).await?;
                ensure!(got == bytes, "a value has {got} bytes in place of {bytes}");
            }
        });
    }
    while let Some(ended) = askers.join_next().await {
        ended??;
    }
    Ok(begin.elapsed())
}
