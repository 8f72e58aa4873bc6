//! A real etcd in a temporary folder, on ports that were free.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use etcd_client::{Client, ConnectOptions};
use tempfile::TempDir;

/// One etcd, stopped when dropped.
pub(crate) struct Etcd {
    process: Option<Child>,
    data: TempDir,
    client_port: u16,
    peer_port: u16,
}

impl Etcd {
    /// Starts one and waits until it answers.
    pub(crate) async fn start() -> Self {
        let mut etcd = Self::stopped();
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
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.client_port)
    }

    /// Starts it with the data that it has.
    pub(crate) async fn run(&mut self) {
        let peer = format!("http://127.0.0.1:{}", self.peer_port);
        let process = Command::new("etcd")
            .arg("--data-dir")
            .arg(self.data.path())
            .args(["--listen-client-urls", &self.url()])
            .args(["--advertise-client-urls", &self.url()])
            .args(["--listen-peer-urls", &peer])
            .args(["--initial-advertise-peer-urls", &peer])
            .args(["--initial-cluster", &format!("default={peer}")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("etcd is installed; `cargo xtask test` installs it");
        self.process = Some(process);
        let deadline = Instant::now() + Duration::from_secs(20);
        while Instant::now() < deadline {
            let status = async {
                let mut client = self.client().await.ok()?;
                client.status().await.ok()
            };
            if let Ok(Some(_)) = tokio::time::timeout(Duration::from_millis(300), status).await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("etcd did not answer within 20 s");
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
        Client::connect([self.url()], Some(ConnectOptions::new())).await
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        self.stop();
    }
}
