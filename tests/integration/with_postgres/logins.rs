//! How the node gets to the server and logs in there, with TLS and without, or says why it
//! does not. What it logs in with is shown nowhere.

use std::fs;
use std::process::Command;

use super::{
    Database, PASSWORD, REJECTED, SCORES, assert_secret, client, get, refused, serve_by, shared,
    value,
};
use crate::certificates::{Authority, Valid};
use crate::harness::ServedNode;
use crate::outages::Source;
use crate::scores::assert_rotates_password;

/// A `serve` that asks at `localhost`, for which the server's certificate is.
fn serve(database: &Database, more: &[(&str, &str)]) -> Command {
    let place = format!("localhost:{}", database.port());
    let mut command = serve_by(&format!("postgres://psy@{place}/school"), SCORES, more);
    command.args(["--allow-net", &place]);
    command
}

/// Whether that node's sessions at the server are encrypted.
async fn is_encrypted(command: Command, database: &Database) -> String {
    let node = ServedNode::spawn(command);
    assert_eq!(value(&client(&node).await, "Tom").await, "630");
    database.row(
        "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
         WHERE usename = 'psy'",
    )
}

#[tokio::test]
async fn tls_is_on_unless_it_is_switched_off() {
    let database = Database::start();
    let ca = database.system.authority.pem().to_owned();
    assert_eq!(is_encrypted(serve(&database, &[("ca", &ca)]), &database).await, "t");
    assert_eq!(is_encrypted(serve(&database, &[("tls", "false")]), &database).await, "f");
}

#[tokio::test]
async fn a_certificate_that_is_not_right_is_told_with_the_reason() {
    let (other, ours) = (Authority::new("another"), shared().system.authority.pem());
    for (more, part) in [
        (&[("ca", other.pem())][..], "no CA that is trusted here"),
        // By the authorities of the system, which are none of a test.
        (&[], "TLS: "),
        (&[("ca", "nothing")], "the option `ca` has no CERTIFICATE"),
    ] {
        let node = ServedNode::spawn(serve(shared(), more));
        refused(&client(&node).await, "Tom", REJECTED, &[part]).await;
    }
    let mut by_address = serve_by(&shared().dsn("psy"), SCORES, &[("ca", ours)]);
    by_address.args(["--allow-net", &shared().address()]);
    let node = ServedNode::spawn(by_address);
    refused(&client(&node).await, "Tom", REJECTED, &["for localhost, not for 127.0.0.1"]).await;
    let expired = Database::start_valid(Valid::Before);
    let node = ServedNode::spawn(serve(&expired, &[("ca", expired.system.authority.pem())]));
    refused(&client(&node).await, "Tom", REJECTED, &["has expired"]).await;
}

#[tokio::test]
async fn a_server_without_tls_is_told_with_the_option() {
    let mut database = Database::start();
    database.stop();
    database.system.tls = false;
    database.run();
    let node = ServedNode::spawn(serve(&database, &[]));
    refused(&client(&node).await, "Tom", REJECTED, &["speaks no TLS", "`tls=false`"]).await;
}

#[tokio::test]
async fn users_log_in_by_scram_md5_and_in_clear_over_tls_only() {
    let database = Database::start();
    database.sql(&format!(
        "SET password_encryption = md5; CREATE USER old PASSWORD '{PASSWORD}';
         SET password_encryption = 'scram-sha-256'; CREATE USER plain PASSWORD '{PASSWORD}';
         GRANT SELECT ON student TO old, plain"
    ));
    let rules = "local all all trust\nhost all old all md5\nhost all plain all password\n\
                 host all all all scram-sha-256\n";
    fs::write(database.file("data/pg_hba.conf"), rules).unwrap();
    database.sql("SELECT pg_reload_conf()");
    let ca = database.system.authority.pem();
    let place = format!("localhost:{}", database.port());
    for (user, more, answer) in [
        ("old", &[("tls", "false")][..], Ok("630")),
        ("old", &[("ca", ca)], Ok("630")),
        ("plain", &[("ca", ca)], Ok("630")),
        ("plain", &[("tls", "false")], Err("in clear, which is sent over TLS only")),
        ("psy", &[("ca", ca)], Ok("630")),
        ("nobody", &[("ca", ca)], Err("password authentication failed for user \"nobody\"")),
    ] {
        let dsn = format!("postgres://{user}@{place}/school");
        let mut command = serve_by(&dsn, SCORES, more);
        command.args(["--allow-net", &place]);
        let node = ServedNode::spawn(command);
        match answer {
            Ok(score) => assert_eq!(value(&client(&node).await, "Tom").await, score, "{user}"),
            Err(part) => refused(&client(&node).await, "Tom", REJECTED, &[part]).await,
        }
    }
}

#[tokio::test]
async fn a_password_that_is_rotated_in_its_file_is_taken_at_a_reload() {
    let database = Database::start();
    let dsn = database.dsn("psy");
    let options = [("dsn", &*dsn), ("query", SCORES), ("tls", "false")];
    let wrong = ["28P01", "password authentication failed"];
    assert_rotates_password("postgres", &database.address(), &options, PASSWORD, &wrong).await;
}

#[tokio::test]
async fn no_password_is_ever_shown() {
    for password in [PASSWORD, "staple-of-another"] {
        let mut command = serve(shared(), &[("ca", shared().system.authority.pem())]);
        command.args(["--log", "trace"]).env("DB_PASSWORD", password);
        let node = ServedNode::spawn(command);
        let found = get(&client(&node).await, "Tom").await;
        assert_eq!(found.is_ok(), password == PASSWORD, "{found:?}");
        assert_secret(node, password).await;
    }
}
