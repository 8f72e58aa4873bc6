//! What a token costs a call, in instructions. Callgrind counts the whole process, while a client
//! gets one key repeatedly: one unary call after the other, or on a session.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use psycache::proto::GetRequest;
use psycache::proto::cache_client::CacheClient;
use tonic::Request;

use crate::Settings;
use crate::callgrind::{self, Callgrind};
use crate::report::Figure;
use crate::telemetry::ask_on_session;

type Ask = fn(&str, u64, Option<&str>) -> Result<()>;

const CASES: [(&str, Ask); 2] =
    [("hit by a unary call", ask_one_by_one), ("hit on a session", ask_on_session)];

/// Instructions of one hit without tokens and with one.
pub(crate) fn run(settings: &Settings) -> Result<Vec<Figure>> {
    ensure!(
        Callgrind::is_installed(),
        "valgrind is not installed, and it is what counts instructions here: `apt-get install valgrind`"
    );
    let folder = tempfile::tempdir()?;
    let (shown, file) = token(&settings.command, folder.path())?;
    let with = ["--tokens", file.as_str()];
    let hits = if settings.quick { 5_000 } else { 40_000 };
    let mut figures = Vec::new();
    for (case, ask) in CASES {
        for (subject, flags, shown) in
            [("no tokens", &[][..], None), ("a token", &with[..], Some(shown.as_str()))]
        {
            let ask = |url: &str, hits| ask(url, hits, shown);
            figures.push(Figure {
                bench: "tokens",
                case: case.into(),
                subject: subject.into(),
                value: callgrind::of_a_hit(&settings.command, flags, hits, ask)?,
                unit: "instructions",
            });
        }
    }
    Ok(figures)
}

/// A token as a header shows it, and the file that has its caller among twenty.
fn token(command: &Path, folder: &Path) -> Result<(String, String)> {
    let (mut shown, mut lines) = (String::new(), String::new());
    for caller in 0..20 {
        let made = Command::new(command)
            .args(["token", "new", &format!("web-{caller}"), "--role", "read"])
            .output()?;
        let said = String::from_utf8(made.stdout)?;
        let (token, line) = said.split_once('\n').context("no token was made")?;
        shown = format!("Bearer {token}");
        lines += line;
    }
    let file = folder.join("tokens.toml");
    fs::write(&file, lines)?;
    Ok((shown, file.display().to_string()))
}

#[tokio::main(flavor = "current_thread")]
#[allow(clippy::disallowed_methods, reason = "it is the main of this benchmark")]
async fn ask_one_by_one(url: &str, hits: u64, shown: Option<&str>) -> Result<()> {
    let mut client = CacheClient::connect(url.to_owned()).await?;
    let shown = shown.map(str::parse).transpose()?;
    for _ in 0..=hits {
        let (group, key) = ("default".into(), "Tom".into());
        let mut request = Request::new(GetRequest { group, key, may_lend: false });
        if let Some(shown) = &shown {
            request.metadata_mut().insert("authorization", Clone::clone(shown));
        }
        client.get(request).await?;
    }
    Ok(())
}
