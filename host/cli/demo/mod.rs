//! `psycache demo`: runs a cluster and explains what it does.

mod acts;
mod stage;

use std::fmt::Write;

use tokio::signal::ctrl_c;

use crate::cli::output;
use crate::cli::runtime::block_on;

use acts::{moves, values};
use stage::{GROUP, Stage};

/// Watch three nodes at work: owners, one load for many callers, a remove, nodes that come and go
///
/// Starts the nodes in this process, on free ports of this machine only, and ends by
/// itself.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  psycache demo --keep")]
pub(super) struct Args {
    /// Go on serving afterwards, until Ctrl-C
    #[arg(long)]
    keep: bool,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    block_on(&runtime, play(args.keep))
}

async fn play(keep: bool) -> anyhow::Result<()> {
    let mut stage = acts::open().await?;
    moves::who_owns_what(&stage).await?;
    values::one_load_for_many(&stage).await?;
    values::through_each_node(&stage).await?;
    values::one_remove_reaches_all(&mut stage).await?;
    values::a_value_expires(&stage).await?;
    moves::a_node_leaves(&mut stage).await?;
    moves::a_node_joins(&mut stage).await?;
    values::another_policy(&stage).await?;
    if keep {
        output::line(&invitation(&stage))?;
        ctrl_c().await?;
    }
    stage.strike().await;
    output::line("\nThat is all. Start a node of your own: psycache serve")?;
    Ok(())
}

/// Commands to try while the nodes keep running.
fn invitation(stage: &Stage) -> String {
    let mut text = "\nStill serving; try at any of the nodes:".to_owned();
    for actor in stage.actors() {
        let (name, address) = (actor.name(), actor.address());
        let _ = write!(text, "\n   {name}  psycache get {GROUP} Tom --node {address}");
    }
    let address = stage.any().address();
    let _ = write!(text, "\n      psycache status --node {address}\nCtrl-C ends them.");
    text
}
