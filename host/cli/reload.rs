//! `psycache reload`: a node reads its settings again.

use serde_json::json;

use std::time::Duration;

use crate::cli::connect::NodeArgs;
use crate::cli::output;
use crate::proto::ReloadRequest;

/// A reload compiles plugins, and evicts where a capacity is lower.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);

/// Let a node read its settings again, as SIGHUP does
///
/// The node reads its config file and its secrets, applies what can change while it
/// runs, and names what needs a restart. If there is a mistake, nothing changes.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  psycache reload --node 10.0.0.1:7400")]
pub(super) struct Args {
    /// Print JSON: {changed, needs_restart}, each a list of settings
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    node: NodeArgs,
}

/// Runs the command.
pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let node = args.node.connect(DEFAULT_TIMEOUT).await?;
    let done = node.answer(node.admin().reload(node.request(ReloadRequest {}))).await?;
    if args.json {
        let shown = json!({ "changed": done.changed, "needs_restart": done.needs_restart });
        return Ok(output::json(&shown)?);
    }
    if done.changed.is_empty() {
        output::line("changed nothing")?;
    }
    for setting in &done.changed {
        output::line(&format!("changed {setting}"))?;
    }
    for setting in &done.needs_restart {
        output::line(&format!("needs a restart: {setting}"))?;
    }
    Ok(())
}
