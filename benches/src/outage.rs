//! What a get costs while the database is down, of keys that are resident: with `stale-if-error`
//! and without. A real MariaDB and a real PostgreSQL are stopped under load by the clock, and
//! run again.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use psycache::proto::cache_client::CacheClient;
use psycache::proto::{GetRequest, Origin};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tonic::Code;
use tonic::transport::Channel;

use crate::Settings;
use crate::database::{Database, key};
use crate::report::{Figure, median};
use crate::server::Server;

/// Keys that are got.
const KEYS: u32 = 64;

/// Clients of each node, and what each waits between two gets.
const CLIENTS: u32 = 8;
const PAUSE: Duration = Duration::from_millis(1);

/// How long the load goes on before and after the outage.
const BESIDE: Duration = Duration::from_secs(5);

/// The two nodes: what they are called, and their settings.
const NODES: [(&str, &[&str]); 2] =
    [("with stale-if-error", &["--stale-if-error=1h"]), ("without", &[])];

/// A database, and the retriever that asks it.
struct Source {
    plugin: &'static str,
    database: Database,
    options: Vec<String>,
}

/// Outages of both databases.
#[tokio::main]
#[allow(clippy::disallowed_methods, reason = "it is the main of this benchmark")]
pub(crate) async fn run(settings: &Settings) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for source in [mariadb as fn() -> Result<Source>, postgres] {
        figures.extend(outage(settings, source()?).await?);
    }
    Ok(figures)
}

fn mariadb() -> Result<Source> {
    let database = Database::mariadb()?;
    let dsn = format!("dsn=mysql://psy@{}/bench", database.address());
    let query = "query=SELECT value FROM item WHERE name = ?".to_owned();
    Ok(Source { plugin: "mysql", database, options: vec![dsn, query] })
}

fn postgres() -> Result<Source> {
    let database = Database::postgres()?;
    let dsn = format!("dsn=postgres://psy@{}/postgres", database.address());
    let query = "query=SELECT value FROM item WHERE name = $1".to_owned();
    Ok(Source { plugin: "postgres", database, options: vec![dsn, query, "tls=false".to_owned()] })
}

/// When the database was down.
struct Outage {
    stopped: Instant,
    /// When it was run again.
    begun: Instant,
    /// When it answered its own client.
    over: Instant,
}

/// Stops the database of two nodes under load, and runs it again.
async fn outage(settings: &Settings, mut source: Source) -> Result<Vec<Figure>> {
    let lasts = Duration::from_secs(if settings.quick { 3 } else { 30 });
    let (under_load, until) = watch::channel(());
    let mut loads = Vec::new();
    for (_, more) in NODES {
        let node = node(settings, &source, more)?;
        loads.push((load(&node, &until).await?, node));
    }
    sleep(BESIDE).await;
    source.database.stop();
    let stopped = Instant::now();
    sleep(lasts).await;
    let begun = Instant::now();
    let running = tokio::task::spawn_blocking(move || source.database.run().map(|()| source));
    let source = running.await??;
    let outage = Outage { stopped, begun, over: Instant::now() };
    sleep(BESIDE).await;
    drop(under_load);
    let case = format!("{}, down for {} s", source.plugin, lasts.as_secs());
    let mut figures = Vec::new();
    for ((mut clients, _node), (node, _)) in loads.into_iter().zip(NODES) {
        let mut gets = Vec::new();
        while let Some(ended) = clients.join_next().await {
            gets.extend(ended??);
        }
        figures.extend(outage.told(&gets).into_iter().map(|(what, value, unit)| Figure {
            bench: "outage",
            case: case.clone(),
            subject: format!("{node}: {what}"),
            value,
            unit,
        }));
    }
    Ok(figures)
}

impl Outage {
    /// What the gets of a node say of it.
    fn told(&self, gets: &[Get]) -> Vec<(&'static str, f64, &'static str)> {
        let meanwhile = || gets.iter().filter(|get| (self.stopped..self.begun).contains(&get.at));
        let failed = gets.iter().filter(|get| get.answer == Answer::Failed);
        let mut told = vec![
            ("gets meanwhile", meanwhile().count() as f64, "gets"),
            ("failed before, meanwhile and after", failed.count() as f64, "gets"),
        ];
        for (answer, middle, slowest) in [
            (Answer::Stale, "median stale get", "slowest stale get"),
            (Answer::Failed, "median failed get", "slowest failed get"),
        ] {
            let of = meanwhile().filter(|get| get.answer == answer);
            let took: Vec<f64> = of.map(|get| get.took.as_secs_f64() * 1e3).collect();
            if let Some(longest) = took.iter().copied().max_by(f64::total_cmp) {
                told.extend([(middle, median(took), "ms"), (slowest, longest, "ms")]);
            }
        }
        let late = gets.iter().filter(|get| get.at >= self.over && get.answer != Answer::Fresh);
        let last = late.map(|get| get.at + get.took).max().unwrap_or(self.over);
        let recovered_ms = (last - self.over).as_secs_f64() * 1e3;
        told.push(("last stale or failed get after it", recovered_ms, "ms"));
        told
    }
}

fn node(settings: &Settings, source: &Source, more: &[&str]) -> Result<Server> {
    let mut serve = Command::new(&settings.command);
    serve.args(["serve", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--log", "error"]);
    serve.args(["--group", "bench", "--ttl=1s", "--ttl-jitter=0%"]).args(more);
    serve.args(["--retriever", source.plugin, "--allow-net", &source.database.address()]);
    for option in &source.options {
        serve.args(["--retriever-opt", option]);
    }
    Server::start(&mut serve)
}

/// A get that has ended.
struct Get {
    at: Instant,
    took: Duration,
    answer: Answer,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Answer {
    Fresh,
    Stale,
    Failed,
}

/// Clients that get all keys of `node`, one after the other, until `until` is closed.
async fn load(node: &Server, until: &watch::Receiver<()>) -> Result<JoinSet<Result<Vec<Get>>>> {
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        let endpoint = Channel::from_shared(format!("http://{}", node.address()))?;
        let mut cache = CacheClient::new(endpoint.connect().await?);
        for row in 0..KEYS {
            // From here on it is resident.
            cache.get(request(row)).await.context("the database is there")?;
        }
        let until = until.clone();
        clients.spawn(async move {
            let mut gets = Vec::new();
            for row in (0..KEYS).cycle().skip((client * KEYS / CLIENTS) as usize) {
                if until.has_changed().is_err() {
                    break;
                }
                let at = Instant::now();
                let answer = match cache.get(request(row)).await {
                    Ok(answer) if answer.get_ref().origin() == Origin::Stale => Answer::Stale,
                    Ok(_) => Answer::Fresh,
                    Err(status) => {
                        ensure!(status.code() == Code::Unavailable, "a get fails by {status}");
                        Answer::Failed
                    }
                };
                gets.push(Get { at, took: at.elapsed(), answer });
                sleep(PAUSE).await;
            }
            Ok(gets)
        });
    }
    Ok(clients)
}

fn request(row: u32) -> GetRequest {
    GetRequest { group: "bench".into(), key: key(row).into(), may_lend: false }
}
