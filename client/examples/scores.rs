//! Asks the nodes of a cluster: `cargo run --example scores -- 127.0.0.1:7400,127.0.0.1:7402`.
#![allow(clippy::disallowed_methods, reason = "a main may block on its runtime")]
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;

use psycache_client::{Client, ClientConfig, Reason};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let nodes = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:7400".into());
    let client = Client::connect(ClientConfig::list(nodes.split(','))).await?;
    let scores = client.group("default");

    println!("get: {:?}", scores.get("Tom").await?.value);
    scores.set("Ada", "1815", None).await?;
    for (key, result) in ["Ada", "Jack", "nobody"].iter().zip(
        // One message to each node that owns some of the keys.
        scores.get_many(&["Ada", "Jack", "nobody"]).await?,
    ) {
        match result {
            Ok(found) => println!("get of many: {key} {:?}", found.value),
            Err(error) => println!("get of many: {key} {:?}", error.reason),
        }
    }
    let long = vec![b'x'; 5 << 20];
    scores.set("long", long, None).await?;
    println!("long value: {} bytes", scores.get("long").await?.value.len());
    println!("removed: {}", scores.remove("Ada").await?);
    match client.get("nowhere", "Ada").await {
        Err(error) if error.reason == Reason::UnknownGroup => println!("no such group: {error}"),
        other => return Err(format!("an answer for a group that is not there: {other:?}").into()),
    }
    Ok(())
}
