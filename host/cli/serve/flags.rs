//! The flags of `serve`, as settings that beat the file's.

use std::path::PathBuf;
use std::time::Duration;

use crate::cli::exit::{Exit, Failure};
use crate::cli::parse;
use crate::config::text::{self, OrNone};
use crate::config::{
    ClusterSettings, EtcdAccess, GroupSettings, PluginSettings, Secret, Settings, TelemetrySettings,
};
use crate::group::Uncertain;
use crate::telemetry::LogFormat;

/// Run a node
///
/// A flag beats its environment variable, which beats the config file. Flags about
/// a group change the file's group that --group names (or its only one). Once the
/// node answers requests it prints one line on standard output, "psycache ready
/// listen=… http=… nodes=… groups=…"; logs go to standard error. SIGTERM and SIGINT
/// finish what is in flight and end it with 0; a second one ends it at once.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    psycache serve --capacity 256MiB --policy lruk --policy-opt k=2\n  \
    psycache serve --config psycache.toml --listen 0.0.0.0:7400 --advertise node-1:7400\n\n\
    Exit codes: 1 a plugin or an address can't be used, 2 wrong flags or config file.")]
pub(in crate::cli) struct Args {
    /// A TOML file; flags and environment beat it
    #[arg(long, value_name = "FILE", env = "PSYCACHE_CONFIG")]
    pub(super) config: Option<PathBuf>,
    /// Where gRPC is answered; port 0 picks a free one [default: 127.0.0.1:7400]
    #[arg(long, value_name = "ADDR", env = "PSYCACHE_LISTEN", value_parser = text::address)]
    listen: Option<String>,
    /// The address that other nodes reach this one at [default: the one it listens on]
    #[arg(long, value_name = "ADDR", env = "PSYCACHE_ADVERTISE", value_parser = text::reachable)]
    advertise: Option<String>,
    /// Where metrics and health are served, or none [default: 127.0.0.1:7401]
    #[arg(long, value_name = "ADDR", env = "PSYCACHE_HTTP", value_parser = text::address_or_none)]
    http: Option<OrNone<String>>,
    #[command(flatten)]
    group: GroupFlags,
    #[command(flatten)]
    cluster: ClusterFlags,
    #[command(flatten)]
    telemetry: TelemetryFlags,
}

#[derive(clap::Args)]
#[command(next_help_heading = "The group")]
struct GroupFlags {
    /// Its name [default: default]
    #[arg(long, value_name = "NAME", env = "PSYCACHE_GROUP", value_parser = text::group_name)]
    group: Option<String>,
    /// Bytes of keys, values and what they cost to keep [default: 64MiB]
    #[arg(long, value_name = "SIZE", env = "PSYCACHE_CAPACITY", value_parser = text::size)]
    capacity: Option<u64>,
    /// Most entries [default: what the capacity can hold]
    #[arg(long, value_name = "N", env = "PSYCACHE_MAX_ENTRIES", value_parser = text::max_entries)]
    max_entries: Option<u32>,
    /// How long a value is kept, or none for no limit [default: 10m]
    #[arg(long, value_name = "D", env = "PSYCACHE_TTL", value_parser = text::ttl)]
    ttl: Option<OrNone<Duration>>,
    /// By how much that is shortened at random [default: 10%]
    #[arg(long, value_name = "PERCENT", env = "PSYCACHE_TTL_JITTER", value_parser = text::percent)]
    ttl_jitter: Option<u8>,
    /// How long it is remembered that a key does not exist, or none [default: 5s]
    #[arg(long, value_name = "D", env = "PSYCACHE_NEGATIVE_TTL", value_parser = text::ttl)]
    negative_ttl: Option<OrNone<Duration>>,
    /// The longest that one load may take [default: 5s]
    #[arg(long, value_name = "D", env = "PSYCACHE_LOAD_TIMEOUT", value_parser = text::duration)]
    load_timeout: Option<Duration>,
    /// The largest value that is taken [default: 64MiB]
    #[arg(long, value_name = "SIZE", env = "PSYCACHE_MAX_VALUE", value_parser = text::size)]
    max_value: Option<u64>,
    /// Who leaves: a built-in's name (psycache policy list) or a file [default: lru]
    #[arg(long, value_name = "PLUGIN", env = "PSYCACHE_POLICY", value_parser = text::policy)]
    policy: Option<OrNone<String>>,
    /// An option of the policy; @FILE stands for the file's content
    #[arg(long, value_name = "K=V", env = "PSYCACHE_POLICY_OPT", value_parser = parse::pair)]
    policy_opt: Vec<(String, String)>,
    /// Where missing values come from: a built-in's name, a file, or none
    /// [default: static, which serves sample data; none for a group of the file]
    #[arg(long, value_name = "PLUGIN", env = "PSYCACHE_RETRIEVER", value_parser = text::retriever)]
    retriever: Option<OrNone<String>>,
    /// An option of the retriever; @FILE stands for the file's content
    #[arg(long, value_name = "K=V", env = "PSYCACHE_RETRIEVER_OPT", value_parser = parse::pair)]
    retriever_opt: Vec<(String, String)>,
    /// A secret of the retriever, and where it is
    // Not parsed by clap, whose errors repeat the value: somebody's password.
    #[arg(
        long,
        value_name = "K=env:NAME|file:PATH",
        env = "PSYCACHE_RETRIEVER_SECRET",
        hide_env_values = true
    )]
    retriever_secret: Vec<String>,
    /// What the retriever may connect to
    #[arg(long, value_name = "HOST:PORT", env = "PSYCACHE_ALLOW_NET", value_delimiter = ',', value_parser = text::reachable)]
    allow_net: Vec<String>,
}

#[derive(clap::Args)]
#[command(next_help_heading = "The cluster")]
struct ClusterFlags {
    /// All nodes, where the list is fixed, each with its weight where that is not 1
    #[arg(long, value_name = "ADDR[=WEIGHT],…", env = "PSYCACHE_PEERS", value_delimiter = ',', value_parser = text::peer, conflicts_with = "etcd")]
    peers: Vec<String>,
    /// Where nodes find each other
    #[arg(long, value_name = "URL,…", env = "PSYCACHE_ETCD", value_delimiter = ',', value_parser = text::url)]
    etcd: Vec<String>,
    /// What the keys of this cluster in etcd begin with [default: psycache]
    #[arg(long, value_name = "PATH", env = "PSYCACHE_ETCD_PREFIX", value_parser = text::etcd_prefix)]
    etcd_prefix: Option<String>,
    /// The user that etcd knows this node by
    #[arg(long, value_name = "NAME", env = "PSYCACHE_ETCD_USER", value_parser = text::etcd_user)]
    etcd_user: Option<String>,
    /// Where that user's password is
    // Not parsed by clap, whose errors repeat the value: somebody's password.
    #[arg(
        long,
        value_name = "env:NAME|file:PATH",
        env = "PSYCACHE_ETCD_PASSWORD",
        hide_env_values = true
    )]
    etcd_password: Option<String>,
    /// Who signed etcd's certificate, a PEM file; https:// needs it
    #[arg(long, value_name = "FILE", env = "PSYCACHE_ETCD_CA", value_parser = text::certificate)]
    etcd_ca: Option<String>,
    /// The certificate that this node shows to etcd, a PEM file
    #[arg(long, value_name = "FILE", env = "PSYCACHE_ETCD_CERT", value_parser = text::certificate)]
    etcd_cert: Option<String>,
    /// The private key of that certificate, a PEM file
    #[arg(long, value_name = "FILE", env = "PSYCACHE_ETCD_KEY", value_parser = text::private_key)]
    etcd_key: Option<Secret>,
    /// The name in etcd's certificate, where it is not the URL's host
    #[arg(long, value_name = "HOST", env = "PSYCACHE_ETCD_SERVER_NAME", value_parser = text::server_name)]
    etcd_server_name: Option<String>,
    /// When etcd forgets a node that has gone without a word [default: 5s]
    #[arg(long, value_name = "D", env = "PSYCACHE_LEASE_TTL", value_parser = text::lease_ttl)]
    lease_ttl: Option<Duration>,
    /// This node's share of the keys, relative to the others' [default: 1]
    #[arg(long, value_name = "N", env = "PSYCACHE_WEIGHT", value_parser = text::weight)]
    weight: Option<u32>,
    /// What is kept while the node can't be certain that nobody else holds its keys: brief,
    /// for a second, to spare the source, or strict, nothing [default: brief]
    #[arg(long, value_name = "WHAT", env = "PSYCACHE_UNCERTAIN", value_parser = text::uncertain)]
    uncertain: Option<Uncertain>,
}

#[derive(clap::Args)]
#[command(next_help_heading = "Logs and traces")]
struct TelemetryFlags {
    /// Where traces go, by OTLP: http://HOST:4317 for gRPC; port 4318 or a path for HTTP
    /// [default: nowhere]
    #[arg(long, value_name = "URL", env = "PSYCACHE_OTLP", value_parser = text::url)]
    otlp: Option<String>,
    /// The share of requests that are traced [default: 0.01]
    #[arg(long, value_name = "0..1", env = "PSYCACHE_TRACE_RATIO", value_parser = text::ratio)]
    trace_ratio: Option<f64>,
    /// off, error, warn, info, debug, trace, or target=level,… [default: info]
    #[arg(long, value_name = "LEVEL", env = "PSYCACHE_LOG", value_parser = text::log_filter)]
    log: Option<String>,
    /// text or json [default: text on a terminal, json elsewhere]
    #[arg(long, value_name = "FORMAT", env = "PSYCACHE_LOG_FORMAT", value_parser = text::log_format)]
    log_format: Option<LogFormat>,
}

impl Args {
    /// What the flags and the environment say.
    ///
    /// # Errors
    /// A secret can't be read.
    pub(super) fn into_settings(self) -> Result<Settings, Failure> {
        Ok(Settings {
            listen: self.listen,
            advertise: self.advertise,
            http: self.http,
            groups: vec![self.group.into_settings()?],
            cluster: self.cluster.into_settings()?,
            telemetry: TelemetrySettings {
                otlp: self.telemetry.otlp,
                trace_ratio: self.telemetry.trace_ratio,
                log: self.telemetry.log,
                log_format: self.telemetry.log_format,
            },
        })
    }
}

impl ClusterFlags {
    fn into_settings(self) -> Result<ClusterSettings, Failure> {
        let password = |place: String| {
            text::secret_value("etcd-password", &place).map_err(|problem| {
                Failure::new(Exit::Usage, format!("bad value for --etcd-password: {problem}"))
            })
        };
        Ok(ClusterSettings {
            peers: self.peers,
            etcd: self.etcd,
            access: EtcdAccess {
                prefix: self.etcd_prefix,
                lease_ttl: self.lease_ttl,
                user: self.etcd_user,
                password: self.etcd_password.map(password).transpose()?,
                ca: self.etcd_ca,
                cert: self.etcd_cert,
                key: self.etcd_key,
                server_name: self.etcd_server_name,
            },
            weight: self.weight,
            uncertain: self.uncertain,
        })
    }
}

impl GroupFlags {
    fn into_settings(self) -> Result<GroupSettings, Failure> {
        let secret = |text: &String| {
            text::secret(text).map_err(|problem| {
                Failure::new(Exit::Usage, format!("bad value for --retriever-secret: {problem}"))
            })
        };
        Ok(GroupSettings {
            name: self.group,
            capacity_bytes: self.capacity,
            max_entries: self.max_entries,
            ttl: self.ttl,
            ttl_jitter_percent: self.ttl_jitter,
            negative_ttl: self.negative_ttl,
            load_timeout: self.load_timeout,
            max_value_bytes: self.max_value,
            policy: PluginSettings {
                plugin: self.policy,
                options: self.policy_opt.into_iter().collect(),
                ..PluginSettings::default()
            },
            retriever: PluginSettings {
                plugin: self.retriever,
                options: self.retriever_opt.into_iter().collect(),
                secrets: self.retriever_secret.iter().map(secret).collect::<Result<_, _>>()?,
                allow_net: self.allow_net,
            },
        })
    }
}
