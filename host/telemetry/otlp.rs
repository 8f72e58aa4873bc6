//! Exports spans to the collector by OTLP over gRPC or HTTP.

use std::sync::Arc;
use std::time::Duration;

use hyper_rustls::HttpsConnectorBuilder;
use opentelemetry_http::hyper::HyperClient;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig, WithTonicConfig};
use opentelemetry_sdk::trace::TracerProviderBuilder;
use tokio::runtime::Handle;
use tonic::transport::{ClientTlsConfig, Uri};

use super::dropped::{Cause, Reporting};

/// The standard port of OTLP over HTTP.
const HTTP_PORT: u16 = 4318;

/// The path for traces over HTTP if the URL has none.
const HTTP_PATH: &str = "/v1/traces";

/// Time limit for sending one batch.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(10);

/// Configures `provider` to send its spans to the collector at `url`, in batches and from a
/// thread of its own.
///
/// # Errors
/// A description of what is wrong with the URL.
///
/// # Panics
/// If called outside a tokio runtime.
pub(super) fn export(
    provider: TracerProviderBuilder,
    url: &str,
) -> Result<TracerProviderBuilder, String> {
    let cause = Cause::default();
    let exporter = Reporting { exporter: exporter(url, &cause)?, url: url.to_owned(), cause };
    Ok(provider.with_batch_exporter(exporter))
}

/// An exporter to the collector at `url`. It uses HTTP if the URL has a path or the port
/// [`HTTP_PORT`], and gRPC otherwise. The collector need not be reachable yet.
fn exporter(url: &str, cause: &Cause) -> Result<SpanExporter, String> {
    let uri: Uri = url.parse().map_err(|error| format!("it is no URL: {error}"))?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.host().is_none() {
        return Err("it does not begin with http:// or https:// and a host".into());
    }
    let has_path = !matches!(uri.path(), "" | "/");
    let exporter = if has_path {
        by_http(url.to_owned(), cause)?
    } else if uri.port_u16() == Some(HTTP_PORT) {
        by_http(format!("{}{HTTP_PATH}", url.trim_end_matches('/')), cause)?
    } else {
        let exporter = SpanExporter::builder().with_tonic().with_timeout(EXPORT_TIMEOUT);
        let exporter = match uri.scheme_str() {
            Some("https") => exporter.with_tls_config(ClientTlsConfig::new().with_native_roots()),
            _ => exporter,
        };
        exporter.with_endpoint(url).build().map_err(|error| error.to_string())?
    };
    Ok(exporter)
}

fn by_http(url: String, cause: &Cause) -> Result<SpanExporter, String> {
    // Certificates are loaded only for https, because a small container may have none.
    let hyper: Arc<dyn HttpClient> = if url.starts_with("https:") {
        let tls = HttpsConnectorBuilder::new()
            .with_native_roots()
            .map_err(|error| format!("this system's certificates can't be read: {error}"))?
            .https_only()
            .enable_http1()
            .build();
        Arc::new(HyperClient::new(tls, EXPORT_TIMEOUT, None))
    } else {
        Arc::new(HyperClient::with_default_connector(EXPORT_TIMEOUT, None))
    };
    let client = Client { runtime: Handle::current(), hyper, cause: cause.clone() };
    SpanExporter::builder()
        .with_http()
        .with_http_client(client)
        .with_endpoint(url)
        .with_timeout(EXPORT_TIMEOUT)
        .build()
        .map_err(|error| error.to_string())
}

/// An HTTP client that runs on the node's runtime, because the exporting thread has none.
#[derive(Debug)]
struct Client {
    runtime: Handle,
    hyper: Arc<dyn HttpClient>,
    cause: Cause,
}

#[tonic::async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = Arc::clone(&self.hyper);
        let sent = self.runtime.spawn(async move { client.send_bytes(request).await }).await?;
        sent.inspect_err(|error| self.cause.note(error.as_ref()))
    }
}

#[cfg(test)]
#[allow(
    clippy::disallowed_methods,
    reason = "a test is a main: #[tokio::test] blocks on its runtime"
)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_url_tells_which_protocol() {
        for (url, http) in [
            ("http://127.0.0.1:4317", false),
            ("http://127.0.0.1:4318", true),
            ("http://127.0.0.1:4318/", true),
            ("http://collector.example/otlp/v1/traces", true),
        ] {
            let exporter = format!("{:?}", exporter(url, &Cause::default()).unwrap());
            assert_eq!(exporter.contains("Http"), http, "{url}: {exporter}");
        }
    }

    #[tokio::test]
    async fn what_is_no_url_of_a_collector_is_refused() {
        for url in ["", "not a url", "127.0.0.1:4317", "ftp://host", "http://"] {
            exporter(url, &Cause::default()).unwrap_err();
        }
    }
}
