//! `psycache record`: writes what happens to a sample of a group's keys to a file for `sim`.

mod access;

mod file;
mod source;

mod merge;
mod writer;

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::pin::pin;
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use bytesize::ByteSize;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, sleep};

use crate::cli::connect::{DEFAULT_TIMEOUT, NodeArgs};
use crate::cli::exit::{Exit, Failure, complain};
use crate::cli::{output, parse};
use crate::config::text::{Parsed, Size};
use crate::proto::{RecordRequest, StatusRequest};

use file::RecordingFile;
use merge::Merge;
use source::{LONGEST_SILENCE, Source};
use writer::Writer;

/// Record the live requests of a group, for psycache sim
///
/// A line for each get, load, set and remove of the sampled keys: time, operation, size, time to
/// live, load time and key. All requests of a sampled key are recorded. Keys are hashed under a
/// secret that is thrown away. The file is a table in zstd; it is whole when the command ends,
/// by Ctrl-C too.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    psycache record default --for 10m\n  \
    psycache record default --all --sample 1/8 -o monday.csv.zst\n  \
    psycache sim --capacity 64MiB,128MiB default.csv.zst")]
pub(super) struct Args {
    /// The group
    group: String,
    /// How long
    #[arg(long = "for", value_name = "D", default_value = "10m", value_parser = parse::time)]
    span: Duration,
    /// One key in so many, such as 1/8; 1: all; auto: so many that the group has some 16,000
    /// entries in the sample
    #[arg(long, value_name = "S", default_value = "auto", value_parser = sample)]
    sample: Sample,
    /// Write the keys as they are
    #[arg(long)]
    plain_keys: bool,
    /// End when the file has this size
    #[arg(long, value_name = "SIZE", default_value = "256MiB", value_parser = size)]
    max_size: u64,
    /// The file, which must not exist [default: GROUP.csv.zst]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Every node of the cluster, in one file in the order of time
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    node: NodeArgs,
}

/// One key in so many; none: the node chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sample(Option<NonZeroU32>);

fn sample(text: &str) -> Parsed<Sample> {
    let one_in = match text {
        "auto" => return Ok(Sample(None)),
        "1" => Some(NonZeroU32::MIN),
        _ => text.strip_prefix("1/").and_then(|one_in| one_in.parse().ok()),
    };
    one_in
        .map(|one_in| Sample(Some(one_in)))
        .ok_or_else(|| "write auto, 1 for all keys, or a share such as 1/8".into())
}

fn size(text: &str) -> Parsed<u64> {
    let parsed: Parsed<Size> = text.parse();
    match parsed {
        Ok(Size(0)) | Err(_) => Err("write a size above 0, such as 256MiB".into()),
        Ok(Size(size)) => Ok(size),
    }
}

/// Runs the command.
pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    // Taken over first, so that the file is whole whenever the command is interrupted.
    let mut interrupt = signal(SignalKind::interrupt()).context("no signal can be awaited")?;
    let mut terminate = signal(SignalKind::terminate()).context("no signal can be awaited")?;
    let secret: [u8; 32] = rand::random();
    let secret = if args.plain_keys { Bytes::new() } else { Bytes::copy_from_slice(&secret) };
    let request = RecordRequest {
        group: Bytes::from(args.group.clone()),
        one_in: args.sample.0.map_or(0, NonZeroU32::get),
        for_ms: u64::try_from(args.span.as_millis()).unwrap_or(u64::MAX),
        secret,
    };
    let sources = sources(&args, request).await?;
    let path = args.output.unwrap_or_else(|| named_after(&args.group));
    let one_in = sources[0].one_in();
    let file = RecordingFile::create(&path, one_in, args.plain_keys)?;
    let mut writer = Writer::start(file, &path)?;
    let (group, keys) = (&args.group, keys(one_in));
    let (shown, span) = (path.display(), humantime::format_duration(args.span));
    output::line(&format!("recording {keys} of {group} to {shown} for {span}; Ctrl-C ends it"))?;
    let mut merge = Merge::new(sources);
    // The nodes end the recording. This ends it if the clock of one stands still.
    let mut late = pin!(sleep(args.span.saturating_add(LONGEST_SILENCE)));
    let reason = loop {
        // A place in the queue comes first, so that no part that a node sent is lost.
        let part = async {
            let room = writer.room().await?;
            let part = merge.next().await;
            Ok::<_, anyhow::Error>(part.map(|accesses| room.send((accesses, merge.sums()))))
        };
        let part = tokio::select! {
            part = part => part?,
            _ = interrupt.recv() => break "it was stopped",
            _ = terminate.recv() => break "it was stopped",
            () = &mut late => break "its time is over",
        };
        if part.is_none() {
            break "its time is over";
        }
        if writer.size() >= args.max_size {
            break "it has its largest size";
        }
    };
    let (rest, sums) = (merge.rest(), merge.sums());
    writer.room().await?.send((rest, sums));
    let (lines, size) = writer.end().await?;
    let ratio = sums.found as f64 / sums.gets.max(1) as f64 * 100.0;
    output::line(&format!(
        "{shown}: {reason}; {lines} accesses of {keys} in {}, {} lost\nthe group hits {ratio:.1}% of \
         {} gets in this time",
        ByteSize(size).display().iec(),
        sums.lost,
        sums.gets
    ))?;
    match merge.failure() {
        None => Ok(()),
        Some(failure) => Err(failure.into()),
    }
}

/// The recordings of the nodes, begun.
async fn sources(args: &Args, mut request: RecordRequest) -> anyhow::Result<Vec<Source>> {
    let zero = Instant::now();
    let first = args.node.connect(DEFAULT_TIMEOUT).await?;
    if !args.all {
        return Ok(vec![Source::begin(first, request, zero).await?]);
    }
    let status = first.answer(first.admin().status(first.request(StatusRequest {}))).await?;
    let mut sources = Vec::new();
    for address in status.nodes.iter().map(|node| node.address.as_str()) {
        let begun = begin(args, address, &request, zero).await;
        match begun {
            Ok(source) => {
                // The sample that the first node chooses is that of all.
                request.one_in = source.one_in().get();
                sources.push(source);
            }
            Err(failure) => {
                complain(&format!("{address} is left out: {failure}"));
            }
        }
    }
    if sources.is_empty() {
        return Err(Failure::new(Exit::Unavailable, "no node can be recorded").into());
    }
    Ok(sources)
}

async fn begin(
    args: &Args,
    address: &str,
    request: &RecordRequest,
    zero: Instant,
) -> Result<Source, Failure> {
    let node = args.node.connect_to(address, DEFAULT_TIMEOUT).await?;
    Source::begin(node, request.clone(), zero).await
}

/// The file of a group, whose name may not be one of a file.
fn named_after(group: &str) -> PathBuf {
    let plain = |c: char| if c.is_alphanumeric() || "-_".contains(c) { c } else { '_' };
    format!("{}.csv.zst", group.chars().map(plain).collect::<String>()).into()
}

fn keys(one_in: NonZeroU32) -> String {
    match one_in.get() {
        1 => "all keys".into(),
        one_in => format!("one key in {one_in}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_one_key_in_so_many() {
        let of = |one_in| Ok(Sample(NonZeroU32::new(one_in)));
        assert_eq!([sample("1"), sample("1/8"), sample("auto")], [of(1), of(8), of(0)]);
        for wrong in ["", "0", "1/0", "2/3", "0.1", "1/x", "-1", "1/5000000000"] {
            assert!(sample(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_file_is_named_after_its_group() {
        assert_eq!(named_after("scores"), PathBuf::from("scores.csv.zst"));
        assert_eq!(named_after("../a b"), PathBuf::from("___a_b.csv.zst"));
    }
}
