//! `psycache policy swap`: another eviction policy for a group that goes on serving.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use futures::stream;

use super::chunks::chunks;
use super::trial;
use crate::cli::connect::{Node, NodeArgs};
use crate::cli::exit::{Exit, Failure, complain};
use crate::cli::{output, parse};
use crate::config::text::{Parsed, Points};
use crate::plugin::Plugin;
use crate::proto::swap_policy_request::Part;
use crate::proto::{StatusRequest, SwapPolicyHeader, SwapPolicyRequest, SwapPolicyResponse};

/// Guests of some languages compile for seconds.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);

/// Give a group another eviction policy while it serves
///
/// Entries stay, and no request fails or waits. A file is read here and sent to the
/// node, and so is a file that an option names (@FILE).
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    psycache policy swap default twoq\n  \
    psycache policy swap default ./mine.wasm --opt k=3 --all\n  \
    psycache policy swap default adaptive --if-better 1pp --for 10m")]
pub(in crate::cli) struct Args {
    /// The group
    group: String,
    /// A built-in's name (psycache policy list) or a file
    plugin: String,
    /// An option of the policy; @FILE stands for the file's content
    #[arg(long = "opt", value_name = "K=V", value_parser = parse::pair)]
    opts: Vec<(String, String)>,
    /// On every node of the cluster
    #[arg(long)]
    all: bool,
    /// Only if it hits so many points more, such as 1pp: it is measured beside the group's
    /// policy first. If the group then hits less than before, that policy comes back
    #[arg(long, value_name = "N", value_parser = points, conflicts_with = "all")]
    if_better: Option<f64>,
    /// How long it is measured, and then watched
    #[arg(
        long = "for",
        value_name = "D",
        default_value = "10m",
        value_parser = parse::time,
        requires = "if_better"
    )]
    span: Duration,
    #[command(flatten)]
    node: NodeArgs,
}

/// Runs the command.
pub(in crate::cli) async fn run(args: Args) -> anyhow::Result<()> {
    parse::each_once(&args.opts)?;
    let plugin = Plugin::resolve(&args.plugin)?;
    let header = SwapPolicyHeader {
        group: Bytes::from(args.group),
        name: plugin.name().into(),
        // A built-in is sent as its name, because the node has the component itself.
        sha256: if plugin.is_builtin() { String::new() } else { plugin.sha256().into() },
        options: args.opts.into_iter().collect::<HashMap<_, _>>(),
    };
    let component =
        if plugin.is_builtin() { Bytes::new() } else { Bytes::copy_from_slice(plugin.bytes()) };
    if let Some(better_by) = args.if_better {
        return trial::run(&args.node, header, &component, better_by, args.span).await;
    }
    let first = args.node.connect(DEFAULT_TIMEOUT).await?;
    if !args.all {
        let swapped = swap(&first, &header, &component).await?;
        return Ok(output::line(&told(args.node.address(), swapped))?);
    }
    let status = first.answer(first.admin().status(first.request(StatusRequest {}))).await?;
    let mut failures = Vec::new();
    for node in &status.nodes {
        let address = if node.clients.is_empty() { &node.address } else { &node.clients };
        let swapped = match args.node.connect_to(address, DEFAULT_TIMEOUT).await {
            Ok(node) => swap(&node, &header, &component).await,
            Err(unreachable) => Err(unreachable),
        };
        match swapped {
            Ok(swapped) => output::line(&told(address, swapped))?,
            Err(failure) => {
                complain(&format!("{address}: {failure}"));
                failures.push(failure.exit);
            }
        }
    }
    match failures.first() {
        None => Ok(()),
        Some(exit) => {
            let message = format!(
                "{} of {} nodes have the old policy still; run the same again when they are mended",
                failures.len(),
                status.nodes.len()
            );
            // The code is `Unavailable` only if a retry may help for every failed node.
            let exit =
                if failures.iter().all(|other| other == exit) { *exit } else { Exit::Failed };
            Err(Failure::new(exit, message).into())
        }
    }
}

fn points(text: &str) -> Parsed<f64> {
    text.parse().map(|Points(points)| points)
}

async fn swap(
    node: &Node,
    header: &SwapPolicyHeader,
    component: &Bytes,
) -> Result<SwapPolicyResponse, Failure> {
    let header = std::iter::once(Part::Header(header.clone()));
    let parts: Vec<Part> = header.chain(chunks(component).map(Part::Component)).collect();
    let requests =
        stream::iter(parts.into_iter().map(|part| SwapPolicyRequest { part: Some(part) }));
    node.answer(node.admin().swap_policy(node.request(requests))).await
}

fn told(address: &str, swapped: SwapPolicyResponse) -> String {
    format!("{address}: {} entries handed over in {} ms", swapped.entries, swapped.duration_ms)
}
