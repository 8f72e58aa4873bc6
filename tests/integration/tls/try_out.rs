//! `psycache tls try`.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::cli::assert_fails;
use crate::harness::{ServedNode, psycache_command, run, stderr, stdout};

#[test]
fn its_certificates_serve_a_cluster_and_a_client() {
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path().join("certs");
    let made = run(psycache_command(["tls", "try", folder.to_str().unwrap()]), b"");
    assert!(made.status.success(), "{}", stderr(&made));
    let mut lines = stdout(&made).lines();
    assert!(lines.next().unwrap().ends_with("not for production"));
    // The two commands that it shows, as they stand there.
    let serve: Vec<&str> = lines.next().unwrap().split(' ').skip(2).collect();
    let mut status: Vec<&str> = lines.next().unwrap().split(' ').skip(1).collect();
    let node = ServedNode::start(&serve);
    status.extend(["--node", node.address()]);
    let status = run(psycache_command(status), b"");
    assert!(status.status.success(), "{}", stderr(&status));

    for key in ["node.key", "client.key"] {
        let mode = fs::metadata(folder.join(key)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{key}");
    }
    assert!(!folder.join("ca.key").exists());
    let again = run(psycache_command(["tls", "try", folder.to_str().unwrap()]), b"");
    assert_fails(&again, 2, &["ca.pem", "is not overwritten"]);
}

#[test]
fn a_host_that_is_none_is_refused() {
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path().to_str().unwrap().to_owned();
    for host in ["node:7400", "a b", "*"] {
        let said = run(psycache_command(["tls", "try", &folder, "--host", host]), b"");
        assert_fails(&said, 2, &["without a port"]);
    }
}
