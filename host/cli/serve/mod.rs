//! `psycache serve`: configure, start, say so, wait, drain.

mod process;
mod signals;
mod variables;

use std::path::PathBuf;

use clap::{Args as _, Command};

use crate::cli::connect::NodeArgs;
use crate::cli::exit::{Exit, Failure, complain};
use crate::cli::output;
use crate::cli::runtime::block_on;
use crate::config::{Config, Settings, with_variable};
use crate::node::{Bound, Node, Reloaded, StartError};
use crate::telemetry::Telemetry;
use signals::{Signals, Wanted};

/// Run a node
///
/// A flag beats its environment variable, which beats the config file. Flags about
/// a group change the file's group that --group names (or its only one). Once the
/// node answers requests it prints one line on standard output, "psycache ready
/// listen=… http=… nodes=… groups=…"; logs go to standard error. SIGTERM and SIGINT
/// finish what is in flight and end it with 0; a second one ends it at once. SIGHUP
/// and `psycache reload` read the config file and the secrets again and apply what a
/// running node can.
#[derive(Clone, clap::Args)]
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
    let of = |augment: fn(Command) -> Command| augment(Command::new("psycache"));
    variables::warn_of_unknown(&[of(Args::augment_args), of(NodeArgs::augment_args)]);
    let config = configure(args.clone())?;
    if !config.core_dumps {
        process::without_core_dumps();
    }
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().thread_name("psycache").build()?;
    let result = block_on(&runtime, with_telemetry(config, args));
    // Does not wait for tasks that have not ended within the drain.
    runtime.shutdown_background();
    result
}

fn configure(args: Args) -> Result<Config, Failure> {
    let usage = |error: crate::config::Error| Failure::new(Exit::Usage, error.to_string());
    let file = args.config.as_deref().map(Settings::read).transpose().map_err(usage)?;
    Config::from_settings(args.settings, file).map_err(usage)
}

async fn with_telemetry(config: Config, args: Args) -> anyhow::Result<()> {
    // Before anything else: a signal during the start must drain, too.
    let signals = Signals::new()?;
    let (logs_and_traces, groups) = (config.telemetry.clone(), names(&config));
    let most_connections = config.limits.max_connections;
    // Bound first: the address with its real port is what tells this node's spans.
    let bound = Bound::listen(config).await?;
    let telemetry = Telemetry::start(&logs_and_traces, bound.advertised())
        .map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
    process::raise_open_files(most_connections);
    let reloading = Reloading { args, telemetry: &telemetry, log: logs_and_traces.log };
    let result = serve(bound, &groups, signals, reloading).await;
    // The shutdown blocks until the collector answers, so it runs on a blocking thread.
    tokio::task::spawn_blocking(|| telemetry.shutdown()).await?;
    result
}

/// What a reload needs.
struct Reloading<'a> {
    args: Args,
    telemetry: &'a Telemetry,
    /// The filter of the log that is in effect.
    log: String,
}

impl Reloading<'_> {
    /// Reads the settings again and applies what can be. A problem is logged too, and the node
    /// goes on as it is.
    async fn run(&mut self, node: &mut Node) -> Result<Reloaded, String> {
        let args = self.args.clone();
        let read = tokio::task::spawn_blocking(|| configure(args)).await;
        let applied = match read {
            Ok(Ok(config)) => self.apply(node, config).await,
            Ok(Err(problem)) => Err(problem.into()),
            Err(panic) => Err(panic.into()),
        };
        applied.map_err(|problem| {
            tracing::error!(%problem, "Nothing was reloaded; correct the settings and reload again");
            format!("{problem}; nothing was changed")
        })
    }

    async fn apply(&mut self, node: &mut Node, config: Config) -> anyhow::Result<Reloaded> {
        let logs_and_traces = config.telemetry.clone();
        let mut reloaded = node.reload(config).await?;
        self.telemetry.reload(&logs_and_traces)?;
        if self.log != logs_and_traces.log {
            self.log.clone_from(&logs_and_traces.log);
            reloaded.changed.insert(0, "log".into());
        }
        let (changed, restart) = (reloaded.changed.join(", "), reloaded.needs_restart.join(", "));
        tracing::info!(changed, "Reloaded the settings");
        if !restart.is_empty() {
            tracing::warn!(
                settings = restart,
                "Restart the node for these settings to take effect"
            );
        }
        Ok(reloaded)
    }
}

fn names(config: &Config) -> String {
    let groups: Vec<&str> = config.groups.iter().map(|group| group.group.name.as_str()).collect();
    groups.join(",")
}

async fn serve(
    bound: Bound,
    groups: &str,
    mut signals: Signals,
    mut reloading: Reloading<'_>,
) -> anyhow::Result<()> {
    let mut node = tokio::select! {
        node = Node::start_on(bound) => node.map_err(each_in_its_line)?,
        () = signals.stop() => return Ok(()),
    };
    let http = node.http_address().map_or_else(|| "none".into(), |address| address.to_string());
    let redis =
        node.redis_address().map_or_else(String::new, |address| format!(" redis={address}"));
    let peer = node.peer_address().map_or_else(String::new, |address| format!(" peer={address}"));
    let ready = format!(
        "psycache ready listen={}{peer} http={http}{redis} nodes={} groups={groups}",
        node.address(),
        node.nodes()
    );
    // The reader of standard output may be gone; the node serves anyway.
    let _ = output::line(&ready);
    let mut requests = node.reload_requests();
    let broken = loop {
        let request = tokio::select! {
            wanted = signals.next() => match wanted {
                Wanted::Stop => break None,
                Wanted::Reload => None,
            },
            request = requests.recv() => request,
            problem = node.ended() => break Some(problem),
        };
        let result = tokio::select! {
            result = reloading.run(&mut node) => result,
            () = signals.stop() => break None,
        };
        if let Some(request) = request {
            request.answer(result);
        }
    };
    tokio::select! {
        () = node.shutdown() => {}
        () = signals.stop() => complain("stopped at once by a second signal; requests may have been cut off"),
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
