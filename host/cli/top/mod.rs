//! `psycache top`: a node, its cluster and its groups, live in a terminal.
//!
//! A task asks the node (`watch`), what it tells goes into the `view`, a key changes what of it
//! is chosen (`keys`), and after each of these `draw` makes the whole screen anew.

mod history;
mod seen;
mod watch;

mod keys;
mod view;

mod draw;

mod live;
mod screen;

use std::time::{Duration, Instant};

use crate::cli::connect::NodeArgs;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::{self, Screen};
use crate::cli::parse;
use crate::config::text::Parsed;

use draw::Look;
use view::View;
use watch::Watch;

/// The width of a frame that is not written to a terminal.
const COLUMNS: u16 = 120;

/// Show a node, its cluster and its groups, live
///
/// What `psycache status` and the node's page show, every second: the nodes and their shares,
/// each group with its hit ratio, rates and policy, the hit ratio of the last minutes, and the
/// shadows. Ratios and rates are those of the last ten seconds, or since the
/// last look where that is longer. It only reads.
///
/// Keys: up and down, or k and j, choose a group; Enter or Tab shows it alone; ? shows all keys; q
/// ends it. A node that goes away is asked again until it answers.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    psycache top\n  \
    psycache top --node 10.0.0.1:7400 --every 5s\n  \
    psycache top --once")]
pub(super) struct Args {
    /// How often the node is asked, from 100ms to 1h
    #[arg(long, value_name = "D", default_value = "1s", value_parser = every)]
    every: Duration,
    /// Print one frame as plain text, of what happens in the time --every
    #[arg(long)]
    once: bool,
    #[command(flatten)]
    node: NodeArgs,
}

fn every(text: &str) -> Parsed<Duration> {
    let every = parse::time(text)?;
    match (Duration::from_millis(100)..=Duration::from_secs(3_600)).contains(&every) {
        true => Ok(every),
        false => Err("write a time from 100ms to 1h".into()),
    }
}

/// Runs the command.
pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let screen = Screen::of_stdout();
    if !args.once {
        can_show(screen)?;
    }
    let began = Instant::now();
    let mut watch = Watch::new(args.node, args.every, began);
    // A node that is not there from the first is an error, as of all commands.
    let mut view = View::new(watch.look().await?);
    if !args.once {
        return live::run(watch, view, Look { colour: screen.colour }).await;
    }
    tokio::time::sleep(args.every).await;
    view.take(watch.look().await?);
    let columns = screen.columns.and_then(|columns| u16::try_from(columns).ok());
    let text = draw::text(&view, columns.unwrap_or(COLUMNS));
    Ok(output::write(text.as_bytes())?)
}

/// Refuses a standard output that can't show a changing screen.
fn can_show(screen: Screen) -> Result<(), Failure> {
    let instead =
        "psycache top --once prints one frame, and psycache status --json is for programs";
    let problem = match std::env::var_os("TERM") {
        _ if screen.columns.is_none() => "standard output is no terminal",
        Some(name) if name == "dumb" => "the terminal can't move its cursor (TERM=dumb)",
        _ => return Ok(()),
    };
    Err(Failure::new(Exit::Usage, format!("{problem}; {instead}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_asks_neither_all_the_time_nor_never() {
        assert_eq!(every("2s"), Ok(Duration::from_secs(2)));
        for wrong in ["0s", "99ms", "2h", "-1s", "often"] {
            assert!(every(wrong).is_err(), "{wrong}");
        }
    }
}
