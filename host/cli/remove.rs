//! `psycache remove`: drops keys on every node.

use bytes::Bytes;
use tonic::Code;

use crate::cli::connect::{DEFAULT_TIMEOUT, NodeArgs};
use crate::cli::exit::{Exit, Failure};
use crate::cli::keys::Keys;
use crate::cli::output;
use crate::proto::RemoveManyRequest;
use crate::proto::remove_result::Result as RemoveOutcome;

/// Drop keys on every node
///
/// Succeeds only when no node that can be reached answers with an older value.
/// Prints a line for each key: removed, or absent where no node held it. With --json
/// an array of objects: key and existed.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  psycache remove default Tom Jack")]
pub(super) struct Args {
    /// The group
    group: String,
    #[command(flatten)]
    keys: Keys,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    node: NodeArgs,
}

/// Runs the command.
pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let node = args.node.connect(DEFAULT_TIMEOUT).await?;
    let all = args.keys.all();
    let keys = all.iter().map(|key| Bytes::from(key.clone())).collect();
    let request = RemoveManyRequest { group: Bytes::from(args.group), keys };
    let results = node.answer(node.cache().remove_many(node.request(request))).await?.results;
    let mut lines = String::new();
    let mut removals = Vec::new();
    let mut failure: Option<Failure> = None;
    for (key, result) in all.iter().zip(results) {
        match result.result {
            Some(RemoveOutcome::Removed(removed)) => {
                removals.push(serde_json::json!({ "key": key, "existed": removed.existed }));
                lines += &format!("{} {key}\n", if removed.existed { "removed" } else { "absent" });
            }
            Some(RemoveOutcome::Failure(failed)) => {
                let exit = Exit::from(Code::from_i32(failed.code.cast_signed()));
                let message = format!("{key:?} may still be answered: {}", failed.message);
                failure.get_or_insert(Failure::new(exit, message));
            }
            None => {
                let message = format!("the node left the answer for {key:?} out");
                failure.get_or_insert(Failure::new(Exit::Failed, message));
            }
        }
    }
    match args.json {
        true => output::json(&removals)?,
        false => output::write(lines.as_bytes())?,
    }
    failure.map_or(Ok(()), |failure| Err(failure.into()))
}
