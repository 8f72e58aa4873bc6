//! Connects to nodes: with TLS or without, and with the secret of the cluster.

use std::sync::Arc;

use hyper_util::rt::TokioIo;
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
    headers: Headers,
}

/// The headers that each call has.
#[derive(Clone, Debug, Default)]
pub(crate) struct Headers(Option<(&'static str, MetadataValue<Ascii>)>);

impl Dialer {
    pub(crate) fn new(tls: Option<Outgoing>, headers: Headers) -> Self {
        Self { tls, headers }
    }

    /// Of a client.
    pub(crate) fn of_client(tls: Option<ClientTls>) -> Self {
        Self::new(tls.map(|tls| Outgoing::Client(Arc::new(tls))), Headers::default())
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
        Ok(InterceptedService::new(channel, self.headers.clone()))
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
}

impl Interceptor for Headers {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some((name, value)) = &self.0 {
            request.metadata_mut().insert(*name, value.clone());
        }
        Ok(request)
    }
}
