//! A new ring of few and of many nodes, and a look-up in it.

use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use psycache::membership::rendezvous::{Ring, RingNode};

use crate::report::{Figure, median};

const LOOK_UPS: u64 = 1_000_000;

/// Times what a change of the members costs, and the owners of many keys.
pub(super) fn run(quick: bool) -> Result<Vec<Figure>> {
    let rounds = if quick { 3 } else { 31 };
    let mut figures = Vec::new();
    for count in [3, 64, 1_000] {
        let nodes = nodes(count);
        // The first ring of the process computes the logarithms that all share.
        let mut ring = Ring::new(nodes.clone());
        let (mut builds, mut look_ups) = (Vec::new(), Vec::new());
        for round in 0..rounds {
            let nodes = nodes.clone();
            builds.push(time(|| ring = Ring::new(nodes)).as_secs_f64() * 1e3);
            look_ups.push(time(|| look_up(&ring, round)).as_nanos() as f64 / LOOK_UPS as f64);
        }
        if ring.shares().contains(&0.0) {
            bail!("a node of {count} owns nothing");
        }
        figures.push(figure(format!("a new ring of {count} nodes"), builds, "ms"));
        if count >= 64 {
            figures.push(figure(format!("owner of a key among {count}"), look_ups, "ns"));
        }
    }
    Ok(figures)
}

fn figure(case: String, rounds: Vec<f64>, unit: &'static str) -> Figure {
    Figure { bench: "remote", case, subject: "psycache".into(), value: median(rounds), unit }
}

fn time(work: impl FnOnce()) -> Duration {
    let begin = Instant::now();
    work();
    begin.elapsed()
}

fn look_up(ring: &Ring, round: u64) {
    for key in 0..LOOK_UPS {
        // Spread over the whole ring, as hashes are (Fibonacci hashing, Knuth).
        let hash = (key + round).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        black_box(ring.owner(black_box(hash)));
    }
}

fn nodes(count: usize) -> Vec<RingNode> {
    let address = |number| format!("10.0.{}.{}:7400", number / 250, number % 250 + 1);
    (0..count).map(|number| RingNode { address: address(number).into(), weight: 1 }).collect()
}
