//! Certificates whose files change while a node serves.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use psycache::client::{Client, ClientConfig, ClientTls};
use psycache::config::{Config, Group, Tls};
use psycache::node::Node;

use super::{Files, LOCAL, flags, openssl, text};
use crate::certificates::Valid;
use crate::harness::{ServedNode, stderr, stdout};
use crate::patience::seen_blocking;

/// The certificate that a new connection to `address` gets, as openssl prints it.
fn shown(address: &str) -> String {
    let said = openssl(address, &["-showcerts"], b"");
    let text = stdout(&said);
    let begin = text.find("-----BEGIN").unwrap_or_else(|| panic!("{}", stderr(&said)));
    let end = text.find("-----END").unwrap();
    text[begin..end].to_owned()
}

fn certificate(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    text[..text.find("-----END").unwrap()].to_owned()
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    seen_blocking(|| holds().then_some(()).ok_or_else(|| what.to_owned()));
}

fn metric(files: &Files, node: &ServedNode, name: &str) -> u64 {
    let mut command = std::process::Command::new("curl");
    command.args(["--silent", "--max-time", "20", "--cacert"]).arg(&files.ca);
    command.arg(format!("https://{}/metrics", node.told("http")));
    let page = crate::harness::run(command, b"");
    let line = stdout(&page).lines().find_map(|line| line.strip_prefix(name));
    line.unwrap_or_else(|| panic!("no {name} in {}", stdout(&page))).trim().parse().unwrap()
}

/// A folder as Kubernetes mounts a secret: the files are links into `..data`, which is a link
/// to a folder that is never changed.
fn mount(volume: &Path, version: &str, from: &super::Signed) {
    let folder = volume.join(version);
    fs::create_dir_all(&folder).unwrap();
    fs::copy(&from.cert, folder.join("tls.crt")).unwrap();
    fs::copy(&from.key, folder.join("tls.key")).unwrap();
    let (link, data) = (volume.join("..data_tmp"), volume.join("..data"));
    symlink(version, &link).unwrap();
    fs::rename(&link, &data).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_swapped_link_brings_a_new_certificate_and_keeps_connections() {
    let files = Files::new();
    let volume = files.path().join("volume");
    mount(&volume, "..1", &files.node);
    for name in ["tls.crt", "tls.key"] {
        symlink(Path::new("..data").join(name), volume.join(name)).unwrap();
    }
    let mounted = super::Signed { cert: volume.join("tls.crt"), key: volume.join("tls.key") };
    let node = Files::serve(&flags(&mounted));
    let address = node.address().to_owned();
    assert_eq!(shown(&address), certificate(&files.node.cert));

    let mut config = ClientConfig::list([address.clone()]);
    config.tls = Some(ClientTls::new(&files.ca));
    let client = Client::connect(config).await.unwrap();
    client.set("default", "Ada", "815", None).await.unwrap();

    let next = files.authority.sign(files.path(), "next", &LOCAL, Valid::Shortly);
    mount(&volume, "..2", &next);
    until("the new certificate", || shown(&address) == certificate(&next.cert));
    assert_eq!(metric(&files, &node, "psycache_tls_reloads_total{outcome=\"taken\"}"), 1);
    // A connection made before goes on.
    assert_eq!(client.get("default", "Ada").await.unwrap().value, "815");

    // One that can't be used is refused, and the one before stays.
    let late = files.authority.sign(files.path(), "late", &LOCAL, Valid::Before);
    mount(&volume, "..3", &late);
    let refused = "psycache_tls_reloads_total{outcome=\"refused\"}";
    until("the refusal", || metric(&files, &node, refused) == 1);
    assert_eq!(shown(&address), certificate(&next.cert));
    let said = files.asks(&address, None, &["reload"]);
    assert!(stderr(&said).contains("valid from"), "{}", stderr(&said));

    // Asked for, it does not wait for the next look.
    mount(&volume, "..4", &files.node);
    let said = files.asks(&address, None, &["reload"]);
    assert_eq!(stdout(&said), "changed tls\n", "{}", stderr(&said));
    assert_eq!(shown(&address), certificate(&files.node.cert));

    node.signal("TERM");
    let (_, _, log) = node.ended();
    for part in [
        "Took new certificates",
        "The certificate expires soon",
        "Refused new certificates",
        text(&mounted.cert).as_str(),
    ] {
        assert!(log.contains(part), "no {part:?} in\n{log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_is_no_longer_trusted_is_refused_and_a_rotated_authority_serves_both() {
    let files = Files::new();
    let other = crate::certificates::Authority::new("the next authority");
    let later = other.sign(files.path(), "later", &["application"], Valid::Now);
    let bundle = files.path().join("bundle.pem");
    fs::write(&bundle, files.authority.pem()).unwrap();
    let mut args = flags(&files.node);
    args.extend(["--tls-client-ca".into(), text(&bundle)]);
    let node = Files::serve(&args);
    let get = |identity| {
        let said = files.asks(node.address(), Some(identity), &["get", "default", "Tom"]);
        (said.status.success(), stderr(&said).to_owned())
    };
    let trust = |authorities: &str| {
        fs::write(&bundle, authorities).unwrap();
        node.signal("HUP");
    };
    assert!(get(&files.client).0 && !get(&later).0);
    trust(&format!("{}{}", files.authority.pem(), other.pem()));
    until("both authorities", || get(&files.client).0 && get(&later).0);
    trust(other.pem());
    until("only the next", || !get(&files.client).0 && get(&later).0);
    assert!(get(&files.client).1.contains("does not trust the CA"), "{}", get(&files.client).1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_reloads_under_load_fail_no_request() {
    const RELOADS: u64 = 1_000;
    let files = Files::new();
    let next = files.authority.sign(files.path(), "next", &LOCAL, Valid::Now);
    let used = super::Signed { cert: files.path().join("u.pem"), key: files.path().join("u.key") };
    let place = |from: &super::Signed| {
        // Each by a rename, as no file is ever half written.
        for (from, to) in [(&from.cert, &used.cert), (&from.key, &used.key)] {
            let beside = to.with_extension("new");
            fs::copy(from, &beside).unwrap();
            fs::rename(&beside, to).unwrap();
        }
    };
    place(&files.node);
    let mut config = Config::default();
    config.listen = "127.0.0.1:0".into();
    config.http = None;
    config.groups = vec![Group::new("scores")];
    config.tls = Some(Tls::new(&used.cert, &used.key));
    let mut node = Node::start(config.clone()).await.unwrap();
    let address = node.address().to_string();

    let mut client_config = ClientConfig::list([address.clone()]);
    client_config.tls = Some(ClientTls::new(&files.ca));
    let client = Client::connect(client_config.clone()).await.unwrap();
    client.set("scores", "Ada", "815", None).await.unwrap();
    let (ends, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let load = |connects: bool| {
        let (ends, asked) = (Arc::clone(&ends), Arc::clone(&asked));
        let (client, config) = (client.clone(), client_config.clone());
        tokio::spawn(async move {
            while !ends.load(Relaxed) {
                let client = match connects {
                    true => Client::connect(config.clone()).await.unwrap(),
                    false => client.clone(),
                };
                assert_eq!(client.get("scores", "Ada").await.unwrap().value, "815");
                asked.fetch_add(1, Relaxed);
            }
        })
    };
    let loads = [load(false), load(true)];
    let mut changed = 0;
    for turn in 0..RELOADS {
        place(if turn % 2 == 0 { &next } else { &files.node });
        // The node's own look may have taken it first, or half of it.
        changed += node.reload(config.clone()).await.unwrap().changed.len() as u64;
    }
    ends.store(true, Relaxed);
    for load in loads {
        load.await.expect("no request failed");
    }
    assert!(changed > RELOADS * 9 / 10, "{changed} of {RELOADS} reloads found something new");
    assert!(asked.load(Relaxed) > 0);
    node.shutdown().await;
}
