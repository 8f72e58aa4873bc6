//! The Rust client and what a node works on at a time.

use futures::FutureExt;
use futures::future::join_all;
use psycache::client::{Client, ClientConfig};

use super::served;
use crate::patience::soon;

/// As many as a node works on.
const WINDOW: usize = 256;

#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_reaches_a_node_that_works_on_all_that_it_may() {
    let mut served = served().await;
    let config = ClientConfig::list([served.grpc.to_string()]);
    let client = Client::connect(config).await.expect("it is an address");
    let scores = client.with_timeout(std::time::Duration::from_secs(3600)).group("scores");
    let slow = |number: usize| {
        let scores = scores.clone();
        tokio::spawn(async move { scores.get(&format!("slow {number}")).await })
    };
    let gets: Vec<_> = (0..WINDOW).map(slow).collect();
    let mut loads = Vec::new();
    for _ in 0..WINDOW {
        loads.push(soon("a load", served.loads.recv()).await.expect("the source is there"));
    }
    // More bytes than a node sets aside before it reads no more.
    let keys: Vec<String> = (0..60).map(|at| format!("{at}").repeat(500)).collect();
    let behind = join_all((0..40).map(|_| scores.get_many(&keys)));
    let mut behind = std::pin::pin!(behind);
    assert!(behind.as_mut().now_or_never().is_none(), "there is no place");

    gets[0].abort();
    let at = loads.iter().position(|load| load.key == "slow 0").expect("it is loading");
    soon("the load is given up", loads.swap_remove(at).given_up()).await;
    // So there is a place.
    for load in loads {
        load.finish();
    }
    let answers = soon("the others are answered", behind).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
}
