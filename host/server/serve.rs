//! Opens the doors, and closes them in order.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic_health::pb::health_server::HealthServer;

use super::admin_service::{AdminService, Operations};
use super::cache_service::CacheService;
use super::config::Config;
use super::groups::Groups;
use super::health::Health;
use super::http;
use super::limit::{Restating, max_message_bytes};
use super::peer_service::PeerService;
use crate::proto;
use crate::proto::admin_server::AdminServer;
use crate::proto::cache_server::CacheServer;
use crate::telemetry::Metrics;
use crate::transport::remote::Local;

/// A silent connection is asked whether it is alive, so that one whose other end
/// lost its power does not hold a session for ever.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// Calls of one connection at a time; a client that wants more opens another, or
/// a session.
const MAX_CONCURRENT_STREAMS: u32 = 1024;

const MAX_HEADER_BYTES: u32 = 16 << 10;

/// What a client may send ahead of our reading: enough for a fast network, and
/// little enough for many clients.
const STREAM_WINDOW_BYTES: u32 = 1 << 20;
const CONNECTION_WINDOW_BYTES: u32 = 4 << 20;

/// Sockets that are bound already, so that a caller can choose port 0 and knows
/// the address before anything is answered.
#[derive(Debug)]
pub struct Listeners {
    /// For gRPC.
    pub grpc: TcpListener,
    /// For /metrics, /healthz and /readyz; `None`: they are not served.
    pub http: Option<TcpListener>,
}

/// What is served.
#[derive(Clone)]
pub struct Services {
    /// The groups that requests name.
    pub groups: Groups,
    /// What other nodes are answered by; `None` for a node that is alone.
    pub local: Option<Arc<dyn Local>>,
    /// What operators may do.
    pub operations: Arc<dyn Operations>,
    /// What /metrics tells.
    pub metrics: Arc<Metrics>,
    /// What the health checks tell. Whoever starts the node calls
    /// [`Health::ready`].
    pub health: Arc<Health>,
}

/// Serves until `shutdown` ends. Then it tells the health checks, takes no more
/// connections, finishes what is in flight for at most
/// [`Config::drain_timeout`], and returns. Metrics can be read to the end.
///
/// # Errors
/// A listener fails.
pub async fn serve(
    config: Config,
    listeners: Listeners,
    services: Services,
    shutdown: impl Future<Output = ()> + Send,
) -> io::Result<()> {
    let drain_timeout = config.drain_timeout;
    let health = Arc::clone(&services.health);
    let watched = http::Watched {
        groups: services.groups.clone(),
        health: Arc::clone(&health),
        metrics: Arc::clone(&services.metrics),
        operations: Arc::clone(&services.operations),
    };
    let (stop_grpc, grpc_stops) = watch::channel(());
    let (stop_http, http_stops) = watch::channel(());
    let grpc = async {
        let incoming = TcpIncoming::from(listeners.grpc).with_nodelay(Some(true));
        let served = transport()
            .add_routes(routes(&config, services))
            .serve_with_incoming_shutdown(incoming, closed(grpc_stops))
            .await;
        drop(stop_http);
        served.map_err(io::Error::other)
    };
    let http = async {
        match listeners.http {
            Some(listener) => http::serve(listener, watched, closed(http_stops)).await,
            None => Ok(()),
        }
    };
    let until_late = async {
        shutdown.await;
        health.drain().await;
        drop(stop_grpc);
        tokio::time::sleep(drain_timeout).await;
    };
    tokio::select! {
        ended = async { tokio::try_join!(grpc, http) } => ended.map(drop),
        () = until_late => {
            let waited_ms = drain_timeout.as_millis() as u64;
            tracing::warn!(waited_ms, "Some connections are still open; stopping without them");
            Ok(())
        }
    }
}

/// Waits until the other end was dropped.
async fn closed(mut signal: watch::Receiver<()>) {
    while signal.changed().await.is_ok() {}
}

fn transport() -> Server {
    Server::builder()
        .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
        .max_concurrent_streams(MAX_CONCURRENT_STREAMS)
        .http2_max_header_list_size(MAX_HEADER_BYTES)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
}

/// The services behind the connections: for a program with a transport of its
/// own. [`Services::metrics`] are not part of it.
pub fn routes(config: &Config, services: Services) -> Routes {
    let Services { groups, local, operations, health, .. } = services;
    let admin = AdminService {
        groups: groups.clone(),
        operations,
        max_component_bytes: config.max_component_bytes,
    };
    let health_service = HealthServer::new(health.service());
    let peer =
        local.map(|local| PeerService::new(local, Arc::clone(&health), config.max_value_bytes));
    let cache = CacheService { groups, config: config.clone(), health };
    let cache = CacheServer::new(cache)
        .max_decoding_message_size(max_message_bytes(config.max_value_bytes));
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(proto::DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    let described = "the descriptors were compiled with this program";
    let mut routes = Routes::new(Restating(cache));
    if let Some(peer) = peer {
        routes = routes.add_service(peer);
    }
    routes
        .add_service(Restating(AdminServer::new(admin)))
        .add_service(health_service)
        .add_service(reflection().build_v1().expect(described))
        .add_service(reflection().build_v1alpha().expect(described))
}
