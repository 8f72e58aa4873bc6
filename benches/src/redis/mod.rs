//! The processor time of a server for a get by a Redis client, next to redis-server. Both are
//! asked by redis-benchmark, in turn. The time of the client does not count. Then gets one by one,
//! next to memcached too, and how long they wait at half of the highest rate. Then gets from a node
//! with many entries.

mod paced;
mod protocol;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use self::protocol::Protocol;
use crate::Settings;
use crate::report::{Figure, median};
use crate::server::Server;

const CONNECTIONS: usize = 64;

const KEYS: usize = 1000;

/// Keys of a node with many.
const LARGE: usize = 10_000_000;

/// Sets of one write to a server that is filled.
const SETS_AT_ONCE: usize = 1_000;

const VALUE_BYTES: usize = 100;

/// Keys of one MGET.
const MANY: usize = 64;

/// How long a server may take until it can be connected to.
const START_WITHIN: Duration = Duration::from_secs(10);

/// What is asked for.
struct Load {
    case: &'static str,
    /// Requests that are sent before an answer is awaited.
    pipeline: usize,
    keys: usize,
    /// Requests of a round.
    requests: usize,
}

const LOADS: [Load; 4] = [
    Load { case: "GET", pipeline: 1, keys: 1, requests: 100_000 },
    Load { case: "GET, pipeline of 16", pipeline: 16, keys: 1, requests: 800_000 },
    Load { case: "GET, pipeline of 64", pipeline: 64, keys: 1, requests: 1_600_000 },
    Load { case: "MGET of 64", pipeline: 1, keys: MANY, requests: 40_000 },
];

/// Gets of resident keys of 100 bytes, on 64 connections.
pub(crate) fn run(settings: &Settings) -> Result<Vec<Figure>> {
    let (rounds, part) = if settings.quick { (3, 20) } else { (9, 1) };
    let subjects = [Subject::psycache(&settings.command, KEYS)?, Subject::redis()?];
    let memcached = Subject::memcached()?;
    let mut figures = Vec::new();
    for load in &LOADS {
        let mut costs = [Vec::new(), Vec::new()];
        for round in 0..=rounds {
            for (costs, subject) in costs.iter_mut().zip(&subjects) {
                let cost = subject.cost(load, load.requests / part)?;
                // The first round is for connections and memory to get warm.
                if round > 0 {
                    costs.push(cost);
                }
            }
        }
        let ratios = costs[0].iter().zip(&costs[1]).map(|(node, redis)| node / redis).collect();
        let figure = |subject: &str, value, unit| Figure {
            bench: "redis",
            case: load.case.into(),
            subject: subject.into(),
            value,
            unit,
        };
        let [node, redis] = costs.map(median);
        figures.extend([
            figure("redis-server", redis, "CPU s/M"),
            figure("psycache serve", node, "CPU s/M"),
            figure("psycache serve / redis-server", median(ratios), "x CPU"),
        ]);
    }
    figures.extend(paced(&subjects, memcached, if settings.quick { 20_000 } else { 1_000_000 })?);
    drop(subjects);
    figures.extend(large(settings, rounds, part)?);
    Ok(figures)
}

/// Gets by one message next to as many in a pipeline, from a node with more entries than the
/// processor's caches hold.
fn large(settings: &Settings, rounds: usize, part: usize) -> Result<Vec<Figure>> {
    let keys = LARGE / part;
    let node = Subject::psycache(&settings.command, keys)?;
    let [.., pipeline, message] = &LOADS;
    let mut ratios = Vec::new();
    for round in 0..=rounds {
        let one = node.cost(pipeline, pipeline.requests / part)?;
        let many = node.cost(message, message.requests / part)?;
        if round > 0 {
            ratios.push(many / (MANY as f64 * one));
        }
    }
    Ok(vec![Figure {
        bench: "redis",
        case: format!("MGET of {MANY}, {keys} entries"),
        subject: format!("/ {MANY} GETs in a pipeline"),
        value: median(ratios),
        unit: "x CPU",
    }])
}

/// The highest rate of gets of each, and the waits of `gets` at half of the lower one.
fn paced(subjects: &[Subject; 2], memcached: Subject, gets: usize) -> Result<Vec<Figure>> {
    let (mut figures, mut lowest) = (Vec::new(), f64::INFINITY);
    let names = ["psycache serve", "redis-server"];
    let figure = |case: &str, subject: &str, value, unit| {
        let (case, subject) = (case.into(), subject.into());
        Figure { bench: "redis", case, subject, value, unit }
    };
    let others = names.iter().zip(subjects).rev();
    for (name, subject) in [(&"memcached", &memcached)].into_iter().chain(others) {
        let (began, before) = (Instant::now(), subject.server.processor_time()?);
        subject.waits(gets, Duration::ZERO)?;
        let rate = gets as f64 / began.elapsed().as_secs_f64();
        let took = subject.server.processor_time()?.saturating_sub(before);
        figures.push(figure("GET, highest rate", name, rate / 1e3, "thousand/s"));
        let cost = took.as_secs_f64() / gets as f64 * 1e6;
        figures.push(figure("GET, highest rate", name, cost, "CPU s/M"));
        // memcached is not asked at half of the rate.
        if *name != "memcached" {
            lowest = rate.min(lowest);
        }
    }
    drop(memcached);
    let apart = Duration::from_secs_f64(2.0 / lowest);
    let [node, redis] = subjects;
    let (redis, node) = (redis.waits(gets, apart)?, node.waits(gets, apart)?);
    for (part, case) in [(0.5, "median"), (0.999, "99.9th percentile")] {
        let case = format!("GET at half of the lower one, {case}");
        for (name, waits) in [(names[1], &redis), (names[0], &node)] {
            let wait = waits[(waits.len() as f64 * part) as usize];
            figures.push(figure(&case, name, wait.as_secs_f64() * 1e6, "us"));
        }
    }
    Ok(figures)
}

/// A server that has all keys in memory.
struct Subject {
    server: Server,
    port: String,
    protocol: Protocol,
    keys: usize,
}

impl Subject {
    fn psycache(command: &Path, keys: usize) -> Result<Self> {
        let port = free_port()?;
        let mut serve = Command::new(command);
        serve.args(["serve", "--listen", "127.0.0.1:0", "--http", "none", "--log", "error"]);
        serve.args(["--redis", &format!("127.0.0.1:{port}"), "--capacity", "4GiB"]);
        let server = Server::start(&mut serve)?;
        Self { server, port, protocol: Protocol::Redis, keys }.filled()
    }

    fn memcached() -> Result<Self> {
        let port = free_port()?;
        let line = format!(
            "echo listen=127.0.0.1:{port}; exec memcached -l 127.0.0.1 -p {port} -U 0 -t 1 -u nobody"
        );
        let server = Server::start(Command::new("sh").args(["-c", &line]))?;
        let memcached = Self { server, port, protocol: Protocol::Memcached, keys: KEYS };
        memcached.filled().context("memcached is of the package memcached")
    }

    fn redis() -> Result<Self> {
        let port = free_port()?;
        // It does not say where it listens in a line of the form that is expected.
        let line = format!(
            "echo listen=127.0.0.1:{port}; exec redis-server --bind 127.0.0.1 --port {port} \
             --save '' --logfile /dev/null --maxmemory 64mb --maxmemory-policy allkeys-lru"
        );
        let server = Server::start(Command::new("sh").args(["-c", &line]))?;
        let redis = Self { server, port, protocol: Protocol::Redis, keys: KEYS };
        redis.filled().context("redis-server is of the package redis-server")
    }

    fn filled(self) -> Result<Self> {
        let mut stream = connect(&format!("127.0.0.1:{}", self.port))?;
        let stored = self.protocol.stored();
        for first in (0..self.keys).step_by(SETS_AT_ONCE) {
            let numbers = first..self.keys.min(first + SETS_AT_ONCE);
            let expected = stored.repeat(numbers.len());
            let sets: String = numbers.map(|number| self.protocol.set(number)).collect();
            stream.write_all(sets.as_bytes())?;
            let mut answer = vec![0; expected.len()];
            stream.read_exact(&mut answer)?;
            ensure!(answer == expected.as_bytes(), "a set failed: {}", answer.escape_ascii());
        }
        Ok(self)
    }

    /// See [`paced::waits`].
    fn waits(&self, gets: usize, apart: Duration) -> Result<Vec<Duration>> {
        paced::waits(self.connections()?, self.protocol, gets, apart)
    }

    fn connections(&self) -> Result<Vec<TcpStream>> {
        let address = format!("127.0.0.1:{}", self.port);
        (0..CONNECTIONS).map(|_| connect(&address)).collect()
    }

    /// Processor time of the server for a request, in microseconds.
    fn cost(&self, load: &Load, requests: usize) -> Result<f64> {
        let mut asker = Command::new("redis-benchmark");
        asker.args([
            "-p",
            &self.port,
            "-q",
            "-c",
            &CONNECTIONS.to_string(),
            "-r",
            &self.keys.to_string(),
        ]);
        asker.args(["-n", &requests.to_string(), "-P", &load.pipeline.to_string()]);
        match load.keys {
            1 => asker.args(["GET", "key:__rand_int__"]),
            keys => asker.arg("MGET").args(vec!["key:__rand_int__"; keys]),
        };
        let before = self.server.processor_time()?;
        let asked = asker.stdout(Stdio::null()).status();
        let asked = asked.context("redis-benchmark is of the package redis-tools")?;
        ensure!(asked.success(), "redis-benchmark ended with {asked}");
        let took = self.server.processor_time()?.saturating_sub(before);
        Ok(took.as_secs_f64() / requests as f64 * 1e6)
    }
}

/// A port that was free a moment ago.
fn free_port() -> Result<String> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port().to_string())
}

fn connect(address: &str) -> Result<TcpStream> {
    let began = Instant::now();
    loop {
        match TcpStream::connect(address) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(problem) if began.elapsed() > START_WITHIN => return Err(problem.into()),
            Err(_) => std::thread::yield_now(),
        }
    }
}
