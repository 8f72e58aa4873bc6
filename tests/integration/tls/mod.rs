//! Nodes and clients that speak TLS, as real processes.

mod callers;
mod half_open;
mod insecure;
mod listeners;
mod peer_listener;
mod peers;
mod refused;
mod reload;
mod tokens;
mod try_out;
mod with_clients;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::certificates::{Authority, Signed, Valid};
use crate::harness::{ServedNode, psycache_command, run};

/// The hosts of a node on this machine.
const LOCAL: [&str; 2] = ["127.0.0.1", "localhost"];

/// An authority, a node's certificate and a client's.
pub(crate) struct Files {
    folder: TempDir,
    authority: Authority,
    ca: PathBuf,
    node: Signed,
    client: Signed,
}

impl Files {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::new("the authority of this test");
        let ca = authority.write(folder.path(), "ca.pem");
        let node = authority.sign(folder.path(), "node", &LOCAL, Valid::Now);
        let client = authority.sign(folder.path(), "client", &["application"], Valid::Now);
        Self { folder, authority, ca, node, client }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Flags of a node that asks for certificates of clients.
    fn mutual(&self) -> Vec<String> {
        let mut flags = flags(&self.node);
        flags.extend(["--tls-client-ca".into(), text(&self.ca)]);
        flags
    }

    /// A node with `flags`.
    fn serve(flags: &[String]) -> ServedNode {
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        ServedNode::start(&flags)
    }

    /// `command` at `address`, which trusts the authority and shows `identity`.
    fn asks(&self, address: &str, identity: Option<&Signed>, command: &[&str]) -> Output {
        let mut client = psycache_command(command);
        client.args(["--node", address, "--tls-ca"]).arg(&self.ca);
        if let Some(identity) = identity {
            client.args(flags(identity));
        }
        run(client, b"")
    }
}

/// The flags of a certificate and its key.
fn flags(signed: &Signed) -> Vec<String> {
    vec!["--tls-cert".into(), text(&signed.cert), "--tls-key".into(), text(&signed.key)]
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

/// What `openssl s_client` says of a connection to `address`, with `input` sent on it.
fn openssl(address: &str, args: &[&str], input: &[u8]) -> Output {
    let mut command = Command::new("openssl");
    command.args(["s_client", "-connect", address]).args(args);
    run(command, input)
}
