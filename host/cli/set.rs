//! `psycache set`: puts a value, from the command line or standard input.

use std::ffi::OsString;
use std::io::{self, IsTerminal, Read, Write};

use anyhow::Context;
use bytes::Bytes;
use clap::builder::{OsStringValueParser, StringValueParser, TypedValueParser};

use crate::cli::connect::{DEFAULT_TIMEOUT, NodeArgs};
use crate::cli::exit::{Exit, Failure};
use crate::cli::{output, parse};
use crate::proto::{SetRequest, SetResponse};
use crate::value::Ttl;

/// The most that is read from standard input: no node takes more by default.
const MAX_VALUE_BYTES: u64 = 64 << 20;

/// Put a value, in place of what any node holds of the key
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  psycache set default Tom 630 --ttl 10m\n  psycache set default photo - < photo.jpg"
)]
pub(super) struct Args {
    /// The group
    group: String,
    /// The key
    #[arg(allow_hyphen_values = true, value_parser = StringValueParser::new().try_map(parse::hyphened))]
    key: String,
    /// The value; - reads it from standard input, as it is
    #[arg(allow_hyphen_values = true, value_parser = OsStringValueParser::new().try_map(parse::hyphened))]
    value: OsString,
    /// How long it may be kept, or none for no limit [default: the group's]
    #[arg(long, value_name = "D", value_parser = parse::ttl)]
    ttl: Option<Ttl>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    node: NodeArgs,
}

/// Runs the command.
pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let value = match args.value.to_str() {
        Some("-") => from_stdin()?,
        _ => args.value.into_encoded_bytes(),
    };
    // Only now, so that slow input does not count as a slow node.
    let node = args.node.connect(DEFAULT_TIMEOUT).await?;
    let (ttl_ms, no_expiry) = match args.ttl.unwrap_or_default() {
        Ttl::OfGroup => (0, false),
        Ttl::NoLimit => (0, true),
        Ttl::For(ttl) => (u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX), false),
    };
    let request = SetRequest {
        group: Bytes::from(args.group),
        key: Bytes::from(args.key),
        value: Bytes::from(value),
        ttl_ms,
        no_expiry,
    };
    let SetResponse {} = node.answer(node.cache().set(node.request(request))).await?;
    if args.json {
        output::json(&serde_json::json!({ "stored": true }))?;
    }
    Ok(())
}

fn from_stdin() -> anyhow::Result<Vec<u8>> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        let _ = writeln!(io::stderr(), "reading the value from the terminal; end it with Ctrl-D");
    }
    let mut value = Vec::new();
    stdin
        .lock()
        .take(MAX_VALUE_BYTES + 1)
        .read_to_end(&mut value)
        .context("standard input can't be read; give the value as an argument")?;
    if value.len() as u64 > MAX_VALUE_BYTES {
        return Err(Failure::new(
            Exit::Failed,
            "the value on standard input is larger than 64 MiB",
        )
        .into());
    }
    Ok(value)
}
