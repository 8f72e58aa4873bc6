//! What a load from a real MariaDB and a real PostgreSQL costs: the processor time of this
//! process, without that of the database, next to the same retriever compiled into this program;
//! many keys by one query next to as many queries; and the memory of an idle instance.

mod instances;

use std::fs;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result};
use cpu_time::ProcessTime;
use psycache::plugin::{CompileCache, Engines};
use psycache_plugin::Retriever;
use psycache_retriever_mysql::Mysql;
use psycache_retriever_postgres::Postgres;

use crate::Settings;
use crate::database::{Database, ROWS, key};
use crate::report::{Figure, median};
use instances::{Components, Load, Native, Source};

/// Keys of one call for many.
const MANY: u32 = 64;

/// Loads at a time, as many as a group's pool has instances by default.
const POOL: usize = 8;

/// Idle instances whose memory is measured, beside the first one.
const IDLE: usize = 32;

/// Loads by both retrievers.
#[tokio::main]
#[allow(clippy::disallowed_methods, reason = "it is the main of this benchmark")]
pub(crate) async fn run(settings: &Settings) -> Result<Vec<Figure>> {
    let engines = Engines::new(&CompileCache::User)?;
    let mariadb = Database::mariadb()?;
    let dsn = format!("mysql://psy@{}/bench", mariadb.address());
    let query = "SELECT value FROM item WHERE name = ?";
    let options = vec![("dsn", dsn), ("query", query.to_owned())];
    let mysql = Source { plugin: "mysql", address: mariadb.address(), options };
    let mut figures = measure::<Mysql>(settings, &engines, &mysql).await?;
    drop(mariadb);
    let postgres = Database::postgres()?;
    let dsn = format!("postgres://psy@{}/postgres", postgres.address());
    let query = "SELECT value FROM item WHERE name = $1";
    let options = vec![("dsn", dsn), ("query", query.to_owned()), ("tls", "false".to_owned())];
    let source = Source { plugin: "postgres", address: postgres.address(), options };
    figures.extend(measure::<Postgres>(settings, &engines, &source).await?);
    Ok(figures)
}

/// All figures of one source.
async fn measure<R: Retriever + Send>(
    settings: &Settings,
    engines: &Arc<Engines>,
    source: &Source,
) -> Result<Vec<Figure>> {
    let mut components = Components::of(engines, source).await?;
    // Before the others, whose memory could be used again.
    let mut figures = memory(&mut components, source.plugin).await?;
    let (rounds, loads) = if settings.quick { (3, 400) } else { (15, 4_000) };
    for at_a_time in [1, POOL] {
        let mut components = Components::of(engines, source).await?;
        components.grow_to(at_a_time).await?;
        let mut native = Native::<R>::of(source, at_a_time)?;
        let mut costs = [Vec::new(), Vec::new()];
        for round in 0..=rounds {
            let keys = keys(round * loads, loads);
            let spent = [
                processor_us(&mut native, &keys).await?,
                processor_us(&mut components, &keys).await?,
            ];
            // The first round is for connections and memory to get warm.
            if round > 0 {
                costs.iter_mut().zip(spent).for_each(|(costs, spent)| costs.push(spent));
            }
        }
        let case = format!("{} loads, {at_a_time} at a time", source.plugin);
        figures.extend(compared(
            &case,
            ["native", "component"],
            costs,
            "CPU us",
            "x native, aim 2",
        ));
    }
    let mut one = Components::of(engines, source).await?;
    one.grow_to(1).await?;
    figures.extend(together(&mut one, source.plugin, rounds).await?);
    Ok(figures)
}

/// So many keys, those after `first`, in an order that is not that of the table.
fn keys(first: u32, count: u32) -> Vec<String> {
    (first..first + count).map(|at| key(at.wrapping_mul(7_919) % ROWS)).collect()
}

/// The processor time of this process for a load.
async fn processor_us(by: &mut impl Load, keys: &[String]) -> Result<f64> {
    let begun = ProcessTime::now();
    by.load(keys).await?;
    Ok(begun.elapsed().as_secs_f64() * 1e6 / keys.len() as f64)
}

/// Many keys by one call next to as many calls, one after the other, on one connection.
async fn together(components: &mut Components, plugin: &str, rounds: u32) -> Result<Vec<Figure>> {
    let mut times = [Vec::new(), Vec::new()];
    for round in 0..=4 * rounds {
        // Others for each way, since the database has in memory what was read before.
        let [one_by_one, at_once] = [2 * round, 2 * round + 1].map(|at| keys(at * MANY, MANY));
        let begun = Instant::now();
        components.load(&one_by_one).await?;
        let alone = begun.elapsed();
        let begun = Instant::now();
        components.load_together(&at_once).await?;
        let spent = [alone, begun.elapsed()];
        if round > 0 {
            times.iter_mut().zip(spent).for_each(|(to, spent)| to.push(spent.as_secs_f64() * 1e3));
        }
    }
    let case = format!("{plugin}, {MANY} keys");
    let subjects = ["one query each", "one query"];
    Ok(compared(&case, subjects, times, "ms", "x one each, aim 0.25"))
}

/// What each of some idle instances with an open connection adds to the memory of this process.
async fn memory(components: &mut Components, plugin: &str) -> Result<Vec<Figure>> {
    components.grow_to(1).await?;
    components.load(&keys(0, 1)).await?;
    let before = [memory_mib("Rss:")?, memory_mib("Private_Dirty:")?];
    components.grow_to(1 + IDLE).await?;
    components.load(&keys(0, 1 + IDLE as u32)).await?;
    let after = [memory_mib("Rss:")?, memory_mib("Private_Dirty:")?];
    let subjects = ["resident, aim 2", "of which nobody else has"];
    let figures = subjects.into_iter().zip(before).zip(after);
    Ok(figures
        .map(|((subject, before), after)| Figure {
            bench: "sources",
            case: format!("{plugin}, an idle instance"),
            subject: subject.into(),
            value: (after - before) / IDLE as f64,
            unit: "MiB",
        })
        .collect())
}

/// Memory of this process by a line of its sum.
fn memory_mib(line: &str) -> Result<f64> {
    let sum = fs::read_to_string("/proc/self/smaps_rollup").context("memory is read from /proc")?;
    let kib = sum.lines().find_map(|text| text.strip_prefix(line)?.trim().strip_suffix(" kB"));
    Ok(kib.with_context(|| format!("{line} is told"))?.parse::<f64>()? / 1024.0)
}

/// Two subjects in their medians, and the median of the ratios of each round.
fn compared(
    case: &str,
    subjects: [&str; 2],
    rounds: [Vec<f64>; 2],
    unit: &'static str,
    ratio: &'static str,
) -> Vec<Figure> {
    let figure = |subject: &str, value, unit| Figure {
        bench: "sources",
        case: case.into(),
        subject: subject.into(),
        value,
        unit,
    };
    let ratios = rounds[1].iter().zip(&rounds[0]).map(|(second, first)| second / first).collect();
    let [first, second] = rounds.map(median);
    vec![
        figure(subjects[0], first, unit),
        figure(subjects[1], second, unit),
        figure(subjects[1], median(ratios), ratio),
    ]
}
