//! Gets of keys that another node has in memory: their processor time over all processes, and
//! their latency.
//!
//! Each side is a process of its own, and the subjects take turns in rounds. All
//! keep their transport's defaults but for `TCP_NODELAY`, which all have.
#![allow(clippy::disallowed_methods, reason = "each part is the main of a process of its own")]

mod asker;
mod bare_tonic;
mod certificates;
#[cfg(feature = "peers")]
mod groupcache;
mod process;
mod psycache;
mod ring;

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::Settings;
use crate::report::{Figure, median};
use process::Process;

/// Gets in flight where throughput is what counts.
const MANY: usize = 64;

const SMALL_BYTES: usize = 100;
const PAGE_BYTES: usize = 4 << 10;

/// Runs the processes of all subjects, and what needs no other process.
pub(crate) fn run(settings: &Settings) -> Result<Vec<Figure>> {
    if let Some(part) = &settings.part {
        return play(part).map(|()| Vec::new());
    }
    let (gets, rounds) = if settings.quick { (2_000, 3) } else { (50_000, 7) };
    let mut stage = Stage::set()?;
    let mut figures = Vec::new();
    for bytes in [SMALL_BYTES, PAGE_BYTES] {
        for way in [Way::Hop, Way::Forwarded] {
            figures.extend(stage.processor_time(way, bytes, gets, rounds)?);
        }
    }
    figures.extend(stage.latency(gets / 10, rounds)?);
    figures.extend(ring::run(settings.quick)?);
    Ok(figures)
}

/// Plays the part of one process of this benchmark until standard input ends.
fn play(part: &str) -> Result<()> {
    let words: Vec<&str> = part.split(' ').collect();
    match words[..] {
        #[cfg(feature = "peers")]
        ["groupcache-node", mark, own, other] => groupcache::node(mark, own, other),
        #[cfg(feature = "peers")]
        ["groupcache-client", node] => groupcache::ask(node),
        ["tonic-server", address] => bare_tonic::serve(address),
        ["tonic-client", server] => bare_tonic::ask(server),
        ["psycache-node", own, other] => psycache::node(own, other, None),
        ["psycache-tls-node", own, other, folder] => {
            psycache::node(own, other, Some(certificates::of_nodes(folder.as_ref())))
        }
        ["psycache-unary", node] => psycache::ask_by_calls(node),
        ["psycache-session", node] => psycache::ask_on_a_session(node),
        _ => anyhow::bail!("no process of this benchmark is called {part:?}"),
    }
}

/// The way that a get takes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// From a program that is a node itself, to the owner.
    Hop,
    /// From a client to a node, and from there to the owner.
    Forwarded,
}

impl Way {
    fn name(self) -> &'static str {
        match self {
            Self::Hop => "node to owner",
            Self::Forwarded => "client to node to owner",
        }
    }
}

struct Subject {
    name: &'static str,
    way: Way,
    /// The process that asks, by its name on the [`Stage`].
    asker: &'static str,
    /// The other processes that take part in the answer.
    others: &'static [&'static str],
}

/// In each way the first one is what the others are compared with.
static SUBJECTS: &[Subject] = &[
    #[cfg(feature = "peers")]
    Subject {
        name: "groupcache 0.3",
        way: Way::Hop,
        asker: "groupcache node",
        others: &["groupcache owner"],
    },
    Subject {
        name: "bare tonic, unary calls",
        way: Way::Hop,
        asker: "tonic client",
        others: &["tonic server"],
    },
    Subject { name: "psycache", way: Way::Hop, asker: "node", others: &["owner"] },
    Subject {
        name: "psycache, mutual TLS",
        way: Way::Hop,
        asker: "TLS node",
        others: &["TLS owner"],
    },
    #[cfg(feature = "peers")]
    Subject {
        name: "groupcache 0.3",
        way: Way::Forwarded,
        asker: "groupcache client",
        others: &["groupcache owner", "groupcache node"],
    },
    Subject {
        name: "psycache, unary calls",
        way: Way::Forwarded,
        asker: "unary client",
        others: &["owner", "node"],
    },
    Subject {
        name: "psycache, client",
        way: Way::Forwarded,
        asker: "session client",
        others: &["owner", "node"],
    },
];

/// All processes, by name.
struct Stage {
    processes: BTreeMap<&'static str, Process>,
    /// The certificates of the nodes that have some.
    _certificates: TempDir,
}

impl Stage {
    fn set() -> Result<Self> {
        let certificates = certificates::make()?;
        let folder = certificates.path().display().to_string();
        let mut stage = Self { processes: BTreeMap::new(), _certificates: certificates };
        // Nodes come first: they connect to each other, and values are put in their
        // places, before an asker finds out which keys are another node's.
        let mut preparing = Vec::new();
        #[cfg(feature = "peers")]
        {
            let [owner, node] = process::free_addresses()?;
            let (first, second) = (groupcache::OWNER, groupcache::OTHER);
            stage.add("groupcache owner", &format!("groupcache-node {first} {owner} {node}"))?;
            stage.add("groupcache node", &format!("groupcache-node {second} {node} {owner}"))?;
            stage.add("groupcache client", &format!("groupcache-client {node}"))?;
            preparing.extend(["groupcache owner", "groupcache node", "groupcache client"]);
        }
        let [tonic, owner, node] = process::free_addresses()?;
        stage.add("tonic server", &format!("tonic-server {tonic}"))?;
        stage.add("tonic client", &format!("tonic-client {tonic}"))?;
        stage.add("owner", &format!("psycache-node {owner} {node}"))?;
        stage.add("node", &format!("psycache-node {node} {owner}"))?;
        stage.add("unary client", &format!("psycache-unary {node}"))?;
        stage.add("session client", &format!("psycache-session {node}"))?;
        let [owner, node] = process::free_addresses()?;
        stage.add("TLS owner", &format!("psycache-tls-node {owner} {node} {folder}"))?;
        stage.add("TLS node", &format!("psycache-tls-node {node} {owner} {folder}"))?;
        preparing.extend(["owner", "node", "TLS owner", "TLS node"]);
        preparing.extend(["tonic client", "unary client", "session client"]);
        for name in preparing {
            for bytes in [SMALL_BYTES, PAGE_BYTES] {
                let said = stage.tell(name, &format!("prepare {bytes}"))?;
                let keys: usize = said.parse().with_context(|| format!("{name}: {said:?}"))?;
                ensure!(keys >= 10 * MANY, "{name}: only {keys} keys are another node's");
            }
        }
        Ok(stage)
    }

    fn add(&mut self, name: &'static str, part: &str) -> Result<()> {
        self.processes.insert(name, Process::start(part)?);
        Ok(())
    }

    fn tell(&mut self, name: &str, line: &str) -> Result<String> {
        let process = self.processes.get_mut(name);
        process.with_context(|| format!("no process is called {name:?}"))?.tell(line)
    }

    fn processor_time(
        &mut self,
        way: Way,
        bytes: usize,
        gets: usize,
        rounds: usize,
    ) -> Result<Vec<Figure>> {
        let subjects: Vec<&Subject> =
            SUBJECTS.iter().filter(|subject| subject.way == way).collect();
        let mut all = vec![(Vec::new(), Vec::new()); subjects.len()];
        for _ in 0..rounds {
            for (subject, (total, nodes)) in subjects.iter().zip(&mut all) {
                let asked = self.processor_seconds(&[subject.asker])?;
                let answered = self.processor_seconds(subject.others)?;
                self.ask(subject, bytes, gets, MANY)?;
                let answered = self.processor_seconds(subject.others)? - answered;
                let asked = self.processor_seconds(&[subject.asker])? - asked;
                let per_million = 1e6 / gets as f64;
                total.push((asked + answered) * per_million);
                nodes.push(answered * per_million);
            }
        }
        let case = |what: &str| format!("{}, {bytes} B, {MANY} in flight{what}", way.name());
        let figure = |case: String, subject: &Subject, rounds: Vec<f64>| Figure {
            bench: "remote",
            case,
            subject: subject.name.into(),
            value: median(rounds),
            unit: "CPU-s/M gets",
        };
        let (totals, nodes): (Vec<_>, Vec<_>) = all.into_iter().unzip();
        let named = |rounds: Vec<Vec<f64>>, what: &'static str| {
            let named = subjects.iter().zip(rounds);
            named.map(move |(subject, rounds)| figure(case(what), subject, rounds))
        };
        let mut figures: Vec<Figure> = named(totals, "").collect();
        if way == Way::Forwarded {
            figures.extend(named(nodes, ", nodes only"));
        }
        Ok(figures)
    }

    fn latency(&mut self, gets: usize, rounds: usize) -> Result<Vec<Figure>> {
        let mut all = vec![Vec::new(); SUBJECTS.len()];
        for _ in 0..rounds {
            for (subject, times) in SUBJECTS.iter().zip(&mut all) {
                let took = self.ask(subject, SMALL_BYTES, gets, 1)?;
                times.push(took.as_secs_f64() * 1e6 / gets as f64);
            }
        }
        let figures = SUBJECTS.iter().zip(all).map(|(subject, rounds)| Figure {
            bench: "remote",
            case: format!("{}, {SMALL_BYTES} B, one in flight", subject.way.name()),
            subject: subject.name.into(),
            value: median(rounds),
            unit: "us",
        });
        Ok(figures.collect())
    }

    fn ask(
        &mut self,
        subject: &Subject,
        bytes: usize,
        gets: usize,
        in_flight: usize,
    ) -> Result<Duration> {
        let said = self.tell(subject.asker, &format!("get {bytes} {gets} {in_flight}"))?;
        let nanos = said.parse().with_context(|| format!("{}: {said:?}", subject.name))?;
        Ok(Duration::from_nanos(nanos))
    }

    fn processor_seconds(&self, names: &[&str]) -> Result<f64> {
        let all = self.processes.iter().filter(|(name, _)| names.contains(name));
        all.map(|(_, process)| process.processor_seconds()).sum()
    }
}
