//! Resolves settings to a [`Config`]: applies the defaults and checks contradictions.

use super::auto::{AUTO, AutoPolicy};
use super::choice::{PolicyChoice, RetrieverChoice};
use super::error::Error;
use super::node::{Cluster, Config, DEFAULT_GROUP, Group, Registry};
use super::plugin::Plugin;
use super::settings::{
    ClusterSettings, GroupSettings, PolicySettings, PoolSettings, RetrieverSettings, Settings,
    TelemetrySettings, TlsSettings,
};
use super::text::{Count, OrNone};
use crate::group::GroupConfig;
use crate::membership::registry::etcd::{EtcdConfig, EtcdTls};
use crate::retriever::LoadLimits;
use crate::store::StoreConfig;
use crate::telemetry::TelemetryConfig;
use crate::tls::Tls;

impl Config {
    /// Merges the settings of the flags (and the environment) over those of the file, and
    /// fills in the defaults.
    ///
    /// # Errors
    /// Two settings contradict each other, or it is not clear to which group the flags apply.
    #[doc(hidden)]
    pub fn from_settings(flags: Settings, file: Option<Settings>) -> Result<Self, Error> {
        let settings = flags.over_file(file.unwrap_or_default())?;
        let default = Self::default();
        let config = Self {
            listen: settings.listen.map_or(default.listen, |address| address.0),
            advertise: settings.advertise.map(|address| address.0),
            peer_listen: settings.peer_listen.map(|address| address.0),
            http: settings
                .http
                .map_or(default.http, |http| http.into_option().map(|address| address.0)),
            redis: settings
                .redis
                .map_or(default.redis, |redis| redis.into_option().map(|address| address.0)),
            tokens: settings.tokens.map(|file| file.0),
            insecure: settings.insecure.map_or(default.insecure, |switch| switch.0),
            core_dumps: settings.core_dumps.map_or(default.core_dumps, |switch| switch.0),
            tls: resolve_tls(settings.tls)?,
            limits: settings.limits.resolve(),
            groups: settings.groups.into_iter().map(resolve_group).collect::<Result<_, _>>()?,
            cluster: resolve_cluster(settings.cluster)?,
            telemetry: resolve_telemetry(settings.telemetry),
        };
        check_advertised(&config)?;
        check_tls_of_cluster(&config)?;
        Ok(config)
    }
}

/// Checks that the advertised address is one that other nodes can connect to. A wildcard
/// address such as 0.0.0.0 is not.
fn check_advertised(config: &Config) -> Result<(), Error> {
    let in_cluster = config.cluster.registry != Registry::Alone;
    if !in_cluster && config.peer_listen.is_some() {
        return conflict(
            "peer-listen is about other nodes; give --peers or --etcd, or leave it out",
        );
    }
    let (setting, address) = match &config.peer_listen {
        Some(address) => ("peer-listen", address),
        None => ("listen", &config.listen),
    };
    let anywhere = ["0.0.0.0:", "[::]:"].iter().any(|any| address.starts_with(any));
    if in_cluster && config.advertise.is_none() && anywhere {
        return Err(Error::Conflict(format!(
            "{setting} {address:?} is every interface; say with --advertise HOST:PORT which address the other nodes reach this one at"
        )));
    }
    Ok(())
}

/// Checks that nodes which speak TLS can know each other.
fn check_tls_of_cluster(config: &Config) -> Result<(), Error> {
    let in_cluster = config.cluster.registry != Registry::Alone;
    match &config.tls {
        Some(tls) if in_cluster && tls.client_ca.is_none() => conflict(
            "nodes of a cluster know each other by certificates; give the CA that signs them \
             with --tls-client-ca (client-ca in [tls])",
        ),
        _ if !in_cluster && config.cluster.secret.is_some() => {
            conflict("cluster-secret is about other nodes; give --peers or --etcd, or leave it out")
        }
        _ => Ok(()),
    }
}

fn resolve_tls(settings: TlsSettings) -> Result<Option<Tls>, Error> {
    let is_given = settings != TlsSettings::default();
    let (Some(cert), Some(key)) = (settings.cert, settings.key) else {
        return match is_given {
            false => Ok(None),
            true => conflict("TLS needs tls-cert and tls-key; give both, or nothing of TLS"),
        };
    };
    let mut tls = Tls::new(cert.0, key.0);
    tls.client_ca = settings.client_ca.map(|file| file.0);
    tls.min_version = settings.min_version.map_or(tls.min_version, |version| version.0);
    tls.peer_names = settings.peer_names.into_iter().map(|name| name.0).collect();
    if tls.client_ca.is_none() && !tls.peer_names.is_empty() {
        return conflict(
            "tls-peer-names is about certificates of nodes; give --tls-client-ca too, or leave it out",
        );
    }
    Ok(Some(tls))
}

fn resolve_group(settings: GroupSettings) -> Result<Group, Error> {
    let name = settings.name.map_or_else(|| DEFAULT_GROUP.into(), |name| name.0);
    let default = Group::new(&name);
    let in_group = |problem: &str| Error::Conflict(format!("group {name:?}: {problem}"));
    let (own, kept) = (default.group, default.store);
    Ok(Group {
        group: GroupConfig {
            ttl: settings.ttl.map_or(own.ttl, |ttl| ttl.into_option().map(|ttl| ttl.0)),
            ttl_jitter_percent: settings.ttl_jitter.map_or(own.ttl_jitter_percent, |part| part.0),
            negative_ttl: settings.negative_ttl.map_or(own.negative_ttl, |ttl| {
                ttl.into_option().map(|ttl| ttl.0).unwrap_or_default()
            }),
            stale_if_error: settings.stale_if_error.map_or(own.stale_if_error, |time| {
                time.into_option().map(|time| time.0).unwrap_or_default()
            }),
            stale_while_revalidate: settings
                .stale_while_revalidate
                .map_or(own.stale_while_revalidate, |time| {
                    time.into_option().map(|time| time.0).unwrap_or_default()
                }),
            refresh_ahead: settings.refresh_ahead.map_or(own.refresh_ahead, |ahead| {
                ahead.into_option().map(|ahead| ahead.0).unwrap_or_default()
            }),
            load_timeout: settings.load_timeout.map_or(own.load_timeout, |time| time.0),
            retries: settings.retries.map_or(own.retries, |retries| retries.0),
            breaker: settings
                .breaker
                .map_or(own.breaker, |count| count.into_option().map(|count| count.0)),
            max_value_bytes: settings.max_value.map_or(own.max_value_bytes, |size| size.0),
            ..own
        },
        store: StoreConfig {
            capacity_bytes: settings.capacity.map_or(kept.capacity_bytes, |size| size.0),
            max_entries: settings.max_entries.map(|entries| entries.0).or(kept.max_entries),
        },
        loads: resolve_loads(settings.max_loads, &settings.pool, default.loads),
        policy: match settings.policy {
            PolicySettings { plugin: Some(plugin), options, sha256 } => {
                let sha256 = sha256.map_or_else(Vec::new, |digests| digests.0);
                if plugin.0 == AUTO {
                    let auto = AutoPolicy::of_options(&options, &sha256);
                    PolicyChoice::Auto(auto.map_err(|problem| in_group(&problem))?)
                } else {
                    let options = options.into_iter().collect();
                    Plugin { options, sha256, ..Plugin::new(&plugin.0) }.into()
                }
            }
            settings if settings == PolicySettings::default() => default.policy,
            _ => {
                return Err(in_group(
                    "policy options or a digest without a policy; name it with --policy",
                ));
            }
        },
        retriever: resolve_retriever(settings.retriever).map_err(in_group)?,
    })
}

fn resolve_loads(max_loads: Option<Count>, pool: &PoolSettings, own: LoadLimits) -> LoadLimits {
    LoadLimits {
        max_loads: max_loads.map(|count| count.0).or(own.max_loads),
        pool_size: pool.size.as_ref().map_or(own.pool_size, |size| size.0),
        pool_idle: pool.idle.as_ref().map_or(own.pool_idle, |time| time.0),
        pool_queue: pool.queue.as_ref().map_or(own.pool_queue, |queue| queue.0),
    }
}

fn resolve_retriever(settings: RetrieverSettings) -> Result<Option<RetrieverChoice>, &'static str> {
    let RetrieverSettings { plugin, options, secrets, allow_net, sha256 } = settings;
    let sha256 = sha256.map_or_else(Vec::new, |digests| digests.0);
    match plugin.and_then(OrNone::into_option) {
        Some(plugin) => {
            let plugin = Plugin {
                plugin: plugin.0,
                options: options.into_iter().collect(),
                secrets: secrets.into_iter().collect(),
                allow_net: allow_net.into_iter().map(|address| address.0).collect(),
                sha256,
            };
            Ok(Some(plugin.into()))
        }
        None if options.is_empty()
            && secrets.is_empty()
            && allow_net.is_empty()
            && sha256.is_empty() =>
        {
            Ok(None)
        }
        None => Err(
            "retriever options, secrets, allow-net or a digest without a retriever; name it with --retriever",
        ),
    }
}

fn resolve_cluster(mut settings: ClusterSettings) -> Result<Cluster, Error> {
    let default = Cluster::default();
    let peers = std::mem::take(&mut settings.peers);
    let weight = settings.weight.take().map(|weight| weight.0);
    let secret = settings.secret.take();
    let uncertain = settings.uncertain.take().map_or(default.uncertain, |word| word.0);
    if weight.is_some() && !peers.is_empty() {
        return conflict(
            "weight says nothing where there is a list of nodes, as all must agree on it; write \
             it into the list of every node, 10.0.0.1:7400=2 say",
        );
    }
    // The remaining settings apply to etcd only.
    let registry = match (peers.is_empty(), settings.etcd.is_empty()) {
        (false, false) => {
            return conflict(
                "peers and etcd are both given; a cluster has one registry, so leave one out",
            );
        }
        (true, false) => Registry::Etcd(resolve_etcd(settings)?),
        (_, true) if settings != ClusterSettings::default() => {
            return conflict(
                "options that begin with etcd-, and lease-ttl, are about etcd; give --etcd URL \
                 too, or leave them out",
            );
        }
        (true, true) => Registry::Alone,
        (false, true) => Registry::Static(peers.into_iter().map(|peer| peer.0).collect()),
    };
    Ok(Cluster { registry, weight: weight.unwrap_or(default.weight), uncertain, secret })
}

fn resolve_etcd(settings: ClusterSettings) -> Result<EtcdConfig, Error> {
    let default = EtcdConfig::default();
    let user = match (settings.etcd_user, settings.etcd_password) {
        (Some(user), Some(password)) => Some((user.0, password.expose().to_owned())),
        (None, None) => None,
        (Some(_), None) => {
            return conflict(
                "etcd-user without etcd-password; say where it is with \
                 --etcd-password env:NAME or file:PATH",
            );
        }
        (None, Some(_)) => {
            return conflict("etcd-password without etcd-user; say whose it is with --etcd-user");
        }
    };
    let identity = match (settings.etcd_cert, settings.etcd_key) {
        (Some(cert), Some(key)) => Some((cert.0.into_bytes(), key.0.expose().into())),
        (None, None) => None,
        _ => return conflict("etcd-cert and etcd-key belong together; give both or neither"),
    };
    let tls = EtcdTls {
        ca: settings.etcd_ca.map(|ca| ca.0.into_bytes()),
        identity,
        server_name: settings.etcd_server_name.map(|name| name.0),
    };
    let endpoints: Vec<String> = settings.etcd.into_iter().map(|url| url.0).collect();
    let secure = endpoints.iter().any(|url| url.starts_with("https://"));
    if tls != EtcdTls::default() && !secure {
        return conflict(
            "etcd-ca, etcd-cert, etcd-key and etcd-server-name are about TLS; \
             write https:// in --etcd, or leave them out",
        );
    }
    Ok(EtcdConfig {
        endpoints,
        prefix: settings.etcd_prefix.map_or(default.prefix, |prefix| prefix.0),
        lease_ttl: settings.lease_ttl.map_or(default.lease_ttl, |ttl| ttl.0),
        user,
        tls,
    })
}

fn resolve_telemetry(settings: TelemetrySettings) -> TelemetryConfig {
    let default = TelemetryConfig::default();
    TelemetryConfig {
        log: settings.log.map_or(default.log, |filter| filter.0),
        log_format: settings.log_format.map(|style| style.0).or(default.log_format),
        otlp: settings.otlp.map(|url| url.0).or(default.otlp),
        trace_ratio: settings.trace_ratio.map_or(default.trace_ratio, |ratio| ratio.0),
    }
}

fn conflict<T>(what: &str) -> Result<T, Error> {
    Err(Error::Conflict(what.into()))
}
