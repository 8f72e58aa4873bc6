//! `psycache get`: one value as it is, or many as lines of JSON.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Serialize;
use tonic::Code;

use crate::cli::connect::{DEFAULT_TIMEOUT, NodeArgs};
use crate::cli::exit::{Exit, Failure};
use crate::cli::keys::Keys;
use crate::cli::output;
use crate::proto::get_result::Result as GetOutcome;
use crate::proto::{GetManyRequest, GetRequest, GetResponse, Origin};

/// Print a value, from memory or from the group's data source
///
/// One value is written as it is, without a line break behind it. With --json there
/// is one object a line, in the order asked: key, value (value_base64 where it is
/// not UTF-8), origin (hit, loaded, peer, hot, stale) and ttl_ms (null: no limit), or
/// key and error {code, message}.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  psycache get default Tom\n  psycache get default Tom Jack Sam --json"
)]
pub(super) struct Args {
    /// The group
    group: String,
    #[command(flatten)]
    keys: Keys,
    /// Print a line of JSON for each key
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    node: NodeArgs,
}

/// A key's line of JSON.
#[derive(Serialize)]
struct Line<'a> {
    key: &'a str,
    #[serde(flatten)]
    answer: Answer<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Answer<'a> {
    Text { value: &'a str, origin: &'static str, ttl_ms: Option<u64> },
    Binary { value_base64: String, origin: &'static str, ttl_ms: Option<u64> },
    Error { error: Problem<'a> },
}

#[derive(Serialize)]
struct Problem<'a> {
    code: String,
    message: &'a str,
}

/// Runs the command.
pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let keys = args.keys.all();
    if !args.json && keys.len() > 1 {
        let message =
            "the values of several keys would run into each other; add --json, or ask for one key";
        return Err(Failure::new(Exit::Usage, message).into());
    }
    if args.json {
        many(args.group, keys, &args.node).await
    } else {
        one(args.group, keys, &args.node).await
    }
}

async fn one(group: String, keys: Vec<String>, node: &NodeArgs) -> anyhow::Result<()> {
    let node = node.connect(DEFAULT_TIMEOUT).await?;
    let key = keys.into_iter().next().unwrap_or_default();
    let request =
        GetRequest { group: Bytes::from(group), key: Bytes::from(key.clone()), may_lend: false };
    let found = match node.answer(node.cache().get(node.request(request))).await {
        Err(missing) if missing.exit == Exit::NotFound => {
            return Err(Failure::new(Exit::NotFound, format!("{missing}: {key:?}")).into());
        }
        answer => answer?,
    };
    output::write(&found.value)?;
    Ok(())
}

async fn many(group: String, keys: Vec<String>, node: &NodeArgs) -> anyhow::Result<()> {
    let node = node.connect(DEFAULT_TIMEOUT).await?;
    let all = keys.iter().map(|key| Bytes::from(key.clone())).collect();
    let request = GetManyRequest { group: Bytes::from(group), keys: all };
    let results = node.answer(node.cache().get_many(node.request(request))).await?.results;
    let mut lines = String::new();
    let mut exits = Vec::new();
    for (key, result) in keys.iter().zip(&results) {
        let answer = match &result.result {
            Some(GetOutcome::Found(found)) => found_answer(found),
            Some(GetOutcome::Failure(failure)) => {
                let code = Code::from_i32(failure.code.cast_signed());
                exits.push(Exit::from(code));
                failed_answer(code, &failure.message)
            }
            None => {
                exits.push(Exit::Failed);
                failed_answer(Code::Internal, "the node left the answer out")
            }
        };
        lines += &serde_json::to_string(&Line { key, answer })?;
        lines.push('\n');
    }
    output::write(lines.as_bytes())?;
    match worst(&exits) {
        None => Ok(()),
        Some(exit) => {
            let message =
                format!("{} of {} keys have no value; see their lines", exits.len(), keys.len());
            Err(Failure::new(exit, message).into())
        }
    }
}

fn found_answer(found: &GetResponse) -> Answer<'_> {
    let ttl_ms = Some(found.ttl_ms).filter(|ttl_ms| *ttl_ms > 0);
    let origin = origin(found.origin());
    match std::str::from_utf8(&found.value) {
        Ok(value) => Answer::Text { value, origin, ttl_ms },
        Err(_) => Answer::Binary { value_base64: STANDARD.encode(&found.value), origin, ttl_ms },
    }
}

fn failed_answer(code: Code, message: &str) -> Answer<'_> {
    Answer::Error { error: Problem { code: format!("{code:?}"), message } }
}

fn origin(origin: Origin) -> &'static str {
    match origin {
        Origin::Unspecified => "unknown",
        Origin::Hit => "hit",
        Origin::Loaded => "loaded",
        Origin::Peer => "peer",
        Origin::Hot => "hot",
        Origin::Stale => "stale",
    }
}

/// Orders failures: a missing key is the least severe.
fn worst(exits: &[Exit]) -> Option<Exit> {
    [Exit::Unavailable, Exit::Failed, Exit::Usage, Exit::NotFound]
        .into_iter()
        .find(|exit| exits.contains(exit))
}
