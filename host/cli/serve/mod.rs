//! `psycache serve`: configure, start, say so, wait, drain.

use std::path::PathBuf;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::cli::exit::{Exit, Failure, complain};
use crate::cli::output;
use crate::cli::runtime::block_on;
use crate::config::{Config, Settings, with_variable};
use crate::node::{Node, StartError};
use crate::telemetry::Telemetry;

/// Run a node
///
/// A flag beats its environment variable, which beats the config file. Flags about
/// a group change the file's group that --group names (or its only one). Once the
/// node answers requests it prints one line on standard output, "psycache ready
/// listen=… http=… nodes=… groups=…"; logs go to standard error. SIGTERM and SIGINT
/// finish what is in flight and end it with 0; a second one ends it at once.
#[derive(clap::Args)]
#[command(mut_args(with_variable))]
#[command(after_help = "Examples:\n  \
    psycache serve --capacity 256MiB --policy lruk --policy-opt k=2\n  \
    psycache serve --config psycache.toml --listen 0.0.0.0:7400 --advertise node-1:7400\n\n\
    Exit codes: 1 a plugin or an address can't be used, 2 wrong flags or config file.")]
pub(super) struct Args {
    /// A TOML file; flags and environment beat it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    settings: Settings,
}

/// Runs the command.
pub(super) fn run(args: Args) -> anyhow::Result<()> {
    let config = configure(args)?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().thread_name("psycache").build()?;
    let result = block_on(&runtime, with_telemetry(config));
    // Does not wait for tasks that have not ended within the drain.
    runtime.shutdown_background();
    result
}

fn configure(args: Args) -> Result<Config, Failure> {
    let usage = |error: crate::config::Error| Failure::new(Exit::Usage, error.to_string());
    let file = args.config.as_deref().map(Settings::read).transpose().map_err(usage)?;
    Config::from_settings(args.settings, file).map_err(usage)
}

async fn with_telemetry(config: Config) -> anyhow::Result<()> {
    let instance = config.advertise.as_ref().unwrap_or(&config.listen);
    let telemetry = Telemetry::start(&config.telemetry, instance)
        .map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
    let result = serve(config).await;
    // The shutdown blocks until the collector answers, so it runs on a blocking thread.
    tokio::task::spawn_blocking(|| telemetry.shutdown()).await?;
    result
}

async fn serve(config: Config) -> anyhow::Result<()> {
    // Before anything else: a signal during the start must drain, too.
    let mut signals = Signals::new()?;
    let groups: Vec<&str> = config.groups.iter().map(|group| group.group.name.as_str()).collect();
    let groups = groups.join(",");
    let mut node = tokio::select! {
        node = Node::start(config) => node.map_err(each_in_its_line)?,
        () = signals.next() => return Ok(()),
    };
    let http = node.http_address().map_or_else(|| "none".into(), |address| address.to_string());
    let ready = format!(
        "psycache ready listen={} http={http} nodes={} groups={groups}",
        node.address(),
        node.nodes()
    );
    // The reader of standard output may be gone; the node serves anyway.
    let _ = output::line(&ready);
    let broken = tokio::select! {
        () = signals.next() => None,
        problem = node.ended() => Some(problem),
    };
    tokio::select! {
        () = node.shutdown() => {}
        () = signals.next() => complain("stopped at once by a second signal; requests may have been cut off"),
    }
    match broken {
        None => Ok(()),
        Some(problem) => anyhow::bail!("{problem}; restart the node"),
    }
}

/// Prints all problems but the last, one a line. The caller prints the last, which is returned.
fn each_in_its_line(error: StartError) -> anyhow::Error {
    match error {
        StartError::Groups(mut problems) => {
            let last = problems.pop();
            problems.iter().for_each(|problem| complain(&problem.to_string()));
            last.map_or_else(|| StartError::Groups(Vec::new()).into(), anyhow::Error::new)
        }
        error => error.into(),
    }
}

/// The signals that stop a node.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
