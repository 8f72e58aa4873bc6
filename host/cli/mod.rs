//! The `psycache` command: its subcommands, and how each ends.

mod clear;
mod completions;
mod connect;
mod demo;
mod exit;
mod get;
mod keys;
mod output;
mod parse;
mod plugin;
mod policy;
mod record;
mod reload;
mod remove;
mod runtime;
mod serve;
mod set;
mod shadow;
mod sim;
mod status;
mod table;
mod tls;
mod token;
mod top;

#[doc(hidden)]
pub use sim::{Simulated, Unit, simulate};

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue};
use clap::{Args as _, CommandFactory, FromArgMatches, Parser, Subcommand};

/// A distributed read-through cache whose eviction policies and data sources are
/// WebAssembly components
#[derive(Parser)]
#[command(
    name = "psycache",
    version,
    arg_required_else_help = true,
    after_help = "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not found, 4 unavailable or deadline.\n\n\
                  Example:\n  psycache serve &\n  psycache get default Tom"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Serve(Box<serve::Args>),
    Get(get::Args),
    Set(set::Args),
    Remove(remove::Args),
    Clear(clear::Args),
    Status(status::Args),
    Top(top::Args),
    Reload(reload::Args),
    /// Eviction policies: which there are, one of your own, and another one for a group
    #[command(subcommand)]
    Policy(policy::Command),
    Shadow(shadow::Args),
    Record(record::Args),
    Sim(sim::Args),
    Demo(demo::Args),
    /// Plugin files
    #[command(subcommand)]
    Plugin(plugin::Command),
    /// Certificates
    #[command(subcommand)]
    Tls(tls::Command),
    /// Tokens of callers
    #[command(subcommand)]
    Token(token::Command),
    Completions(completions::Args),
}

/// Runs the command that `args` (the program's name first) ask for, and says how
/// it ended. Errors are on standard error by then.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    let parsed = Cli::command()
        .try_get_matches_from(&args)
        .and_then(|matches| Cli::from_arg_matches(&matches));
    match parsed {
        Ok(cli) => exit::report(dispatch(cli.command)),
        Err(error) => {
            let error = naming_the_environment(error, &args);
            // A closed pipe is no failure for help.
            let _ = error.print();
            exit::usage(&error)
        }
    }
}

fn dispatch(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Serve(args) => serve::run(*args),
        Command::Get(args) => runtime::wait_for(get::run(args)),
        Command::Set(args) => runtime::wait_for(set::run(args)),
        Command::Remove(args) => runtime::wait_for(remove::run(args)),
        Command::Clear(args) => runtime::wait_for(clear::run(args)),
        Command::Status(args) => runtime::wait_for(status::run(args)),
        Command::Top(args) => runtime::wait_for(top::run(args)),
        Command::Reload(args) => runtime::wait_for(reload::run(args)),
        Command::Policy(policy::Command::Swap(args)) => runtime::wait_for(policy::swap::run(args)),
        Command::Shadow(args) => runtime::wait_for(shadow::run(args)),
        Command::Record(args) => runtime::wait_for(record::run(args)),
        Command::Sim(args) => args.run(),
        Command::Demo(args) => demo::run(&args),
        Command::Policy(policy::Command::New(args)) => policy::new::run(&args),
        Command::Policy(policy::Command::Build(args)) => policy::build::run(&args),
        Command::Policy(policy::Command::Check(args)) => policy::check::run(args),
        Command::Policy(policy::Command::List(args)) => policy::list::run(&args),
        Command::Plugin(plugin::Command::Inspect(args)) => runtime::wait_for(plugin::inspect(args)),
        Command::Tls(tls::Command::Try(args)) => tls::try_out::run(&args),
        Command::Token(token::Command::New(args)) => token::new::run(&args),
        Command::Completions(args) => completions::run(&args, &mut Cli::command()),
    }
}

/// If a value came from an environment variable, the error names that variable instead of a
/// flag that is not on the command line.
fn naming_the_environment(mut error: clap::Error, args: &[OsString]) -> clap::Error {
    let Some(ContextValue::String(shown)) = error.get(ContextKind::InvalidArg) else {
        return error;
    };
    let flag = shown.split_whitespace().next().unwrap_or_default().to_owned();
    let written = args.iter().any(|arg| arg.to_string_lossy().starts_with(&flag));
    let known = [
        serve::Args::augment_args(clap::Command::new("serve")),
        connect::NodeArgs::augment_args(clap::Command::new("client")),
    ];
    let variable = known
        .iter()
        .flat_map(clap::Command::get_arguments)
        .find(|arg| flag.strip_prefix("--") == arg.get_long())
        .and_then(clap::Arg::get_env)
        .filter(|variable| !written && std::env::var_os(variable).is_some());
    if let Some(variable) = variable {
        let tip = format!("the value comes from the environment variable {}", variable.display());
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definitions_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_an_example() {
        fn check(command: &clap::Command) {
            if command.get_name() == "help" {
                return;
            }
            if !command.has_subcommands() {
                let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
                assert!(help.contains("Example"), "{} has no example", command.get_name());
            }
            command.get_subcommands().for_each(check);
        }
        check(&Cli::command());
    }
}
