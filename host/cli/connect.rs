//! The connection of a command to its node, and the exit codes of failures.

use std::error::Error as _;
use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

use tonic::{Code, Response, Status};

use crate::cli::exit::{Exit, Failure};
use crate::cli::parse;
use crate::config::unless_empty;
use crate::proto::admin_client::AdminClient;
use crate::proto::cache_client::CacheClient;
use crate::tls::{ClientTls, explain, reason};
use crate::transport::dial::{Dialer, Link};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// The largest message of gRPC. A node may be configured for values of any length, so a command
/// must accept any answer.
const MAX_MESSAGE_BYTES: usize = u32::MAX as usize;

/// Which node a command asks, and how long it waits.
#[derive(clap::Args)]
#[command(mut_args(unless_empty))]
pub(super) struct NodeArgs {
    /// The node to ask
    #[arg(long, value_name = "ADDR", env = "PSYCACHE_NODE", default_value = "127.0.0.1:7400", value_parser = parse::node)]
    node: String,
    /// Give up after this time [default: 5s, 60s for a swap]
    #[arg(long, value_name = "D", env = "PSYCACHE_TIMEOUT", value_parser = parse::time)]
    timeout: Option<Duration>,
    #[command(flatten)]
    access: AccessArgs,
}

/// How a command shows who it is, and how it knows the node.
#[derive(clap::Args)]
#[command(mut_args(unless_empty))]
struct AccessArgs {
    /// The CA of the node's certificate, a PEM file; with it the connection uses TLS
    #[arg(long, value_name = "FILE", env = "PSYCACHE_TLS_CA")]
    tls_ca: Option<PathBuf>,
    /// The certificate to show to the node, a PEM file
    #[arg(long, value_name = "FILE", env = "PSYCACHE_TLS_CERT", requires = "tls_ca")]
    #[arg(requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The private key of that certificate, a PEM file
    #[arg(long, value_name = "FILE", env = "PSYCACHE_TLS_KEY", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// A file with the token that the node asks for, in its first line
    #[arg(long, value_name = "FILE", env = "PSYCACHE_TOKEN_FILE")]
    token_file: Option<PathBuf>,
}

impl AccessArgs {
    fn dialer(&self) -> Dialer {
        let tls = self.tls_ca.as_ref().map(|ca| {
            match self.tls_cert.as_ref().zip(self.tls_key.as_ref()) {
                Some((cert, key)) => ClientTls::new(ca).with_identity(cert, key),
                None => ClientTls::new(ca),
            }
        });
        Dialer::of_client(tls, self.token_file.clone())
    }
}

impl NodeArgs {
    /// The node's address.
    pub(super) fn address(&self) -> &str {
        &self.node
    }

    /// Connects to the node.
    pub(super) async fn connect(&self, default_timeout: Duration) -> Result<Node, Failure> {
        self.connect_to(&self.node, default_timeout).await
    }

    /// Connects to another node, with another timeout.
    pub(super) async fn connect_to(
        &self,
        address: &str,
        default_timeout: Duration,
    ) -> Result<Node, Failure> {
        Node::connect(address, self.timeout.unwrap_or(default_timeout), &self.access.dialer()).await
    }
}

/// The timeout of a command that does not compile anything.
pub(super) const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);

/// A connection to one node.
pub(super) struct Node {
    address: String,
    link: Link,
    timeout: Duration,
    deadline: tokio::time::Instant,
}

impl Node {
    /// Connects within the smaller of two seconds and `timeout`. The timeout covers all later
    /// requests, too.
    async fn connect(address: &str, timeout: Duration, dialer: &Dialer) -> Result<Self, Failure> {
        let deadline = tokio::time::Instant::now() + timeout;
        let limit = timeout.min(CONNECT_TIMEOUT);
        let connect = dialer.connect(address, |endpoint| endpoint);
        let link = match tokio::time::timeout(limit, connect).await {
            Ok(Ok(link)) => link,
            Ok(Err(problem)) => return Err(unreachable(address, &problem)),
            Err(_) => {
                let problem = format!("no connection within {}", humantime::format_duration(limit));
                return Err(unreachable(address, &problem));
            }
        };
        Ok(Self { address: address.into(), link, timeout, deadline })
    }

    /// The same connection with a new deadline.
    pub(super) fn renewed(self) -> Self {
        Self { deadline: tokio::time::Instant::now() + self.timeout, ..self }
    }

    /// The node's address.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// The client for calls of applications.
    pub(super) fn cache(&self) -> CacheClient<Link> {
        CacheClient::new(self.link.clone())
            .max_decoding_message_size(MAX_MESSAGE_BYTES)
            .max_encoding_message_size(MAX_MESSAGE_BYTES)
    }

    /// The client for calls of operators.
    pub(super) fn admin(&self) -> AdminClient<Link> {
        AdminClient::new(self.link.clone()).max_decoding_message_size(MAX_MESSAGE_BYTES)
    }

    /// A request that carries the deadline to the node.
    pub(super) fn request<T>(&self, message: T) -> tonic::Request<T> {
        let mut request = tonic::Request::new(message);
        request.set_timeout(self.deadline.saturating_duration_since(tokio::time::Instant::now()));
        request
    }

    /// Waits for an answer until the deadline.
    pub(super) async fn answer<T>(
        &self,
        call: impl Future<Output = Result<Response<T>, Status>>,
    ) -> Result<T, Failure> {
        match tokio::time::timeout_at(self.deadline, call).await {
            Ok(Ok(response)) => Ok(response.into_inner()),
            Ok(Err(status)) => Err(self.failure(&status)),
            Err(_) => Err(self.late()),
        }
    }

    fn late(&self) -> Failure {
        let waited = humantime::format_duration(self.timeout);
        let message = format!(
            "the node {} did not answer within {waited}; wait longer with --timeout",
            self.address
        );
        Failure::new(Exit::Unavailable, message)
    }

    /// The failure of a call that ended with `status`.
    pub(super) fn failure(&self, status: &Status) -> Failure {
        if let Some(problem) = status.source().and_then(explain) {
            return unreachable(&self.address, &problem);
        }
        match (status.code(), status.source()) {
            (Code::Unimplemented, _) | (Code::Unknown | Code::Internal, Some(_)) => Failure::new(
                Exit::Failed,
                format!(
                    "{} does not answer like a PsyCache node ({}); give the address that its ready line calls listen",
                    self.address,
                    status.source().map_or_else(|| status.message().into(), reason),
                ),
            ),
            (Code::Unavailable, Some(source)) => Failure::new(
                Exit::Unavailable,
                format!(
                    "the connection to the node {} broke: {}; try again",
                    self.address,
                    reason(source)
                ),
            ),
            // Client and node count the same deadline, so either may notice first that it passed.
            (Code::Cancelled, _) if tokio::time::Instant::now() >= self.deadline => self.late(),
            (code, _) => Failure::new(code.into(), status.message()),
        }
    }
}

fn unreachable(address: &str, problem: &str) -> Failure {
    let mend = "is it running (psycache serve)? Another one is asked with --node or PSYCACHE_NODE";
    Failure::new(
        Exit::Unavailable,
        format!("the node {address} can't be reached: {problem}\n{mend}"),
    )
}
