//! How the node gets to the server and logs in there, or says why it does not.

use std::process::Command;

use tonic::Code;

use super::changes::Proxy;
use super::{Database, PASSWORD, SCORES, client, refused, serve_by, shared, value};
use crate::harness::{ServedNode, ending, psycache_command, run};
use crate::scores::assert_rotates_password;

const REJECTED: (Code, &str) = (Code::PermissionDenied, "SOURCE_REJECTED");

/// A `serve` with this DSN, which may connect to `allowed`.
fn serve(dsn: &str, allowed: &str) -> Command {
    let mut command = serve_by(dsn, SCORES);
    command.args(["--allow-net", allowed]);
    command
}

async fn serves_tom(dsn: &str, allowed: &str) {
    let node = ServedNode::spawn(serve(dsn, allowed));
    assert_eq!(value(&client(&node).await, "Tom").await, "630");
}

#[tokio::test]
async fn an_address_of_ipv6_works() {
    let proxy = Proxy::start("[::1]:0", &shared().address()).await;
    serves_tom(&format!("mysql://psy@{}/school", proxy.address), &proxy.address).await;
}

#[tokio::test]
async fn a_name_works_where_it_is_allowed_and_else_names_the_flag() {
    let port = shared().address().rsplit_once(':').unwrap().1.to_owned();
    let dsn = format!("mysql://psy@localhost:{port}/school");
    serves_tom(&dsn, &format!("localhost:{port}")).await;
    let node = ServedNode::spawn(serve(&dsn, &shared().address()));
    let client = client(&node).await;
    let flag = format!("--allow-net localhost:{port}");
    refused(&client, "Tom", REJECTED, &["look up `localhost`", &flag]).await;
    let told = super::get(&client, "Tom").await.unwrap_err();
    assert!(!told.message().contains("os error"), "{told}");
}

#[tokio::test]
async fn errors_of_the_network_have_no_numbers() {
    for place in ["127.0.0.1:1", "nowhere.invalid:3306"] {
        let node = ServedNode::spawn(serve(&format!("mysql://psy@{place}/school"), place));
        let told = super::get(&client(&node).await, "Tom").await.unwrap_err();
        assert_eq!(told.code(), Code::Unavailable, "{told}");
        assert!(told.message().contains(place) && !told.message().contains("os error"), "{told}");
    }
}

#[tokio::test]
async fn a_user_of_ed25519_logs_in_and_one_of_a_strange_plugin_is_told() {
    let database = Database::start();
    database.sql("INSTALL SONAME 'auth_ed25519';; INSTALL SONAME 'auth_pam';;");
    for host in ["localhost", "127.0.0.1"] {
        database.sql(&format!(
            "CREATE USER ed@'{host}' IDENTIFIED VIA ed25519 USING PASSWORD('{PASSWORD}');;
             CREATE USER pam@'{host}' IDENTIFIED VIA pam USING 'nothing';;
             GRANT SELECT ON school.* TO ed@'{host}', pam@'{host}';;"
        ));
    }
    let address = database.address();
    serves_tom(&format!("mysql://ed@{address}/school"), &address).await;
    let node = ServedNode::spawn(serve(&format!("mysql://pam@{address}/school"), &address));
    refused(&client(&node).await, "Tom", REJECTED, &["`dialog`", "another plugin"]).await;
}

#[test]
fn what_a_dsn_can_not_have_is_refused_by_its_name_before_the_node_starts() {
    for parameter in
        ["require_ssl=true", "verify_ca=true", "pool_max=5", "wait_timeout=5", "socket=/s"]
    {
        let dsn = format!("mysql://psy@127.0.0.1:3306/school?{parameter}");
        let output = run(serve(&dsn, "127.0.0.1:3306"), b"");
        let (code, text) = ending(&output);
        let name = parameter.split('=').next().unwrap();
        assert_eq!(code, Some(1), "{text}");
        assert!(text.contains(&format!("leave `{name}` out")), "{text}");
    }
}

#[tokio::test]
async fn the_environment_has_an_option_in_each_line() {
    let address = shared().address();
    let mut command =
        psycache_command(["serve", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"]);
    let options = format!(
        "dsn=mysql://psy@{address}/school\nquery=SELECT name, score FROM student\n  WHERE name = ?\nvalue-column=score\n"
    );
    command
        .env("PSYCACHE_GROUP", "scores")
        .env("PSYCACHE_RETRIEVER", "mysql")
        .env("PSYCACHE_RETRIEVER_OPT", options)
        .env("PSYCACHE_RETRIEVER_SECRET", "password=env:DB_PASSWORD")
        .env("PSYCACHE_ALLOW_NET", address)
        .env("DB_PASSWORD", PASSWORD);
    let node = ServedNode::spawn(command);
    assert_eq!(value(&client(&node).await, "Tom").await, "630");
    node.signal("TERM");
    let (_, _, log) = node.ended();
    assert!(!log.contains("is no setting"), "{log}");
}

#[tokio::test]
async fn a_password_that_is_rotated_in_its_file_is_taken_at_a_reload() {
    let place = shared().address();
    let dsn = format!("mysql://psy@{place}/school");
    let options = [("dsn", &*dsn), ("query", SCORES)];
    let wrong = ["1045", "Access denied for user 'psy'"];
    assert_rotates_password("mysql", &place, &options, PASSWORD, &wrong).await;
}
