//! What telemetry costs a hit, in instructions: the whole process, its exporter
//! included, counted by callgrind while a client gets one key again and again on a
//! session.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use psycache::proto::cache_client::CacheClient;
use psycache::proto::session_request::Call;
use psycache::proto::session_response::Answer;
use psycache::proto::{GetRequest, SessionRequest};
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;

use crate::Settings;
use crate::report::Figure;

/// Requests on their way at a time.
const IN_FLIGHT: u64 = 64;

/// Nobody listens there: spans are made, encoded and given up, which costs no less
/// than a collector that takes them.
const COLLECTOR: [&str; 3] = ["--otlp", "http://127.0.0.1:9", "--trace-ratio"];

/// Shares of the requests that are traced, by name. The last shows what one span costs,
/// of which 0.01 takes a hundredth; what else the middle ones differ by is the time that
/// a run took, because exporters and clocks go on whatever is asked.
const SUBJECTS: [(&str, Option<&str>); 4] =
    [("off", None), ("ratio 0", Some("0")), ("ratio 0.01", Some("0.01")), ("ratio 1", Some("1"))];

/// Instructions of one hit without telemetry and with it.
pub(crate) fn run(settings: &Settings) -> Result<Vec<Figure>> {
    ensure!(
        Command::new("valgrind").arg("--version").output().is_ok(),
        "valgrind is not installed, and it is what counts instructions here: `apt-get install valgrind`"
    );
    let hits = if settings.quick { 5_000 } else { 40_000 };
    // The first start compiles the plugins, and the others find them compiled.
    instructions(&settings.command, &[], 1)?;
    let mut figures = Vec::new();
    for (subject, ratio) in SUBJECTS {
        let flags: Vec<&str> =
            ratio.map_or_else(Vec::new, |ratio| COLLECTOR.into_iter().chain([ratio]).collect());
        // What the start and the first requests cost is in both, and goes out.
        let (few, many) = (hits / 5, hits);
        let least = instructions(&settings.command, &flags, few)?;
        let most = instructions(&settings.command, &flags, many)?;
        figures.push(Figure {
            bench: "telemetry",
            case: "hit on a session".into(),
            subject: subject.into(),
            value: most.saturating_sub(least) as f64 / (many - few) as f64,
            unit: "instructions",
        });
    }
    Ok(figures)
}

/// Instructions of a node that answers so many hits.
fn instructions(command: &Path, flags: &[&str], hits: u64) -> Result<u64> {
    let folder = tempfile::tempdir()?;
    let counted = folder.path().join("callgrind");
    let mut node = Command::new("valgrind")
        .args(["--tool=callgrind", "--fair-sched=yes", "-q"])
        .arg(format!("--callgrind-out-file={}", counted.display()))
        .arg(command)
        .args(["serve", "--listen", "127.0.0.1:0", "--http", "none", "--log", "off"])
        .args(flags)
        .stdout(Stdio::piped())
        .spawn()
        .context("valgrind can't be started")?;
    let mut ready = String::new();
    BufReader::new(node.stdout.take().context("it is piped")?).read_line(&mut ready)?;
    let address = ready.split(' ').find_map(|word| word.strip_prefix("listen="));
    let asked = match address {
        Some(address) => ask(&format!("http://{address}"), hits),
        None => Err(anyhow::anyhow!("no ready line under valgrind, but {ready:?}")),
    };
    let signal = if asked.is_ok() { "TERM" } else { "KILL" };
    Command::new("kill").args(["-s", signal, &node.id().to_string()]).status()?;
    let ended = node.wait()?;
    asked?;
    ensure!(ended.success(), "the node ended with {ended}");
    let text = std::fs::read_to_string(&counted)?;
    let total = text.lines().find_map(|line| line.strip_prefix("totals: "));
    match total.and_then(|total| total.trim().parse().ok()) {
        Some(total) => Ok(total),
        None => bail!("callgrind wrote no totals into {}", counted.display()),
    }
}

#[tokio::main(flavor = "current_thread")]
#[allow(clippy::disallowed_methods, reason = "it is the main of this benchmark")]
async fn ask(url: &str, hits: u64) -> Result<()> {
    let (requests, sent) = mpsc::unbounded_channel();
    let mut client = CacheClient::connect(url.to_owned()).await?;
    let answers = client.session(UnboundedReceiverStream::new(sent)).await?;
    let mut answers = answers.into_inner();
    let get = |id| {
        let get = GetRequest { group: "default".into(), key: "Tom".into() };
        SessionRequest { id, call: Some(Call::Get(get)), ..SessionRequest::default() }
    };
    // The first one is a load, and has to be over before the hits.
    requests.send(get(0))?;
    answers.message().await?.context("the session ended")?;
    let mut sent = 0;
    for answered in 0..hits {
        while sent < hits && sent < answered + IN_FLIGHT {
            sent += 1;
            requests.send(get(sent))?;
        }
        let answer = answers.message().await?.context("the session ended")?;
        ensure!(matches!(answer.answer, Some(Answer::Get(_))), "no hit: {answer:?}");
    }
    Ok(())
}
