//! The cost of telemetry for a hit, in instructions. Callgrind counts the whole process with its
//! exporter, while a client gets one key repeatedly on a session.

use anyhow::{Context, Result, ensure};
use psycache::proto::cache_client::CacheClient;
use psycache::proto::session_request::Call;
use psycache::proto::session_response::Answer;
use psycache::proto::{GetRequest, SessionRequest};
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::Request;

use crate::Settings;
use crate::callgrind::{self, Callgrind};
use crate::report::Figure;

/// Requests on their way at a time.
const IN_FLIGHT: u64 = 64;

/// No process listens there: spans are made, encoded for the collector and dropped.
const COLLECTOR: [&str; 3] = ["--otlp", "http://127.0.0.1:9", "--trace-ratio"];

/// Shares of the requests that are traced, by name. The last shows what one span costs,
/// of which 0.01 takes a hundredth; what else the middle ones differ by is the time that
/// a run took, because exporters and clocks go on whatever is asked.
const SUBJECTS: [(&str, Option<&str>); 4] =
    [("off", None), ("ratio 0", Some("0")), ("ratio 0.01", Some("0.01")), ("ratio 1", Some("1"))];

/// Instructions of one hit without telemetry and with it.
pub(crate) fn run(settings: &Settings) -> Result<Vec<Figure>> {
    ensure!(
        Callgrind::is_installed(),
        "valgrind is not installed, and it is what counts instructions here: `apt-get install valgrind`"
    );
    let hits = if settings.quick { 5_000 } else { 40_000 };
    let mut figures = Vec::new();
    for (subject, ratio) in SUBJECTS {
        let flags: Vec<&str> =
            ratio.map_or_else(Vec::new, |ratio| COLLECTOR.into_iter().chain([ratio]).collect());
        let ask = |url: &str, hits| ask_on_session(url, hits, None);
        figures.push(Figure {
            bench: "telemetry",
            case: "hit on a session".into(),
            subject: subject.into(),
            value: callgrind::of_a_hit(&settings.command, &flags, hits, ask)?,
            unit: "instructions",
        });
    }
    Ok(figures)
}

/// Gets one key so often on a session, which is opened with this header `authorization`.
#[tokio::main(flavor = "current_thread")]
#[allow(clippy::disallowed_methods, reason = "it is the main of this benchmark")]
pub(crate) async fn ask_on_session(url: &str, hits: u64, shown: Option<&str>) -> Result<()> {
    let (requests, sent) = mpsc::unbounded_channel();
    let mut client = CacheClient::connect(url.to_owned()).await?;
    let mut session = Request::new(UnboundedReceiverStream::new(sent));
    if let Some(shown) = shown {
        session.metadata_mut().insert("authorization", shown.parse()?);
    }
    let answers = client.session(session).await?;
    let mut answers = answers.into_inner();
    let get = |id| {
        let get = GetRequest { group: "default".into(), key: "Tom".into(), may_lend: false };
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
