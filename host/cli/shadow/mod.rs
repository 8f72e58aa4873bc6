//! `psycache shadow`: policies and capacities tried beside the live one of a group.

mod candidate;
mod view;

use std::time::Duration;

use bytes::Bytes;
use futures::stream;

use crate::cli::connect::{DEFAULT_TIMEOUT, Node, NodeArgs};
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::{self, Screen};
use crate::proto::start_shadow_request::Part;
use crate::proto::{
    ListShadowsRequest, ShadowHeader, ShadowStatus, StartShadowRequest, StopShadowRequest,
};

use candidate::{Candidate, times};
use view::Shown;
pub(super) use view::{ROWS, cells, head};

/// How long a shadow runs that is not kept.
const AN_HOUR: Duration = Duration::from_secs(3_600);

/// Guests of some languages compile for seconds.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// Try other policies and capacities beside the live one of a group
///
/// Each candidate runs on a sample of the group's keys, in a thread of its own and under the
/// limits of a live policy. The group goes on as it was. Without --policy the command shows
/// what was found out: the hit ratio that the group would have, how far off that may be, and
/// how many loads a second it would save.
///
/// With --json a list of shadows: group, live_policy, age_ms, ends_in_ms (null if kept),
/// share, gets, wanted_gets, lost, waiting, requests, live_hit_ratio, rows [{policy, capacity,
/// capacity_bytes, hit_ratio, error, loads_saved_per_second, problem}]. What is not known
/// yet is null. Keys may be added, and none will change.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    psycache shadow default --policy 'adaptive,lruk?k=3,./mine.wasm' --capacity 0.5x,1x,2x\n  \
    psycache shadow default\n  \
    psycache shadow default --stop")]
pub(super) struct Args {
    /// The group; without it, the shadows of all groups are shown
    #[arg(required_if_eq("stop", "true"))]
    group: Option<String>,
    /// Start with these policies: built-in names or files, each with its options behind a
    /// question mark (lruk?k=3&history=2), separated by commas
    #[arg(long, value_name = "P", value_delimiter = ',', requires = "group")]
    policy: Vec<Candidate>,
    /// Capacities to try each policy with, as multiples of that of the group
    #[arg(
        long,
        value_name = "N",
        value_delimiter = ',',
        default_value = "1x",
        value_parser = times,
        requires = "policy"
    )]
    capacity: Vec<f64>,
    /// Go on until it is stopped; it ends after an hour otherwise
    #[arg(long, requires = "policy")]
    keep: bool,
    /// End the shadow of the group
    #[arg(long, conflicts_with = "policy")]
    stop: bool,
    /// Print JSON
    #[arg(long, conflicts_with_all = ["policy", "stop"])]
    json: bool,
    #[command(flatten)]
    node: NodeArgs,
}

/// Runs the command.
pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let group = args.group.unwrap_or_default();
    if !args.policy.is_empty() {
        let node = args.node.connect(START_TIMEOUT).await?;
        let capacities = args.capacity;
        let keep_ms = if args.keep { 0 } else { AN_HOUR.as_millis() as u64 };
        let header = ShadowHeader { group: Bytes::from(group.clone()), capacities, keep_ms };
        start(&node, header, args.policy).await?;
        let until = if args.keep { "until it is stopped" } else { "for an hour" };
        let shown = format!("started {until}; psycache shadow {group} shows what it finds out");
        return Ok(output::line(&shown)?);
    }
    let node = args.node.connect(DEFAULT_TIMEOUT).await?;
    if args.stop {
        return stop(&node, &group).await;
    }
    let request = ListShadowsRequest { group: Bytes::from(group) };
    let shadows = node.answer(node.admin().list_shadows(node.request(request))).await?.shadows;
    match args.json {
        true => output::json(&shadows.iter().map(Shown::from).collect::<Vec<_>>())?,
        false => output::write(text(&shadows).as_bytes())?,
    }
    Ok(())
}

async fn start(
    node: &Node,
    header: ShadowHeader,
    candidates: Vec<Candidate>,
) -> anyhow::Result<()> {
    let candidates: Vec<_> =
        candidates.into_iter().map(Candidate::parts).collect::<Result<_, _>>()?;
    let parts = std::iter::once(Part::Header(header)).chain(candidates.into_iter().flatten());
    let requests: Vec<_> = parts.map(|part| StartShadowRequest { part: Some(part) }).collect();
    node.answer(node.admin().start_shadow(node.request(stream::iter(requests)))).await?;
    Ok(())
}

async fn stop(node: &Node, group: &str) -> anyhow::Result<()> {
    let request = StopShadowRequest { group: Bytes::from(group.to_owned()) };
    let stopped = node.answer(node.admin().stop_shadow(node.request(request))).await?.stopped;
    if !stopped {
        let message = format!("group {group} has no shadow; it may have ended by itself");
        return Err(Failure::new(Exit::NotFound, message).into());
    }
    output::line("stopped")?;
    Ok(())
}

fn text(shadows: &[ShadowStatus]) -> String {
    if shadows.is_empty() {
        return "no shadow runs; psycache shadow GROUP --policy adaptive starts one\n".into();
    }
    let screen = Screen::of_stdout();
    let shown: Vec<String> = shadows.iter().map(|shadow| view::render(shadow, screen)).collect();
    shown.join("\n")
}
