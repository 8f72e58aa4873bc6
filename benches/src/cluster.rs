//! The cost of cluster size: an idle node and a remove, in small and large clusters. Also the
//! cost of hot keys for their owners.
//!
//! All nodes and their etcd are processes of this machine, so the benchmark measures processor
//! time, not wall time.

#![allow(clippy::disallowed_methods, reason = "what is idle is waited for by the clock")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use futures::stream::{self, StreamExt, TryStreamExt};
use psycache::key;
use psycache::membership::rendezvous::{Ring, RingNode};
use psycache::proto::cache_client::CacheClient;
use psycache::proto::{GetRequest, RemoveRequest, SetRequest};
use tonic::transport::Channel;

use crate::Settings;
use crate::report::{Figure, median};
use crate::server::Server;
use crate::streams::zipf_of;

const FEW: usize = 3;
const MANY: usize = 64;

/// The number of requests in flight.
const IN_FLIGHT: usize = 16;

const ONE_REMOVE: &str = "a remove, keys of 2 other nodes";
const MANY_REMOVES: &str = "a remove, keys of all other nodes";

/// Nodes that are asked for keys of which some are hot.
const SHARERS: usize = 8;
const KEYS: u32 = 10_000;
const SKEW: f64 = 1.2;

/// The cluster of each size, one after the other.
pub(crate) fn run(settings: &Settings) -> Result<Vec<Figure>> {
    let runtime = tokio::runtime::Runtime::new()?;
    let mut figures = Vec::new();
    let mut costs = Vec::new();
    for size in [FEW, MANY] {
        let cluster = Cluster::start(&settings.command, size)?;
        let idle = cluster.idle(if settings.quick { 5 } else { 20 })?;
        let removes = if settings.quick { 2_000 } else { 20_000 };
        let (one, messages) = runtime.block_on(cluster.remove(removes, FEW - 1))?;
        let (many, _) = runtime.block_on(cluster.remove(removes, size - 1))?;
        let figure = |case: &str, value, unit| Figure {
            bench: "cluster",
            case: case.into(),
            subject: format!("{size} nodes"),
            value,
            unit,
        };
        figures.push(figure("an idle node", idle, "CPU ms/s"));
        figures.push(figure(ONE_REMOVE, one, "CPU µs"));
        figures.push(figure(MANY_REMOVES, many, "CPU µs"));
        figures.push(figure("a remove, messages between nodes", messages, "messages"));
        costs.push([idle, one, many]);
    }
    let ratio = |case: &str, value| Figure {
        bench: "cluster",
        case: case.into(),
        subject: format!("{MANY} nodes / {FEW} nodes"),
        value,
        unit: "x CPU",
    };
    for (at, case) in ["an idle node", ONE_REMOVE, MANY_REMOVES].into_iter().enumerate() {
        figures.push(ratio(case, costs[1][at] / costs[0][at]));
    }
    let cluster = Cluster::start(&settings.command, SHARERS)?;
    let gets = if settings.quick { 20_000 } else { 400_000 };
    let busiest = runtime.block_on(cluster.busiest(gets))?;
    figures.push(Figure {
        bench: "cluster",
        case: format!("gets of keys by Zipf {SKEW} at random nodes"),
        subject: format!("busiest of {SHARERS} nodes / mean"),
        value: busiest,
        unit: "x CPU",
    });
    Ok(figures)
}

/// Nodes, and the etcd that they find each other in.
struct Cluster {
    nodes: Vec<Server>,
    /// Where the first one tells its metrics.
    http: String,
    _etcd: Etcd,
}

struct Etcd {
    process: Child,
    _folder: tempfile::TempDir,
}

impl Drop for Etcd {
    fn drop(&mut self) {
        // It is gone already if this fails.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Cluster {
    fn start(command: &Path, size: usize) -> Result<Self> {
        let (etcd, url) = etcd()?;
        let http = format!("127.0.0.1:{}", free_port()?);
        let mut nodes = Vec::new();
        for number in 0..size {
            let mut serve = Command::new(command);
            let http = if number == 0 { &http } else { "none" };
            serve.args(["serve", "--etcd", &url, "--listen", "127.0.0.1:0", "--http", http]);
            serve.args(["--retriever", "none"]);
            nodes.push(Server::start(serve.args(["--log", "error"]))?);
        }
        // The last one's coming is over for all.
        sleep(Duration::from_secs(2));
        Ok(Self { nodes, http, _etcd: etcd })
    }

    /// Milliseconds of processor time a second of the node in the middle.
    fn idle(&self, seconds: u64) -> Result<f64> {
        let times = || self.nodes.iter().map(Server::processor_time).collect::<Result<Vec<_>>>();
        let before = times()?;
        sleep(Duration::from_secs(seconds));
        let took = times()?.into_iter().zip(before).map(|(after, before)| {
            after.saturating_sub(before).as_secs_f64() * 1e3 / seconds as f64
        });
        Ok(median(took.collect()))
    }

    /// Microseconds of processor time of all nodes for one remove at the first one of a key
    /// that one of the next `owners` nodes owns, and messages from there to others.
    ///
    /// Requests to few nodes find their code and memory in the processor's caches, and share
    /// wake-ups. With as many owners in a large cluster as in a small one, only the size of the
    /// cluster differs.
    async fn remove(&self, removes: usize, owners: usize) -> Result<(f64, f64)> {
        let client = self.client(0).await?;
        let nodes = self.nodes.iter();
        let ring =
            Ring::new(nodes.map(|node| RingNode { address: node.address().into(), weight: 1 }));
        let owners = &self.nodes[1..=owners];
        let is_theirs = |key: &String| {
            let owner = ring.owner(key::ring_hash(key)).map(|owner| &*ring.nodes()[owner].address);
            owners.iter().any(|node| Some(node.address()) == owner)
        };
        let keys = (0..).map(|number| format!("user:{number:016}")).filter(is_theirs);
        let keys: Vec<Bytes> = keys.take(removes).map(Bytes::from).collect();
        // Connections are made at the first request.
        remove_each(&client, &keys).await?;
        let times = || self.nodes.iter().map(Server::processor_time).sum::<Result<Duration>>();
        let (before, asked) = (times()?, self.asked()?);
        remove_each(&client, &keys).await?;
        let took = times()?.saturating_sub(before).as_secs_f64() * 1e6;
        let messages = self.asked()? - asked;
        Ok((took / removes as f64, messages as f64 / removes as f64))
    }

    /// Processor time of the node that takes most for `gets`, by the mean of all.
    async fn busiest(&self, gets: usize) -> Result<f64> {
        let clients = stream::iter(0..self.nodes.len()).then(|node| self.client(node));
        let clients: Vec<_> = clients.try_collect().await?;
        let set = stream::iter(0..KEYS).map(|number| {
            let mut client = clients[number as usize % clients.len()].clone();
            let (group, key) = ("default".into(), Bytes::from(format!("user:{number:016}")));
            let set =
                SetRequest { group, key, value: vec![7; 100].into(), ..SetRequest::default() };
            async move { client.set(set).await.map(drop) }
        });
        set.buffer_unordered(IN_FLIGHT).try_collect::<()>().await.context("a set failed")?;
        // Owners detect hot keys after a while.
        get_each(&clients, gets / 4).await?;
        let times = || self.nodes.iter().map(Server::processor_time).collect::<Result<Vec<_>>>();
        let before = times()?;
        get_each(&clients, gets).await?;
        let took = times()?.into_iter().zip(before);
        let took: Vec<f64> =
            took.map(|(after, before)| after.saturating_sub(before).as_secs_f64()).collect();
        let mean = took.iter().sum::<f64>() / took.len() as f64;
        Ok(took.into_iter().fold(0.0, f64::max) / mean)
    }

    async fn client(&self, node: usize) -> Result<CacheClient<Channel>> {
        let endpoint = format!("http://{}", self.nodes[node].address());
        Ok(CacheClient::new(Channel::from_shared(endpoint)?.connect().await?))
    }

    /// Requests that the first node has sent to others.
    fn asked(&self) -> Result<u64> {
        let mut stream = TcpStream::connect(&self.http)?;
        stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n")?;
        let mut page = String::new();
        stream.read_to_string(&mut page)?;
        let samples = page.lines().filter(|line| line.starts_with("psycache_peer_requests_total{"));
        let counts = samples.map(|line| {
            let count = line.rsplit(' ').next().unwrap_or_default();
            count.parse::<u64>().with_context(|| format!("{line} has no count"))
        });
        counts.sum()
    }
}

async fn remove_each(client: &CacheClient<Channel>, keys: &[Bytes]) -> Result<()> {
    let removed = stream::iter(keys).map(|key| {
        let mut client = client.clone();
        async move {
            client
                .remove(RemoveRequest { group: "default".into(), key: key.clone() })
                .await
                .map(drop)
        }
    });
    removed.buffer_unordered(IN_FLIGHT).try_collect::<()>().await.context("a remove failed")
}

/// Each at the next node in turn.
async fn get_each(clients: &[CacheClient<Channel>], gets: usize) -> Result<()> {
    let numbers = zipf_of(KEYS, SKEW, gets, 7).into_iter().enumerate();
    let got = stream::iter(numbers).map(|(at, number)| {
        let mut client = clients[at % clients.len()].clone();
        let (group, key) = ("default".into(), Bytes::from(format!("user:{number:016}")));
        async move { client.get(GetRequest { group, key, may_lend: false }).await.map(drop) }
    });
    let at_a_time = clients.len() * IN_FLIGHT;
    got.buffer_unordered(at_a_time).try_collect::<()>().await.context("a get failed")
}

fn etcd() -> Result<(Etcd, String)> {
    let folder = tempfile::tempdir()?;
    let client = format!("http://127.0.0.1:{}", free_port()?);
    let peer = format!("http://127.0.0.1:{}", free_port()?);
    let process = Command::new("etcd")
        .arg("--data-dir")
        .arg(folder.path())
        .args(["--listen-client-urls", &client, "--advertise-client-urls", &client])
        .args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer])
        .args(["--initial-cluster", &format!("default={peer}")])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("etcd can't be started; `cargo xtask test` installs it")?;
    let etcd = Etcd { process, _folder: folder };
    let address = client.trim_start_matches("http://");
    for _ in 0..100 {
        if TcpStream::connect(address).is_ok() {
            return Ok((etcd, client));
        }
        sleep(Duration::from_millis(100));
    }
    bail!("etcd does not answer at {client}")
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
