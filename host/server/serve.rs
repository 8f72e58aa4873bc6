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

use super::admin_service::AdminService;
use super::cache_service::CacheService;
use super::callers::Callers;
use super::config::ServerConfig;
use super::connections::{self, Connections, HttpVersion, ListenerKind};
use super::deadline::told_clock;
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
use crate::tls::Certificates;
use crate::transport::remote::Local;

/// How long a page of the HTTP server may take to be sent once gRPC has ended.
const PAGES_WITHIN: Duration = Duration::from_millis(500);

/// The name of reflection in the record of refused calls.
const REFLECTION: &str = "ServerReflection";

/// Bound sockets. The caller binds them, so it can use port 0 and knows the address before
/// the server starts.
#[derive(Debug)]
pub struct Listeners {
    /// Listener of the gRPC server.
    pub grpc: TcpListener,
    /// Listener of other nodes, if they have one of their own. Others are then refused as nodes.
    pub peer: Option<TcpListener>,
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
    /// The connections, and what each may take.
    pub connections: Arc<Connections>,
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
    let (certificates, connections) =
        (services.security.certificates.clone(), Arc::clone(&services.connections));
    let incoming = |listener, kind| {
        Incoming::new(listener, kind, certificates.clone(), Arc::clone(&connections))
    };
    let redis_incoming = listeners.redis.map(|listener| incoming(listener, ListenerKind::Redis));
    let http_incoming = listeners.http.map(|listener| incoming(listener, ListenerKind::Http));
    let peer_incoming = listeners.peer.map(|listener| incoming(listener, ListenerKind::Peer));
    let grpc_incoming = incoming(listeners.grpc, ListenerKind::Grpc);
    let redis = redis(&config, redis_incoming, services.clone(), closed(grpc_stops.clone()))?;
    let calls = InFlight::default();
    let serve_grpc = |incoming, routes: Routes| {
        let stops = grpc_stops.clone();
        connections::serve(incoming, HttpVersion::Two, routes.prepare(), calls.clone(), stops)
    };
    let peers = peer_incoming.map(|incoming| serve_grpc(incoming, peer_routes(&config, &services)));
    let mut services = services;
    if peers.is_some() {
        services.security.peers = PeerGate::elsewhere(services.security.callers.audit());
    }
    let clients = serve_grpc(grpc_incoming, routes(&config, services));
    let grpc = async {
        let peers = async {
            if let Some(peers) = peers {
                peers.await
            }
        };
        tokio::select! {
            ((), ()) = async { tokio::join!(clients, peers) } => {}
            () = closed(grpc_stops.clone()).then(|()| calls.ended()) => {}
        }
    };
    let http = async {
        let Some(incoming) = http_incoming else { return };
        tokio::select! {
            () = http::serve(incoming, watched, http_stops.clone()) => {}
            () = closed(http_stops.clone()).then(|()| tokio::time::sleep(PAGES_WITHIN)) => {}
        }
    };
    let until_late = async {
        shutdown.await;
        health.drain();
        drop(stop_grpc);
        tokio::time::sleep(drain_timeout).await;
    };
    let requests = async {
        tokio::join!(grpc, redis);
        drop(stop_http);
    };
    tokio::select! {
        ((), ()) = async { tokio::join!(requests, http) } => Ok(()),
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

/// The service that other nodes call; none for a node that is alone.
fn peer_routes(config: &ServerConfig, services: &Services) -> Routes {
    let Services { local, health, security, .. } = services;
    let service = local.clone().map(|local| {
        let gate = security.peers.clone();
        PeerService::new(local, Arc::clone(health), gate, config.max_value_bytes)
    });
    service.map_or_else(Routes::default, Routes::new)
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
        clock: told_clock(),
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
    let (cache, admin) = (callers.gate(cache), callers.gate(admin));
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
