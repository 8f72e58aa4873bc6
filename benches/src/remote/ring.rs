//! A change of the ring at 64 nodes, and a look-up in it.

use std::future::Future;
use std::hint::black_box;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use psycache::clock::Clock;
use psycache::cluster::Cluster;
use psycache::membership::registry::{Member, Membership};
use psycache::transport::remote::{Link, Remote, RemoteError, Request, Response};

use crate::report::{Figure, median};

const NODES: usize = 64;
const LOOK_UPS: u64 = 1_000_000;

/// Times a node that comes and goes among 64, and the owners of many keys.
pub(super) fn run(quick: bool) -> Result<Vec<Figure>> {
    let rounds = if quick { 3 } else { 31 };
    let cluster = Cluster::new(&address(0), Clock::monotonic(), |address| {
        Arc::new(Unasked(address.to_owned()))
    });
    let (fewer, all) = (membership(NODES - 1), membership(NODES));
    cluster.apply(Arc::clone(&fewer));
    let (mut joins, mut leaves, mut look_ups) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds {
        joins.push(time(|| cluster.apply(Arc::clone(&all))).as_secs_f64() * 1e3);
        look_ups.push(time(|| look_up(&cluster, round)).as_nanos() as f64 / LOOK_UPS as f64);
        leaves.push(time(|| cluster.apply(Arc::clone(&fewer))).as_secs_f64() * 1e3);
    }
    if cluster.state().nodes.len() != NODES - 1 {
        bail!("the ring has {} nodes", cluster.state().nodes.len());
    }
    let figure = |case: &str, rounds, unit| Figure {
        bench: "remote",
        case: case.into(),
        subject: "psycache".into(),
        value: median(rounds),
        unit,
    };
    Ok(vec![
        figure("a 64th node joins the ring", joins, "ms"),
        figure("it leaves again", leaves, "ms"),
        figure("owner of a key among 64", look_ups, "ns"),
    ])
}

fn time(work: impl FnOnce()) -> Duration {
    let begin = Instant::now();
    work();
    begin.elapsed()
}

fn look_up(cluster: &Cluster, round: u64) {
    for key in 0..LOOK_UPS {
        // Spread over the whole ring, as hashes are (Fibonacci hashing, Knuth).
        let hash = (key + round).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        black_box(cluster.owner(black_box(hash)));
    }
}

fn address(number: usize) -> String {
    format!("10.0.0.{number}:7400")
}

fn membership(nodes: usize) -> Arc<Membership> {
    let nodes = (0..nodes).map(|number| Member::own(address(number), 1)).collect();
    Arc::new(Membership { nodes, connected: true, ..Membership::default() })
}

/// Another node, which nobody asks for anything here.
struct Unasked(String);

impl Remote for Unasked {
    fn address(&self) -> &str {
        &self.0
    }

    fn link(&self) -> Link {
        Link::Connected
    }

    fn ask(
        &self,
        _: Request,
        _: Duration,
    ) -> Pin<Box<dyn Future<Output = Result<Response, RemoteError>> + Send + '_>> {
        let problem = format!("{} is a name only", self.0);
        Box::pin(async move { Err(RemoteError::Unreachable(problem)) })
    }
}
