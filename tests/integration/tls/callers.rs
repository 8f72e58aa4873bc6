//! Callers that are known by their certificates.

use std::fs;

use super::{Files, text};
use crate::certificates::Valid;
use crate::cli::assert_fails;
use crate::harness::stdout;

#[test]
fn a_certificate_has_roles_by_its_host_or_its_common_name() {
    let files = Files::new();
    let sign =
        |name: &str, hosts: &[&str]| files.authority.sign(files.path(), name, hosts, Valid::Now);
    let (shop, job) = (sign("shop", &["till.shop.internal"]), sign("job 7", &["elsewhere"]));
    let tokens = files.path().join("tokens.toml");
    let lines = "shop = { certificate = '*.shop.internal', roles = ['read'] }\n\
                 jobs = { certificate = 'CN=job *', roles = ['read', 'write'] }\n";
    fs::write(&tokens, lines).unwrap();
    let mut args = files.mutual();
    args.extend(["--tokens".into(), text(&tokens), "--redis".into(), "none".into()]);
    let node = Files::serve(&args);
    let asks = |who, command: &[&str]| files.asks(node.address(), Some(who), command);
    assert_eq!(stdout(&asks(&shop, &["get", "default", "Tom"])), "630");
    let set = ["set", "default", "Ada", "815"];
    assert_fails(&asks(&shop, &set), 1, &["shop does not have the role write"]);
    assert!(asks(&job, &set).status.success());
    assert_eq!(stdout(&asks(&job, &["get", "default", "Ada"])), "815");
    // The authority has signed it, and no line is about it.
    let unknown = asks(&files.client, &["get", "default", "Tom"]);
    assert_fails(&unknown, 1, &["no caller is known by the certificate", "application"]);
}
