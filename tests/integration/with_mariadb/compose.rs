//! The node's file and the table of `examples/compose`, on a real MariaDB and a real
//! etcd of the test's.

use super::{PASSWORD, client, shared, value};
use crate::compose::{NODE, folder};
use crate::harness::{ServedNode, psycache_command, stdout};
use crate::patience::until;
use crate::with_etcd::server::Etcd;

/// The file with our services in the places of those that it names.
fn node_file(etcd: &Etcd, secret: &str) -> String {
    let database = shared().address();
    let places = [
        ("http://etcd:2379", etcd.url()),
        ("http://jaeger:4317", "http://127.0.0.1:9".to_owned()),
        ("mariadb:3306/school", format!("{database}/compose")),
        ("mariadb:3306", database),
        ("/run/secrets/db-password", secret.to_owned()),
    ];
    places.iter().fold(NODE.to_owned(), |file, (theirs, ours)| {
        assert!(file.contains(theirs), "{theirs}");
        file.replace(theirs, ours)
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn three_nodes_serve_the_table_by_the_file_of_the_compose_cluster() {
    let school = std::fs::read_to_string(folder().join("school.sql")).unwrap();
    shared().sql(&format!(
        "CREATE DATABASE compose; USE compose; {school}
         GRANT SELECT ON compose.* TO psy@localhost, psy@'127.0.0.1';"
    ));
    let etcd = Etcd::start().await;
    let scratch = tempfile::tempdir().unwrap();
    let secret = scratch.path().join("db-password");
    std::fs::write(&secret, format!("{PASSWORD}\n")).unwrap();
    let file = scratch.path().join("node.toml");
    std::fs::write(&file, node_file(&etcd, secret.to_str().unwrap())).unwrap();
    let start = || {
        let listen = ["--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"];
        let mut command = psycache_command(["serve", "--config"]);
        command.arg(&file).args(listen);
        ServedNode::spawn(command)
    };
    let nodes = [start(), start(), start()];
    let status = |node: &ServedNode| -> serde_json::Value {
        serde_json::from_str(stdout(&node.run(["status", "--json"]))).unwrap()
    };
    until("they find each other", async || {
        nodes.iter().all(|node| status(node)["nodes"].as_array().unwrap().len() == 3)
    })
    .await;
    for node in &nodes {
        let client = client(node).await;
        assert_eq!(value(&client, "Tom").await, "630");
        assert_eq!(value(&client, "student-1000").await, "500");
    }
    let loads = |node| status(node)["groups"][0]["loads"].as_u64().unwrap();
    assert_eq!(nodes.iter().map(loads).sum::<u64>(), 2, "one for each key");
}
