//! A source that uses the network as its group may not. That other groups are served meanwhile is
//! shown with all exhibits, in `retrievers`.

use std::io::ErrorKind;
use std::net::TcpListener;

use super::exhibits;
use crate::harness::ServedNode;
use crate::scores::{REJECTED, client, refused, serve, value};

#[tokio::test(flavor = "multi_thread")]
async fn a_source_connects_to_where_its_group_may_and_gets_no_other_socket() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("reaches-out.wasm");
    std::fs::write(&source, exhibits::retriever("reaches-out")).unwrap();
    let [allowed, forbidden] = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    let [allowed_at, forbidden_at] = [&allowed, &forbidden].map(|it| it.local_addr().unwrap());
    let mut command = serve(source.to_str().unwrap(), &[]);
    command.args(["--allow-net", &allowed_at.to_string(), "--log-format", "text"]);
    let node = ServedNode::spawn(command);
    let client = client(&node).await;
    for key in [
        &*format!("connect to {forbidden_at}"),
        "bind 127.0.0.1:0",
        "listen at any port",
        "udp",
        "name",
    ] {
        refused(&client, key, REJECTED, &["access-denied"]).await;
    }
    let key = format!("connect to {allowed_at}");
    assert_eq!(value(&client, &key).await, "let in");
    allowed.accept().unwrap();
    forbidden.set_nonblocking(true).unwrap();
    assert_eq!(forbidden.accept().unwrap_err().kind(), ErrorKind::WouldBlock);

    let log = tokio::task::spawn_blocking(|| {
        node.signal("TERM");
        node.ended().2
    });
    let log = log.await.unwrap();
    for told in [
        &*format!("connect to {forbidden_at}; allow it with --allow-net {forbidden_at}"),
        "bind or listen at 127.0.0.1:0; a retriever may only connect",
        "bind or listen at 0.0.0.0:",
        "look up \"secret.attacker.example\"",
    ] {
        let told = format!("was refused to {told}");
        assert!(log.contains(&told), "no {told:?} in\n{log}");
    }
}
