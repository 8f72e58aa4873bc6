//! A database that goes away and comes back while the node serves.

use psycache::proto::SetRequest;
use tonic::Code;

use super::{Database, SCORES, client, node, refused, value};

#[tokio::test]
async fn while_the_database_is_down_the_node_serves_on_and_after_it_loads_again() {
    let mut database = Database::start();
    let node = node(&database, SCORES, &[]);
    let client = client(&node).await;
    assert_eq!(value(&client, "Tom").await, "630");

    database.stop();
    let unavailable = (Code::Unavailable, "UNAVAILABLE");
    let address = database.address();
    let parts = [&*address, "\"mysql\"", "\"scores\"", "refused"];
    refused(&client, "Jack", unavailable, &parts).await;
    assert_eq!(value(&client, "Tom").await, "630");
    let (group, key) = ("scores".into(), "Ada".into());
    let set = SetRequest { group, key, value: "1815".into(), ..SetRequest::default() };
    client.clone().set(set).await.unwrap();
    assert_eq!(value(&client, "Ada").await, "1815");

    database.run();
    assert_eq!(value(&client, "Jack").await, "589");
}

#[tokio::test]
async fn a_node_starts_before_its_database() {
    let mut database = Database::start();
    database.stop();
    let node = node(&database, SCORES, &[]);
    let client = client(&node).await;
    refused(&client, "Tom", (Code::Unavailable, "UNAVAILABLE"), &["refused"]).await;
    database.run();
    assert_eq!(value(&client, "Tom").await, "630");
}
