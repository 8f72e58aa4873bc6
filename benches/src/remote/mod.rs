//! Gets of keys that another node has in memory: what they cost in processor time,
//! all processes together, and how long one of them takes.
//!
//! Each side is a process of its own, and the subjects take turns in rounds. All
//! keep their transport's defaults but for `TCP_NODELAY`, which all have.
#![allow(clippy::disallowed_methods, reason = "each part is the main of a process of its own")]

mod asker;
mod bare_tonic;
mod groupcache;
mod process;
mod psycache;
mod ring;

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::Settings;
use crate::report::{Figure, median};
use process::Process;

/// Gets in flight where throughput is what counts.
const MANY: usize = 64;

const SMALL_BYTES: usize = 100;
const PAGE_BYTES: usize = 4 << 10;

/// Runs the processes of all subjects, and what needs no other process.
pub(crate) fn run(settings: &Settings) -> Result<Vec<Figure>> {
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
pub(crate) fn play(part: &[String]) -> Result<()> {
    let part: Vec<&str> = part.iter().map(String::as_str).collect();
    match part[..] {
        ["tonic-server", address] => bare_tonic::serve(address),
        ["tonic-client", server] => bare_tonic::ask(server),
        ["groupcache-node", mark, own, other] => groupcache::node(mark, own, other),
        ["groupcache-client", node] => groupcache::ask(node),
        ["psycache-node", own, other] => psycache::node(own, other),
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
    /// Who asks: an index of [`Stage::processes`].
    asker: usize,
    /// Who works for the answer besides.
    others: &'static [usize],
}

/// In each way the first one is what the others are compared with.
static SUBJECTS: [Subject; 6] = [
    Subject { name: "groupcache 0.3", way: Way::Hop, asker: 1, others: &[0] },
    Subject { name: "bare tonic, unary calls", way: Way::Hop, asker: 3, others: &[2] },
    Subject { name: "psycache", way: Way::Hop, asker: 5, others: &[4] },
    Subject { name: "groupcache 0.3", way: Way::Forwarded, asker: 6, others: &[0, 1] },
    Subject { name: "psycache, unary calls", way: Way::Forwarded, asker: 7, others: &[4, 5] },
    Subject { name: "psycache, client", way: Way::Forwarded, asker: 8, others: &[4, 5] },
];

struct Stage {
    processes: Vec<Process>,
}

impl Stage {
    fn set() -> Result<Self> {
        let [groupcache_owner, groupcache_node, tonic, owner, node] =
            process::free_addresses::<5>()?;
        let parts: [&[&str]; 9] = [
            &["groupcache-node", groupcache::OWNER, &groupcache_owner, &groupcache_node],
            &["groupcache-node", groupcache::OTHER, &groupcache_node, &groupcache_owner],
            &["tonic-server", &tonic],
            &["tonic-client", &tonic],
            &["psycache-node", &owner, &node],
            &["psycache-node", &node, &owner],
            &["groupcache-client", &groupcache_node],
            &["psycache-unary", &node],
            &["psycache-session", &node],
        ];
        let processes = parts.into_iter().map(Process::start).collect::<Result<Vec<_>>>()?;
        let mut stage = Self { processes };
        // Once all are there: nodes connect to each other, values are put in their
        // places, and each asker finds out which keys are another node's.
        for at in [0, 4, 1, 5, 3, 6, 7, 8] {
            for bytes in [SMALL_BYTES, PAGE_BYTES] {
                let said = stage.processes[at].tell(&format!("prepare {bytes}"))?;
                let keys: usize = said.parse().with_context(|| format!("it said {said:?}"))?;
                ensure!(keys >= 10 * MANY, "only {keys} keys are another node's");
            }
        }
        Ok(stage)
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
        let said =
            self.processes[subject.asker].tell(&format!("get {bytes} {gets} {in_flight}"))?;
        let nanos = said.parse().with_context(|| format!("{}: {said:?}", subject.name))?;
        Ok(Duration::from_nanos(nanos))
    }

    fn processor_seconds(&self, processes: &[usize]) -> Result<f64> {
        processes.iter().map(|at| self.processes[*at].processor_seconds()).sum()
    }
}
