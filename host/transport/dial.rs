//! Connects to nodes: with TLS or without, and with what shows who calls.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hyper_util::rt::TokioIo;
use tokio::task::spawn_blocking;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

use crate::tls::{ClientTls, Outgoing, reason};

/// The header with the secret of a cluster.
pub(crate) const SECRET_HEADER: &str = "psycache-cluster-secret";

/// A connection to a node.
pub(crate) type Link = InterceptedService<Channel, Headers>;

/// How connections to nodes are made.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dialer {
    tls: Option<Outgoing>,
    credential: Option<Credential>,
}

/// What shows who calls.
#[derive(Clone, Debug)]
pub(crate) enum Credential {
    /// The secret that the nodes of a cluster share.
    ClusterSecret(Headers),
    /// The token in this file, which is read for each connection.
    TokenFile(PathBuf),
}

/// The headers that each call has.
#[derive(Clone, Default)]
pub(crate) struct Headers(Option<(&'static str, MetadataValue<Ascii>)>);

impl Dialer {
    pub(crate) fn new(tls: Option<Outgoing>, credential: Option<Credential>) -> Self {
        Self { tls, credential }
    }

    /// Of a client.
    pub(crate) fn of_client(tls: Option<ClientTls>, token_file: Option<PathBuf>) -> Self {
        let tls = tls.map(|tls| Outgoing::Client(Arc::new(tls)));
        Self::new(tls, token_file.map(Credential::TokenFile))
    }

    /// Connects to the node at `address`. `tune` sets the limits of the connection.
    ///
    /// # Errors
    /// One sentence that says why there is no connection.
    pub(crate) async fn connect(
        &self,
        address: &str,
        tune: impl FnOnce(Endpoint) -> Endpoint,
    ) -> Result<Link, String> {
        let headers = match &self.credential {
            None => Headers::default(),
            Some(Credential::ClusterSecret(headers)) => headers.clone(),
            Some(Credential::TokenFile(path)) => Headers::with_token_in(path).await?,
        };
        let endpoint = |scheme: &str| {
            Endpoint::from_shared(format!("{scheme}://{address}"))
                .map_err(|error| format!("{address:?} is no address: {error}"))
        };
        let plain = tune(endpoint("http")?);
        let channel = match &self.tls {
            None => plain.connect().await,
            Some(tls) => {
                let connector = tls.connector(address).await?;
                let connect = move |_| {
                    let connector = connector.clone();
                    async move { connector.connect().await.map(TokioIo::new) }
                };
                // TLS is made by the connector, so tonic must not add its own; only the
                // requests say https.
                let secure = plain.origin(endpoint("https")?.uri().clone());
                secure.connect_with_connector(tower::service_fn(connect)).await
            }
        };
        let channel = channel.map_err(|error| reason(&error))?;
        Ok(InterceptedService::new(channel, headers))
    }
}

impl Headers {
    /// Those with the secret that the nodes of a cluster share; `None` if it has other
    /// characters than visible ASCII.
    pub(crate) fn with_secret(secret: &str) -> Option<Self> {
        let mut value: MetadataValue<Ascii> = secret.parse().ok()?;
        value.set_sensitive(true);
        Some(Self(Some((SECRET_HEADER, value))))
    }

    /// Those with the token in the first line of a file.
    async fn with_token_in(path: &Path) -> Result<Self, String> {
        let file = path.to_owned();
        let read = spawn_blocking(move || std::fs::read_to_string(file)).await;
        let read = read.map_err(|_| "this process is stopping".to_owned())?;
        let problem = |problem: &str| format!("the token file {} {problem}", path.display());
        let text = read.map_err(|error| problem(&format!("can't be read: {error}")))?;
        let token = text.lines().next().unwrap_or_default().trim();
        if token.is_empty() {
            return Err(problem("has no token in its first line"));
        }
        let has_other = || problem("has other characters than visible ASCII");
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(has_other());
        }
        // Not marked as sensitive: HTTP/2 then sends it once for a connection. It is too random
        // to be guessed from the lengths of what is sent.
        let value = format!("Bearer {token}").parse().map_err(|_| has_other())?;
        Ok(Self(Some(("authorization", value))))
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Headers").field(&self.0.as_ref().map(|(name, _)| name)).finish()
    }
}

impl Interceptor for Headers {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some((name, value)) = &self.0 {
            request.metadata_mut().insert(*name, value.clone());
        }
        Ok(request)
    }
}
