//! The Rust client, with as many requests on the way to a node as it sends at a time.

use std::time::Duration;

use futures::future::{FutureExt, join_all};
use psycache::client::{Client, ClientConfig};
use psycache::server::ServerConfig;
use tokio::task::unconstrained;

use super::served_with;
use crate::patience::soon;

/// Requests that a node works on at a time for one session. The client sends no more.
const AT_ONCE: usize = 256;

/// No request ends by its time.
const LONG: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn a_caller_that_gives_up_is_heard_while_the_session_is_full() {
    let mut served =
        served_with(ServerConfig { request_timeout: LONG, ..ServerConfig::default() }).await;
    let mut config = ClientConfig::list([served.grpc.to_string()]);
    config.timeout = LONG;
    let client = Client::connect(config).await.expect("the address is right");
    client.get("scores", "Tom").await.expect("there is a connection from now on");
    let get = |key: String| {
        let client = &client;
        // A single poll of all of them has to send all that can be sent.
        unconstrained(async move { client.get("scores", &key).await }).boxed()
    };
    let slow = (0..AT_ONCE).map(|number| format!("slow {number}"));
    let mut asking: Vec<_> = slow.map(get).collect();
    assert!(asking.iter_mut().all(|asked| asked.now_or_never().is_none()));
    let mut loads = Vec::new();
    while loads.len() < AT_ONCE {
        loads.push(soon("all are begun", served.loads.recv()).await.expect("the source is there"));
    }
    // If these were sent too, the node would set them aside until it reads no more.
    let mut next = join_all((0..AT_ONCE * 4).map(|number| get(format!("next {number}"))));
    assert!((&mut next).now_or_never().is_none());

    drop(asking.pop());
    let given_up = format!("slow {}", AT_ONCE - 1);
    let place = loads.iter().position(|load| load.key == given_up).expect("it was begun");
    soon("the node hears of it", loads.swap_remove(place).given_up()).await;
    // All of them take the one place that is free now.
    let values = soon("all are answered", next).await;
    assert!(values.into_iter().all(|value| value.is_ok()));
}
