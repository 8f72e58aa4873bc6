//! `psycache status`: a node as it sees itself and its cluster.

mod report;
mod view;

use crate::cli::connect::{DEFAULT_TIMEOUT, NodeArgs};
use crate::cli::output::{self, Screen};
use crate::proto::StatusRequest;

pub(super) use report::{Group, Plugin, Report};
pub(super) use view::{NODES, head, nodes, problems};

/// Show a node, its cluster and its groups
///
/// With --json one object: version, address, uptime_ms, ready, ring_version, registry
/// {kind, connected, problem, state, ignored_keys}, security, nodes [{address, weight, share,
/// state, problem}], groups [{name, entries, bytes, capacity_bytes, max_entries, hits,
/// misses, hit_ratio, loads, evictions, expirations, policy {name, state, problem,
/// failures, sha256}, retriever (the same, or null), policy_choice (why, where the node chooses
/// the policy), source (or null) {places, running, waiting, idle_instances}}]. Keys may be added, and none will change.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  psycache status\n  psycache status --json | jq '.groups[].hit_ratio'"
)]
pub(super) struct Args {
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    node: NodeArgs,
}

/// Runs the command.
pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let node = args.node.connect(DEFAULT_TIMEOUT).await?;
    let status = node.answer(node.admin().status(node.request(StatusRequest {}))).await?;
    let report = Report::from(status);
    match args.json {
        true => output::json(&report)?,
        false => output::write(view::render(&report, Screen::of_stdout()).as_bytes())?,
    }
    Ok(())
}
