//! Runs the servers of gRPC, Redis and HTTP, and shuts them down in order.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tonic::Request;
use tonic::codec::CompressionEncoding;
use tonic::service::Routes;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Server;

use super::admin_service::AdminService;
use super::cache_service::CacheService;
use super::callers::Callers;
use super::config::ServerConfig;
use super::groups::Groups;
use super::health::Health;
use super::health_service::HealthService;
use super::http;
use super::in_flight::InFlight;
use super::incoming::Incoming;
use super::limit::{Restating, max_message_bytes};
use super::operations::Operations;
use super::peer_gate::PeerGate;
use super::peer_service::PeerService;
use super::redis::{RedisConnections, RedisService};
use super::status::status;
use super::until_draining::UntilDraining;
use crate::proto;
use crate::proto::admin_server::AdminServer;
use crate::proto::cache_server::CacheServer;
use crate::telemetry::Metrics;
use crate::tls::{Certificates, Speaks};
use crate::transport::remote::Local;

/// HTTP/2 keepalive of an idle connection, so that a client that lost its power does not
/// hold a session for ever.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// Most concurrent calls of one connection. A client that needs more opens another
/// connection or a session.
const MAX_CONCURRENT_STREAMS: u32 = 1024;

/// How long a page of the HTTP server may take to be sent once gRPC has ended.
const PAGES_WITHIN: Duration = Duration::from_millis(500);

/// The name of reflection in the record of refused calls.
const REFLECTION: &str = "ServerReflection";

const MAX_HEADER_BYTES: u32 = 16 << 10;

/// HTTP/2 flow control windows: bytes that a client may send before the server reads them.
/// They are large enough for a fast network and small enough for many clients.
const STREAM_WINDOW_BYTES: u32 = 1 << 20;
const CONNECTION_WINDOW_BYTES: u32 = 4 << 20;

/// Bound sockets. The caller binds them, so it can use port 0 and knows the address before
/// the server starts.
#[derive(Debug)]
pub struct Listeners {
    /// Listener of the gRPC server.
    pub grpc: TcpListener,
    /// Listener for /metrics, /healthz and /readyz; `None` if they are not served.
    pub http: Option<TcpListener>,
    /// Listener of the Redis protocol; `None` if it is not served.
    pub redis: Option<TcpListener>,
}

/// The parts of a node that the server exposes.
#[derive(Clone)]
pub struct Services {
    /// The groups of the cache service.
    pub groups: Groups,
    /// Handler of requests of other nodes; `None` for a node that is alone.
    pub local: Option<Arc<dyn Local>>,
    /// Implementation of the admin service.
    pub operations: Arc<dyn Operations>,
    /// Metrics for /metrics.
    pub metrics: Arc<Metrics>,
    /// State for the health checks. The caller that starts the node must call
    /// [`Health::ready`].
    pub health: Arc<Health>,
    /// Where the connections of Redis clients are counted.
    pub redis_connections: Arc<RedisConnections>,
    /// Who may connect and call.
    pub security: Security,
}

/// Who may connect and call. By default everybody, without TLS.
#[derive(Clone, Debug, Default)]
pub struct Security {
    /// The certificates of the listeners, which then speak TLS only.
    pub certificates: Option<Arc<Certificates>>,
    /// Who may call as another node.
    pub peers: PeerGate,
    /// Who else may call what.
    pub callers: Callers,
}

/// Serves until `shutdown` resolves. Then it sets the health checks to "not serving",
/// accepts no more connections of gRPC and Redis, waits at most
/// [`ServerConfig::drain_timeout`] for requests in flight, and returns. A connection without a
/// request is not waited for. Metrics are served until the other servers have ended.
///
/// # Errors
/// A listener fails.
pub async fn serve(
    config: ServerConfig,
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
        callers: services.security.callers.clone(),
    };
    let (stop_grpc, grpc_stops) = watch::channel(());
    let (stop_http, http_stops) = watch::channel(());
    let certificates = services.security.certificates.clone();
    let incoming = |listener, speaks| Incoming::new(listener, certificates.clone(), speaks);
    let redis_incoming = listeners.redis.map(|listener| incoming(listener, Speaks::Redis));
    let http_incoming = listeners.http.map(|listener| incoming(listener, Speaks::Http));
    let grpc_incoming = incoming(listeners.grpc, Speaks::Grpc);
    let redis = redis(&config, redis_incoming, services.clone(), closed(grpc_stops.clone()))?;
    let grpc = async {
        let calls = InFlight::default();
        let service = calls.counting(routes(&config, services).prepare());
        let served = tokio::select! {
            served = transport().serve_with_incoming_shutdown(
                service, grpc_incoming.connections(), closed(grpc_stops.clone())) => served,
            () = closed(grpc_stops).then(|()| calls.ended()) => Ok(()),
        };
        served.map_err(io::Error::other)
    };
    let http = async {
        let Some(incoming) = http_incoming else { return Ok(()) };
        tokio::select! {
            served = http::serve(incoming, watched, closed(http_stops.clone())) => served,
            () = closed(http_stops).then(|()| tokio::time::sleep(PAGES_WITHIN)) => Ok(()),
        }
    };
    let until_late = async {
        shutdown.await;
        health.drain();
        drop(stop_grpc);
        tokio::time::sleep(drain_timeout).await;
    };
    let requests = async {
        let (served, ()) = tokio::join!(grpc, redis);
        drop(stop_http);
        served
    };
    tokio::select! {
        ended = async { tokio::try_join!(requests, http) } => ended.map(drop),
        () = until_late => {
            let waited_ms = drain_timeout.as_millis() as u64;
            tracing::warn!(waited_ms, "Some requests have not ended; stopping without them");
            Ok(())
        }
    }
}

/// Serves the Redis protocol until `stop` resolves, if there is a listener for it.
fn redis(
    config: &ServerConfig,
    incoming: Option<Incoming>,
    services: Services,
    stop: impl Future<Output = ()>,
) -> io::Result<impl Future<Output = ()>> {
    let Services { groups, health, redis_connections, security, .. } = services;
    let port = match &incoming {
        Some(incoming) => incoming.local_addr()?.port(),
        None => 0,
    };
    let service =
        RedisService::new(config, groups, health, redis_connections, security.callers, port);
    Ok(async move {
        if let (Some(service), Some(incoming)) = (service, incoming) {
            service.accept(incoming, stop).await;
        }
    })
}

/// Waits until the sender is dropped.
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

/// The gRPC services without a transport, for a program that has its own. They do not
/// include [`Services::metrics`].
pub fn routes(config: &ServerConfig, services: Services) -> Routes {
    let Services { groups, local, operations, health, security, .. } = services;
    let Security { peers, callers, .. } = security;
    let admin = AdminService {
        groups: groups.clone(),
        operations,
        max_component_bytes: config.max_component_bytes,
        health: Arc::clone(&health),
        callers: callers.clone(),
    };
    let health_service = HealthService::serving(Arc::clone(&health));
    let peer = local
        .map(|local| PeerService::new(local, Arc::clone(&health), peers, config.max_value_bytes));
    let cache = CacheService {
        groups,
        config: config.clone(),
        health: Arc::clone(&health),
        callers: callers.clone(),
    };
    let cache = CacheServer::new(cache)
        .max_decoding_message_size(max_message_bytes(config.max_value_bytes))
        .accept_compressed(CompressionEncoding::Gzip);
    // Answers are not compressed: values are any bytes, and the network is near.
    let admin = AdminServer::new(admin).accept_compressed(CompressionEncoding::Gzip);
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(proto::DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    let known = move |request: Request<()>| {
        let admitted = callers
            .guest(request.metadata().as_ref(), request.extensions(), REFLECTION)
            .and_then(|mut guest| guest.admit_any(REFLECTION));
        admitted.map(|()| request).map_err(|error| status(&error, b""))
    };
    let described = "the descriptors were compiled with this program";
    let mut routes = Routes::new(Restating(cache));
    if let Some(peer) = peer {
        routes = routes.add_service(peer);
    }
    routes
        .add_service(Restating(admin))
        .add_service(health_service)
        .add_service(UntilDraining {
            service: InterceptedService::new(
                reflection().build_v1().expect(described),
                known.clone(),
            ),
            health: Arc::clone(&health),
        })
        .add_service(UntilDraining {
            service: InterceptedService::new(reflection().build_v1alpha().expect(described), known),
            health,
        })
}
