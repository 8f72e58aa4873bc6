//! The processor time of a server for a get over gRPC, next to a server that only answers. The
//! time of the client does not count.

mod echo;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use futures::stream::{self, StreamExt, TryStreamExt};
use psycache::proto::cache_client::CacheClient;
use psycache::proto::{GetManyRequest, GetRequest, SetRequest};
use tonic::transport::Channel;

use crate::Settings;
use crate::report::{Figure, median};
use crate::server::Server;

/// The number of requests in flight on one connection.
const IN_FLIGHT: usize = 64;

/// Keys of one `GetMany`.
const MANY: usize = 16;

const GROUP: &str = "default";

#[derive(Clone, Copy)]
enum GetCall {
    Get,
    GetMany,
}

/// Gets of resident keys from a node and from the echo, in turn.
#[expect(clippy::disallowed_methods, reason = "a benchmark is a main")]
pub(crate) fn run(settings: &Settings) -> Result<Vec<Figure>> {
    let runtime = tokio::runtime::Runtime::new()?;
    if let Some(part) = &settings.part {
        return runtime.block_on(echo::serve(part)).map(|()| Vec::new());
    }
    let mut figures = Vec::new();
    for size in [100, 4096] {
        for (call, name) in [(GetCall::Get, "Get"), (GetCall::GetMany, "GetMany of 16")] {
            let case = format!("{name}, {size} B");
            figures.extend(runtime.block_on(compare(settings, call, &case, size))?);
        }
    }
    Ok(figures)
}

async fn compare(
    settings: &Settings,
    call: GetCall,
    case: &str,
    size: usize,
) -> Result<Vec<Figure>> {
    let (rounds, requests) = if settings.quick { (3, 5_000) } else { (9, 40_000) };
    let subjects = [("psycache serve", node(&settings.command)?), ("bare tonic echo", echo(size)?)];
    let mut clients = Vec::new();
    for (_, server) in &subjects {
        let client = connect(server).await?;
        fill(&client, size).await?;
        clients.push(client);
    }
    let mut costs = [Vec::new(), Vec::new()];
    for round in 0..=rounds {
        for (at, client) in clients.iter().enumerate() {
            let server = &subjects[at].1;
            let before = server.processor_time()?;
            ask(client, call, requests, size).await?;
            let took = server.processor_time()?.saturating_sub(before);
            // The first round is for connections and memory to get warm.
            if round > 0 {
                costs[at].push(took.as_secs_f64() / requests as f64 * 1e6);
            }
        }
    }
    let figure = |subject: &str, value, unit| Figure {
        bench: "serve",
        case: case.into(),
        subject: subject.into(),
        value,
        unit,
    };
    let ratios = costs[0].iter().zip(&costs[1]).map(|(node, echo)| node / echo).collect();
    let [node, echo] = costs.map(median);
    Ok(vec![
        figure("bare tonic echo", echo, "CPU s/M"),
        figure("psycache serve", node, "CPU s/M"),
        figure("psycache serve / bare tonic echo", median(ratios), "x CPU"),
    ])
}

/// A node as `psycache serve` starts it, without another node.
fn node(command: &Path) -> Result<Server> {
    let mut serve = Command::new(command);
    serve.args(["serve", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"]);
    Server::start(serve.args(["--log", "error"]))
}

/// This program again, as the echo.
fn echo(size: usize) -> Result<Server> {
    let mut echo = Command::new(std::env::current_exe()?);
    Server::start(echo.args(["serve", "--part", &size.to_string()]))
}

async fn connect(server: &Server) -> Result<CacheClient<Channel>> {
    let endpoint = format!("http://{}", server.address());
    let endpoint = Channel::from_shared(endpoint)?.connect_timeout(Duration::from_secs(10));
    Ok(CacheClient::new(endpoint.connect().await?))
}

fn key(number: usize) -> String {
    format!("user:{:016}", number % 1000)
}

/// Sets the keys that will be requested.
async fn fill(client: &CacheClient<Channel>, size: usize) -> Result<()> {
    for number in 0..1000 {
        let value = Bytes::from(vec![7; size]);
        let key = key(number).into();
        let request = SetRequest { group: GROUP.into(), key, value, ..SetRequest::default() };
        client.clone().set(request).await?;
    }
    Ok(())
}

async fn ask(
    client: &CacheClient<Channel>,
    call: GetCall,
    requests: usize,
    size: usize,
) -> Result<()> {
    let asked = stream::iter(0..requests).map(|number| {
        let mut client = client.clone();
        async move {
            match call {
                GetCall::Get => {
                    let request = GetRequest {
                        group: GROUP.into(),
                        key: key(number).into(),
                        may_lend: false,
                    };
                    let answer = client.get(request).await?.into_inner();
                    ensure!(answer.value.len() == size, "got {} bytes", answer.value.len());
                }
                GetCall::GetMany => {
                    let keys = (number..number + MANY).map(|number| key(number).into()).collect();
                    let request = GetManyRequest { group: GROUP.into(), keys };
                    let answer = client.get_many(request).await?.into_inner();
                    ensure!(answer.results.len() == MANY, "got {} results", answer.results.len());
                }
            }
            Ok(())
        }
    });
    asked.buffer_unordered(IN_FLIGHT).try_collect::<()>().await.context("a request failed")
}
