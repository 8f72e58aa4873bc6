//! `psycache plugin`: what a plugin file is, and whether a node would take it.

use crate::cli::exit::{Exit, Failure};
use crate::cli::{output, parse};
use crate::plugin::{CompileCache, Engines, Inspection, Plugin};

/// Plugin files.
#[derive(clap::Subcommand)]
pub(super) enum Command {
    Inspect(InspectArgs),
}

/// Show what a plugin is, and whether a node would take it
///
/// It is loaded and set up once, with the options given here. Ends with 1 if that fails. With
/// --json one object: plugin, size, sha256, kind (policy, retriever or null), contract,
/// imports, exports, abilities, loads and problem.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  psycache plugin inspect ./mine.wasm\n  \
    psycache plugin inspect lruk --opt k=3")]
pub(super) struct InspectArgs {
    /// The file, or a built-in's name
    file: String,
    /// An option of the plugin; @FILE stands for the file's content
    #[arg(long = "opt", value_name = "K=V", value_parser = parse::pair)]
    opts: Vec<(String, String)>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(super) async fn inspect(args: InspectArgs) -> anyhow::Result<()> {
    parse::each_once(&args.opts)?;
    let plugin = Plugin::resolve(&args.file)?;
    let engines = Engines::new(&CompileCache::User)?;
    let seen = Inspection::of(&engines, plugin, &args.opts).await;
    match args.json {
        true => output::json(&seen)?,
        false => output::write(view(&seen, !args.opts.is_empty()).as_bytes())?,
    }
    match seen.problem {
        None => Ok(()),
        Some(problem) => Err(Failure::new(Exit::Failed, problem).into()),
    }
}

fn view(seen: &Inspection, has_options: bool) -> String {
    let list = |names: &[String]| match names {
        [] => "-".to_owned(),
        names => names.join("\n          "),
    };
    let loads = match (seen.loads, has_options) {
        (true, false) => "yes, without options",
        (true, true) => "yes, with these options",
        (false, _) => "no",
    };
    format!(
        "plugin    {}\ncontract  {}\nloads     {loads}\nsize      {} bytes\nsha256    {}\n\
         imports   {}\nexports   {}\nabilities {}\n",
        seen.plugin,
        seen.contract.as_deref().unwrap_or("none: neither a policy nor a retriever"),
        seen.size,
        seen.sha256,
        list(&seen.imports),
        list(&seen.exports),
        list(&seen.abilities),
    )
}
