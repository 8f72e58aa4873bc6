//! How often the database is asked, and for what.

use futures::future::join_all;
use psycache::proto::Origin;
use tonic::Code;

use super::{SCORES, client, get, node, refused, shared, value};

#[tokio::test]
async fn fifteen_gets_at_once_are_one_query_and_the_next_is_none() {
    // Slow enough that all are there before the first is answered.
    let query = "SELECT score + SLEEP(0.3) FROM student WHERE name = ?";
    let asked = "SELECT score + SLEEP(0.3) FROM student WHERE name = 'Tom'";
    let node = node(shared(), query, &[]);
    let client = client(&node).await;
    let answers = join_all((0..15).map(|_| get(&client, "Tom"))).await;
    for answer in answers {
        let answer = answer.unwrap();
        assert_eq!((&*answer.value, answer.origin()), (b"630".as_slice(), Origin::Loaded));
    }
    assert_eq!(shared().executed(asked), 1);
    assert_eq!(get(&client, "Tom").await.unwrap().origin(), Origin::Hit);
    assert_eq!(shared().executed(asked), 1);
}

#[tokio::test]
async fn a_key_that_does_not_exist_is_asked_for_once() {
    let node = node(shared(), SCORES, &["--negative-ttl", "1h"]);
    let client = client(&node).await;
    for _ in 0..3 {
        refused(&client, "Nobody", (Code::NotFound, "NOT_FOUND"), &["no such key"]).await;
    }
    assert_eq!(shared().executed("SELECT score FROM student WHERE name = 'Nobody'"), 1);
}

#[tokio::test]
async fn a_key_is_never_a_part_of_the_statement() {
    let node = node(shared(), SCORES, &[]);
    let client = client(&node).await;
    for key in ["' OR '1'='1", "Tom'; --", "\\' OR 1=1 #"] {
        refused(&client, key, (Code::NotFound, "NOT_FOUND"), &[]).await;
    }
}

#[tokio::test]
async fn of_two_columns_the_named_one_is_the_value() {
    let query = "SELECT name, score FROM student WHERE name = ?";
    let unnamed = node(shared(), query, &[]);
    let rejected = (Code::PermissionDenied, "SOURCE_REJECTED");
    let parts = ["columns name, score", "value-column"];
    refused(&client(&unnamed).await, "Jack", rejected, &parts).await;

    let named = node(shared(), query, &["--retriever-opt", "value-column=score"]);
    assert_eq!(value(&client(&named).await, "Jack").await, "589");

    let misnamed = node(shared(), query, &["--retriever-opt", "value-column=scores"]);
    refused(&client(&misnamed).await, "Jack", rejected, &["name, score", "no `scores`"]).await;
}
