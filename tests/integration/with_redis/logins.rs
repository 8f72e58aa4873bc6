//! How the node gets to the server and logs in there, with TLS and without, or says why it
//! does not. What it logs in with is shown nowhere.

use super::{
    PASSWORD, REJECTED, Server, assert_secret, client, get, node, refused, serve, serve_by, value,
};
use crate::certificates::Authority;
use crate::harness::ServedNode;
use crate::scores::assert_rotates_password;

#[tokio::test]
async fn a_user_without_the_right_or_with_another_password_is_told() {
    let server = Server::start();
    let wrong = {
        let mut command = serve(&server, &[]);
        command.args(["--allow-net", &server.address()]).env("REDIS_PASSWORD", "wrong");
        ServedNode::spawn(command)
    };
    refused(&client(&wrong).await, "Tom", REJECTED, &[&server.address(), "WRONGPASS"]).await;
    server.does(&["ACL", "SETUSER", "psy", "-get"]);
    let denied = node(&server, &[], &[]);
    refused(&client(&denied).await, "Tom", REJECTED, &["NOPERM", "'get'"]).await;
    server.does(&["CONFIG", "SET", "requirepass", "another"]);
    let mut command =
        crate::scores::serve("redis", &[("dsn", &format!("redis://{}", server.address()))]);
    command.args(["--allow-net", &server.address()]);
    let nobody = ServedNode::spawn(command);
    refused(&client(&nobody).await, "Tom", REJECTED, &["NOAUTH", "secret `password`"]).await;
}

#[tokio::test]
async fn a_database_is_selected_by_its_number() {
    let server = Server::start();
    server.does(&["-n", "7", "SET", "Tom", "seven"]);
    for (number, answer) in [("7", Ok("seven")), ("99", Err("out of range"))] {
        let dsn = format!("redis://psy@{}/{number}", server.address());
        let mut command = serve_by(&dsn, &[]);
        command.args(["--allow-net", &server.address()]);
        let node = ServedNode::spawn(command);
        match answer {
            Ok(text) => assert_eq!(value(&client(&node).await, "Tom").await, text),
            Err(part) => refused(&client(&node).await, "Tom", REJECTED, &[part]).await,
        }
    }
}

#[tokio::test]
async fn the_scheme_rediss_means_tls() {
    let server = Server::start();
    let (ours, other) = (server.authority.pem().to_owned(), Authority::new("another"));
    let place = server.tls_place();
    for (place, ca, part) in [
        (&place, &*ours, None),
        (&place, other.pem(), Some("no CA that is trusted here")),
        (&place.replace("localhost", "127.0.0.1"), &ours, Some("for localhost, not for")),
    ] {
        let mut command = serve_by(&format!("rediss://psy@{place}"), &[("ca", ca)]);
        command.args(["--allow-net", place]);
        let node = ServedNode::spawn(command);
        match part {
            None => assert_eq!(value(&client(&node).await, "Tom").await, "630"),
            Some(part) => refused(&client(&node).await, "Tom", REJECTED, &[part]).await,
        }
    }
}

#[tokio::test]
async fn no_password_is_ever_shown() {
    let server = Server::start();
    for password in [PASSWORD, "staple-of-another"] {
        let mut command = serve(&server, &[]);
        command.args(["--allow-net", &server.address(), "--log", "trace"]);
        command.env("REDIS_PASSWORD", password);
        let node = ServedNode::spawn(command);
        let found = get(&client(&node).await, "Tom").await;
        assert_eq!(found.is_ok(), password == PASSWORD, "{found:?}");
        assert_secret(node, password).await;
    }
}

#[tokio::test]
async fn a_password_that_is_rotated_in_its_file_is_taken_at_a_reload() {
    let server = Server::start();
    let dsn = format!("redis://psy@{}", server.address());
    let wrong = ["WRONGPASS"];
    assert_rotates_password("redis", &server.address(), &[("dsn", &dsn)], PASSWORD, &wrong).await;
}
