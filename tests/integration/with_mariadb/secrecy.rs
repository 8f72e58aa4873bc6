//! The password goes to the database and nowhere else.

use std::io::{Read, Write};
use std::net::TcpStream;

use super::{PASSWORD, SCORES, client, get, serve, shared};
use crate::harness::{ServedNode, ending, psycache, stderr, stdout};

const WRONG: &str = "staple-of-another";

#[tokio::test]
async fn no_password_is_ever_shown() {
    for password in [PASSWORD, WRONG] {
        let mut command = serve(shared(), SCORES);
        command.args(["--allow-net", &shared().address(), "--log", "trace"]);
        command.env("DB_PASSWORD", password);
        let node = ServedNode::spawn(command);
        let client = client(&node).await;
        let found = get(&client, "Tom").await;
        assert_eq!(found.is_ok(), password == PASSWORD, "{found:?}");
        let status = node.run(["status"]);
        let json = node.run(["status", "--json"]);
        assert_eq!((ending(&status), ending(&json)), ((Some(0), ""), (Some(0), "")));
        let mut shown = vec![
            format!("{found:?}"),
            format!("{:?}", get(&client, "Nobody").await),
            stdout(&status).to_owned(),
            stdout(&json).to_owned(),
            metrics(node.told("http")),
            node.ready().to_owned(),
        ];
        node.signal("TERM");
        let (_, printed, log) = node.ended();
        assert!(log.contains("TRACE"), "{log}");
        shown.extend(printed);
        shown.push(log);
        for text in shown {
            assert!(!text.contains(password), "{text}");
        }
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

fn metrics(address: &str) -> String {
    let mut connection = TcpStream::connect(address).unwrap();
    let request = "GET /metrics HTTP/1.1\r\nHost: node\r\nConnection: close\r\n\r\n";
    connection.write_all(request.as_bytes()).unwrap();
    let mut page = String::new();
    connection.read_to_string(&mut page).unwrap();
    assert!(page.contains("psycache_loads_total"), "{page}");
    page
}
