//! `psycache serve` with an etcd that asks who is there.

use std::process::Command;

use super::certificates::Certificates;
use super::cluster::status;
use super::server::Etcd;
use crate::harness::{ServedNode, ending, psycache_command, run};
use crate::readme;

fn serve(etcd: &Etcd) -> Command {
    let url = etcd.url();
    let listen = ["serve", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"];
    psycache_command(listen.into_iter().chain(["--etcd", &url, "--lease-ttl", "2s"]))
}

async fn is_registered(node: &ServedNode) -> bool {
    status(node).await.registry.is_some_and(|registry| registry.connected)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_shows_its_user_and_never_its_password() {
    let etcd = Etcd::start().await;
    etcd.protect().await;
    let with = |password: &str| {
        let mut command = serve(&etcd);
        command.args(["--etcd-user", "psy", "--etcd-password", "env:PASSWORD", "--log", "debug"]);
        command.env("PASSWORD", password);
        command
    };
    let node = ServedNode::spawn(with("cache"));
    assert!(is_registered(&node).await);
    node.signal("TERM");
    let (ended, _, log) = node.ended();
    assert!(ended.success(), "{log}");

    let refused = run(with("no-such-word"), b"");
    let (code, complaint) = ending(&refused);
    assert_eq!(code, Some(1), "{complaint}");
    assert!(complaint.contains("check user, password and role"), "{complaint}");
    assert!(!complaint.contains("no-such-word"), "{complaint}");

    let mut open = serve(&etcd);
    open.args(["--etcd-user", "psy", "--etcd-password", "no-such-word"]);
    let refused = run(open, b"");
    let (code, complaint) = ending(&refused);
    assert_eq!(code, Some(2), "{complaint}");
    assert!(complaint.contains("--etcd-password"), "{complaint}");
    assert!(!complaint.contains("no-such-word"), "{complaint}");
}

/// By the config file that the page of operations shows.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_and_etcd_show_each_other_certificates() {
    let etcd = Etcd::start_secure(Certificates::generate()).await;
    etcd.protect().await;
    let files = etcd.certificates();
    let file = readme::block("toml", "[cluster]")
        .replace("https://10.0.0.9:2379", &etcd.url())
        .replace("/etc/psycache", &files.folder().display().to_string());
    let config = files.folder().join("psycache.toml");
    std::fs::write(&config, file).expect("it can be written");
    let mut command = psycache_command(["serve", "--listen", "127.0.0.1:0", "--http", "none"]);
    command.arg("--config").arg(config).env("ETCD_PASSWORD", "cache");
    let node = ServedNode::spawn(command);
    assert!(is_registered(&node).await);

    let refused = run(serve(&etcd), b"");
    let (code, complaint) = ending(&refused);
    assert_eq!(code, Some(1), "{complaint}");
    assert!(complaint.contains("--etcd-ca"), "{complaint}");

    // Another authority's word counts for nothing: the node serves without etcd.
    let others = Certificates::generate();
    let mut command = serve(&etcd);
    command.arg("--etcd-ca").arg(others.ca());
    command.arg("--etcd-cert").arg(files.cert()).arg("--etcd-key").arg(files.key());
    let stranger = ServedNode::spawn(command);
    let registry = status(&stranger).await.registry.expect("one");
    assert!(!registry.connected && !registry.problem.is_empty(), "{registry:?}");
    assert_eq!(status(&node).await.nodes.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_holder_of_an_address_does_not_start() {
    let etcd = Etcd::start().await;
    let node = || {
        let mut command = serve(&etcd);
        command.args(["--advertise", "127.0.0.1:1"]);
        command
    };
    let first = ServedNode::spawn(node());
    assert!(is_registered(&first).await);
    let refused = run(node(), b"");
    let (code, complaint) = ending(&refused);
    assert_eq!(code, Some(1), "{complaint}");
    assert!(complaint.contains("the address 127.0.0.1:1 is taken"), "{complaint}");
    assert!(complaint.contains("--advertise"), "{complaint}");
}
