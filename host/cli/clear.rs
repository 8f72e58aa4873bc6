//! `psycache clear`: drops every entry of a group.

use bytes::Bytes;

use crate::cli::connect::{DEFAULT_TIMEOUT, NodeArgs};
use crate::cli::output;
use crate::proto::ClearRequest;

/// Drop every entry of a group, on every node
#[derive(clap::Args)]
#[command(after_help = "Example:\n  psycache clear default")]
pub(super) struct Args {
    /// The group
    group: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    node: NodeArgs,
}

/// Runs the command.
pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let node = args.node.connect(DEFAULT_TIMEOUT).await?;
    let request = ClearRequest { group: Bytes::from(args.group) };
    let cleared = node.answer(node.cache().clear(node.request(request))).await?;
    if args.json {
        return Ok(output::json(&serde_json::json!({ "dropped": cleared.entries }))?);
    }
    output::line(&format!("dropped {} entries", cleared.entries))?;
    Ok(())
}
