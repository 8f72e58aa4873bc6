//! The password goes to the database and nowhere else.

use super::{PASSWORD, SCORES, assert_secret, client, get, serve, shared};
use crate::harness::{ServedNode, psycache, stderr};

const WRONG: &str = "staple-of-another";

#[tokio::test]
async fn no_password_is_ever_shown() {
    for password in [PASSWORD, WRONG] {
        let mut command = serve(shared(), SCORES);
        command.args(["--allow-net", &shared().address(), "--log", "trace"]);
        command.env("DB_PASSWORD", password);
        let node = ServedNode::spawn(command);
        let found = get(&client(&node).await, "Tom").await;
        assert_eq!(found.is_ok(), password == PASSWORD, "{found:?}");
        assert_secret(node, password).await;
    }
}

#[test]
fn no_password_is_shown_by_a_start_that_fails() {
    let dsn = format!("dsn=mysql://psy:{WRONG}@{}/school", shared().address());
    let query = format!("query={SCORES}");
    let output = psycache([
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--http",
        "none",
        "--retriever",
        "mysql",
        "--retriever-opt",
        &dsn,
        "--retriever-opt",
        &query,
    ]);
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("secret `password`") && !text.contains(WRONG), "{text}");
}
