//! A real etcd in a temporary folder, on ports that were free.

use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use etcd_client::{
    Certificate, Client, ConnectOptions, Identity, Permission, PermissionType,
    RoleGrantPermissionResponse, TlsOptions,
};
use tempfile::TempDir;
use tokio::sync::OnceCell;
use tokio::time::timeout;

use super::certificates::Certificates;
use crate::patience;

/// Runs the command after a folder, and ends it and removes the folder when its own
/// standard input ends, which is when the process that started it does.
const UNTIL_STDIN_ENDS: &str = r#""$@" & read -r _; kill -9 $!; wait $!; rm -rf "$0""#;

/// One etcd, stopped when dropped.
pub(crate) struct Etcd {
    process: Option<Child>,
    data: TempDir,
    client_port: u16,
    peer_port: u16,
    /// Clients show a certificate, and are shown one.
    certificates: Option<Certificates>,
    /// It lasts as long as this process, which drops nothing at its end.
    is_shared: bool,
}

impl Etcd {
    /// Starts one and waits until it answers.
    pub(crate) async fn start() -> Self {
        let mut etcd = Self::stopped();
        etcd.run().await;
        etcd
    }

    /// The one of all tests that neither stop it nor look at it as a whole. Each works
    /// below a [`prefix`] of its own.
    pub(crate) async fn shared() -> &'static Self {
        static SHARED: OnceCell<Etcd> = OnceCell::const_new();
        let start = || async {
            let mut etcd = Self::stopped();
            etcd.is_shared = true;
            etcd.run().await;
            etcd
        };
        SHARED.get_or_init(start).await
    }

    /// Starts one that speaks TLS only, with those who show a certificate.
    pub(super) async fn start_secure(certificates: Certificates) -> Self {
        let mut etcd = Self::stopped();
        etcd.certificates = Some(certificates);
        etcd.run().await;
        etcd
    }

    /// One that has its ports but does not run yet.
    pub(crate) fn stopped() -> Self {
        // Both at once, or they could be the same.
        let ports = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").expect("a free port"));
        let [client_port, peer_port] =
            ports.each_ref().map(|port| port.local_addr().expect("bound").port());
        Self {
            process: None,
            data: TempDir::new().expect("a temporary folder"),
            client_port,
            peer_port,
            certificates: None,
            is_shared: false,
        }
    }

    /// Where it answers clients, and shows its metrics.
    pub(crate) fn address(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.client_port).into()
    }

    pub(crate) fn url(&self) -> String {
        let scheme = if self.certificates.is_some() { "https" } else { "http" };
        format!("{scheme}://127.0.0.1:{}", self.client_port)
    }

    /// Starts it with the data that it has.
    pub(crate) async fn run(&mut self) {
        let peer = format!("http://127.0.0.1:{}", self.peer_port);
        let mut command = match self.is_shared {
            true => {
                let mut command = Command::new("sh");
                command.args(["-c", UNTIL_STDIN_ENDS]).arg(self.data.path()).arg("etcd");
                command.stdin(Stdio::piped());
                command
            }
            false => Command::new("etcd"),
        };
        if let Some(files) = &self.certificates {
            command.arg("--cert-file").arg(files.cert()).arg("--key-file").arg(files.key());
            command.arg("--client-cert-auth").arg("--trusted-ca-file").arg(files.ca());
        }
        let process = command
            .arg("--data-dir")
            .arg(self.data.path())
            .args(["--listen-client-urls", &self.url()])
            .args(["--advertise-client-urls", &self.url()])
            .args(["--listen-peer-urls", &peer])
            .args(["--initial-advertise-peer-urls", &peer])
            .args(["--initial-cluster", &format!("default={peer}")])
            // Survives a killed process, which is all that tests need.
            .arg("--unsafe-no-fsync")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("etcd is installed; `cargo xtask test` installs it");
        self.process = Some(process);
        patience::until("etcd answers", async || {
            let status = async { self.client().await.ok()?.status().await.ok() };
            matches!(timeout(Duration::from_millis(300), status).await, Ok(Some(_)))
        })
        .await;
    }

    /// Kills it.
    pub(crate) fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().expect("it runs");
            process.wait().expect("it was started here");
        }
    }

    /// Starts it again on the same ports, knowing nothing.
    pub(crate) async fn restart_empty(&mut self) {
        self.stop();
        self.data = TempDir::new().expect("a temporary folder");
        self.run().await;
    }

    pub(crate) async fn client(&self) -> Result<Client, etcd_client::Error> {
        let mut options = ConnectOptions::new();
        if let Some(files) = &self.certificates {
            let read = |path| std::fs::read(path).expect("it was written");
            let identity = Identity::from_pem(read(files.cert()), read(files.key()));
            let ca = Certificate::from_pem(read(files.ca()));
            options = options.with_tls(TlsOptions::new().ca_certificate(ca).identity(identity));
        }
        Client::connect([self.url()], Some(options)).await
    }

    /// From now on it asks who is there: `psy` with the password `cache` may read and
    /// write what is below the usual prefix, and nobody else anything.
    pub(crate) async fn protect(&self) {
        let mut admin = self.client().await.expect("etcd runs");
        admin.user_add("root", "secret", None).await.expect("a user");
        admin.user_grant_role("root", "root").await.expect("a grant");
        admin.user_add("psy", "cache", None).await.expect("a user");
        admin.role_add("nodes").await.expect("a role");
        let prefix = Permission::new(PermissionType::Readwrite, "psycache/").with_prefix();
        let _: RoleGrantPermissionResponse =
            admin.role_grant_permission("nodes", prefix).await.expect("a permission");
        admin.user_grant_role("psy", "nodes").await.expect("a grant");
        admin.auth_enable().await.expect("users");
    }

    /// The certificates that it works with.
    ///
    /// # Panics
    /// It works without.
    pub(super) fn certificates(&self) -> &Certificates {
        self.certificates.as_ref().expect("it is a secure one")
    }
}

/// Keys of a cluster that no other test knows.
pub(crate) fn prefix() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("cluster-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

impl Drop for Etcd {
    fn drop(&mut self) {
        self.stop();
    }
}
