//! `psycache policy list`: the policies that come with the binary.

use serde::Serialize;

use crate::cli::output::{self, Screen};
use crate::cli::table::{self, Cell, Side};
use crate::plugin::{Kind, Plugin};

/// List the policies that come with the binary
///
/// With --json an array of {name, size, sha256}.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  psycache policy list")]
pub(in crate::cli) struct Args {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

const COLUMNS: [(&str, Side); 3] =
    [("POLICY", Side::Left), ("BYTES", Side::Right), ("SHA256", Side::Left)];

#[derive(Serialize)]
struct Listed {
    name: String,
    size: usize,
    sha256: String,
}

/// Runs the command.
pub(in crate::cli) fn run(args: &Args) -> anyhow::Result<()> {
    let policies: Vec<Listed> = Plugin::builtins(Kind::Policy).map(listed).collect();
    if args.json {
        return Ok(output::json(&policies)?);
    }
    let row = |policy: &Listed| {
        vec![Cell::new(&policy.name), Cell::new(policy.size.to_string()), Cell::new(&policy.sha256)]
    };
    let rows: Vec<_> = policies.iter().map(row).collect();
    output::write(table::render(&COLUMNS, &rows, Screen::of_stdout()).as_bytes())?;
    Ok(())
}

fn listed(plugin: Plugin) -> Listed {
    Listed {
        name: plugin.name().into(),
        size: plugin.bytes().len(),
        sha256: plugin.sha256().into(),
    }
}
