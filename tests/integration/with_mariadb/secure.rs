//! The same over TLS, or why not.

use std::process::Command;

use super::{Database, client, refused, serve_by, value};
use crate::certificates::{Authority, Valid};
use crate::harness::ServedNode;
use crate::outages::Source;
use crate::scores::REJECTED;

/// The cipher of the session, or nothing.
const CIPHER: &str = "SELECT CONCAT(VARIABLE_VALUE, ?) FROM information_schema.SESSION_STATUS
    WHERE VARIABLE_NAME = 'SSL_CIPHER'";

/// A `serve` that asks at `host` by `query`, with more options.
fn serve(database: &Database, host: &str, query: &str, more: &[(&str, &str)]) -> Command {
    let place = format!("{host}:{}", database.port());
    let mut command = serve_by(&format!("mysql://psy@{place}/school"), query);
    for (name, value) in more {
        command.args(["--retriever-opt", &format!("{name}={value}")]);
    }
    command.args(["--allow-net", &place]);
    command
}

fn node(database: &Database, host: &str, query: &str, more: &[(&str, &str)]) -> ServedNode {
    ServedNode::spawn(serve(database, host, query, more))
}

#[tokio::test]
async fn a_session_is_encrypted_where_an_authority_is_named() {
    let database = Database::start_secure(Valid::Now);
    let ca = database.system.authority.as_ref().unwrap().pem().to_owned();
    for (more, is_encrypted) in [
        (&[("ca", &*ca)][..], true),
        (&[("ca", &ca), ("tls", "true")], true),
        (&[("tls", "false")], false),
        // Nothing leaves this machine.
        (&[], false),
    ] {
        let node = node(&database, "localhost", CIPHER, more);
        let cipher = value(&client(&node).await, "!").await;
        assert_eq!(cipher.len() > 1, is_encrypted, "{more:?}: {cipher}");
    }
}

#[tokio::test]
async fn a_user_who_has_to_speak_tls_logs_in_and_large_values_pass() {
    let database = Database::start_secure(Valid::Now);
    for host in ["localhost", "127.0.0.1"] {
        database.sql(&format!("ALTER USER psy@'{host}' REQUIRE SSL"));
    }
    let ca = database.system.authority.as_ref().unwrap().pem();
    let query = "SELECT REPEAT(?, 1000000)";
    let secure = node(&database, "localhost", query, &[("ca", ca)]);
    let client = client(&secure).await;
    for key in ["ab", "cd"] {
        assert_eq!(value(&client, key).await, key.repeat(1_000_000));
    }
    let plain = node(&database, "localhost", query, &[]);
    let client = crate::scores::client(&plain).await;
    refused(&client, "Tom", REJECTED, &["1045", "Access denied"]).await;
}

#[tokio::test]
async fn a_certificate_that_is_not_right_is_told_with_the_reason() {
    let database = Database::start_secure(Valid::Now);
    let (other, ours) =
        (Authority::new("another"), database.system.authority.as_ref().unwrap().pem());
    for (host, more, part) in [
        ("localhost", &[("ca", other.pem())][..], "no CA that is trusted here"),
        // By the authorities of the system, which are none of a test.
        ("localhost", &[("tls", "true")], "TLS: "),
        ("localhost", &[("ca", "nothing")], "the option `ca` has no CERTIFICATE"),
        ("127.0.0.1", &[("ca", ours)], "for localhost, not for 127.0.0.1"),
    ] {
        let node = node(&database, host, CIPHER, more);
        refused(&client(&node).await, "Tom", REJECTED, &[part]).await;
    }
    let expired = Database::start_secure(Valid::Before);
    let ca = expired.system.authority.as_ref().unwrap().pem();
    let node = node(&expired, "localhost", CIPHER, &[("ca", ca)]);
    refused(&client(&node).await, "Tom", REJECTED, &["has expired"]).await;
}

#[tokio::test]
async fn a_server_without_tls_is_told_with_the_option() {
    let mut database = Database::start_secure(Valid::Now);
    let authority = database.system.authority.take().unwrap();
    database.stop();
    database.run();
    let node = node(&database, "localhost", CIPHER, &[("ca", authority.pem())]);
    refused(&client(&node).await, "Tom", REJECTED, &["speaks no TLS", "`tls=false`"]).await;
}
