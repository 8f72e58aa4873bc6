//! The steps of the demo. A step fails if it does not observe what it announces.

pub(super) mod moves;
pub(super) mod values;

use std::fmt::Write;
use std::time::Duration;

use anyhow::Result;

use super::stage::{GROUP, LATENCY, Stage};
use crate::cli::output::line;

/// The nodes that run from the beginning.
const NAMES: [&str; 3] = ["A", "B", "C"];

/// The keys that the callers ask for.
const STUDENTS: [&str; 3] = ["Tom", "Jack", "Sam"];

/// How many more students there are, without names, so that enough keys move.
const OTHERS: usize = 30;

fn heading(number: u32, text: &str) -> Result<()> {
    Ok(line(&format!("\n{number}. {text}"))?)
}

fn other(number: usize) -> String {
    format!("student-{number}")
}

/// The source's table, in which Tom has `score`.
fn table(score: u32) -> String {
    let mut rows = format!("key,value\nTom,{score}\nJack,589\nSam,567\n");
    for number in 0..OTHERS {
        let _ = writeln!(rows, "{},{}", other(number), 500 + number);
    }
    rows
}

/// Introduces the three nodes.
pub(super) async fn open() -> Result<Stage> {
    let stage = Stage::set(&NAMES, &table(630)).await?;
    line("Three nodes are one cluster:")?;
    for actor in stage.actors() {
        line(&format!("   {}  {}", actor.name(), actor.address()))?;
    }
    line(&format!("Their group {GROUP:?} has the policy lru.wasm and the source static.wasm,"))?;
    line(&format!("which takes {} ms to answer.", LATENCY.as_millis()))?;
    Ok(stage)
}

/// "1 time", "2 times".
fn times(count: u64) -> String {
    format!("{count} {}", if count == 1 { "time" } else { "times" })
}

fn ms(took: Duration) -> f64 {
    took.as_secs_f64() * 1000.0
}
