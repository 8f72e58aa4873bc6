//! `psycache demo`: a node at work, and in plain words what it does.

mod acts;
mod stage;

use tokio::signal::ctrl_c;

use crate::cli::{block_on, output};

use stage::Stage;

/// Watch a node at work: one load for many callers, a remove, an expiry, another policy
///
/// Starts a node in this process, on free ports of this machine only, and ends by
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
    let stage = Stage::set().await?;
    acts::one_load_for_many(&stage).await?;
    acts::from_memory(&stage).await?;
    acts::remove_shows_the_new_value(&stage).await?;
    acts::a_value_expires(&stage).await?;
    acts::another_policy(&stage).await?;
    let address = stage.address();
    if keep {
        output::line(&format!(
            "\nStill serving at {address}; try: psycache get scores Tom --node {address}\nCtrl-C ends it."
        ))?;
        ctrl_c().await?;
    }
    stage.strike().await;
    output::line("\nThat is all. Start a node of your own: psycache serve")?;
    Ok(())
}
