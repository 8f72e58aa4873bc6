//! Precedence, every error's text, and values at their bounds.
#![allow(clippy::unwrap_used, reason = "tests")]

mod page;

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, FromArgMatches};

use super::text::{Address, GroupName, LeaseTtl, LogFilter, Percent, Reachable, Size, Time, Url};
use super::*;
use crate::group::Uncertain;
use crate::membership::registry::etcd::EtcdConfig;
use crate::telemetry::{self, TelemetryConfig};

fn file(text: &str) -> Settings {
    Settings::parse(Path::new("node.toml"), text.into()).unwrap()
}

fn file_error(text: &str) -> String {
    Settings::parse(Path::new("node.toml"), text.into()).unwrap_err().to_string()
}

fn flags(args: &[&str]) -> Settings {
    // Without the variables of the environment, which the command adds.
    let command = Settings::augment_args(clap::Command::new("serve").no_binary_name(true));
    let matches = command.try_get_matches_from(args).unwrap();
    Settings::from_arg_matches(&matches).unwrap()
}

fn conflict(flags: Settings, file: Option<Settings>) -> String {
    Config::from_settings(flags, file).unwrap_err().to_string()
}

#[test]
fn nothing_said_gives_the_defaults_and_the_sample_data() {
    let config = Config::from_settings(Settings::default(), None).unwrap();
    let mut expected = Config::default();
    expected.groups[0].retriever = Some(Plugin::new("static").into());
    assert_eq!(config, expected);
}

const WHOLE: &str = r#"
listen = "0.0.0.0:7400"
advertise = "node-1:7403"
peer-listen = "0.0.0.0:7403"
http = "none"
redis = "127.0.0.1:6379"
tokens = "tokens.toml"
insecure = true
core-dumps = true
[tls]
cert = "node.pem"
key = "/run/node.key"
client-ca = "ca.pem"
min-version = "1.3"
peer-names = ["*.cache.internal"]
[limits]
max-connections = 100
max-connections-per-address = 10
handshake-timeout = "2s"
first-request-timeout = "3s"
max-streams = 50
max-header = "8KiB"
max-unread = "1MiB"
max-client-bytes = "64MiB"
max-cancels = 7
[cluster]
etcd = ["http://127.0.0.1:2379", "https://etcd.internal:2379"]
etcd-prefix = "cache"
lease-ttl = "9s"
weight = 3
uncertain = "strict"
[telemetry]
otlp = "http://127.0.0.1:4317"
trace-ratio = 1
log = "warn,psycache=debug"
log-format = "json"
[[group]]
name = "scores"
capacity = "256MiB"
max-entries = 1000
ttl = "none"
ttl-jitter = "25%"
negative-ttl = "none"
load-timeout = "300ms"
max-value = "1KiB"
policy = { plugin = "lruk.wasm", options = { k = 2, history = "0.5" } }
retriever = { plugin = "http", options = { url = "@@x" }, allow-net = ["127.0.0.1:80"] }
[[group]]
name = "plain"
"#;

#[test]
fn the_whole_file_is_read() {
    let config = Config::from_settings(Settings::default(), Some(file(WHOLE))).unwrap();
    let mut scores = Group::new("scores");
    scores.store.capacity_bytes = 256 << 20;
    scores.store.max_entries = Some(1000);
    scores.group.ttl = None;
    scores.group.ttl_jitter_percent = 25;
    scores.group.negative_ttl = Duration::ZERO;
    scores.group.load_timeout = Duration::from_millis(300);
    scores.group.max_value_bytes = 1024;
    let mut lruk = Plugin::new("lruk.wasm");
    lruk.options = [("k".into(), "2".into()), ("history".into(), "0.5".into())].into();
    scores.policy = lruk.into();
    let mut http = Plugin::new("http");
    http.options = [("url".into(), "@x".into())].into();
    http.allow_net = vec!["127.0.0.1:80".into()];
    scores.retriever = Some(http.into());
    let limits = ConnectionLimits {
        max_connections: 100,
        max_per_address: 10,
        handshake_timeout: Duration::from_secs(2),
        first_request_timeout: Duration::from_secs(3),
        max_streams: 50,
        max_header_bytes: 8 << 10,
        max_unread_bytes: 1 << 20,
        max_client_bytes: 64 << 20,
        max_cancels: 7,
    };
    let expected = Config {
        listen: "0.0.0.0:7400".into(),
        advertise: Some("node-1:7403".into()),
        peer_listen: Some("0.0.0.0:7403".into()),
        http: None,
        redis: Some("127.0.0.1:6379".into()),
        tokens: Some("tokens.toml".into()),
        insecure: true,
        core_dumps: true,
        tls: Some(Tls {
            client_ca: Some("ca.pem".into()),
            min_version: TlsVersion::V1_3,
            peer_names: vec![NamePattern::parse("*.cache.internal").unwrap()],
            ..Tls::new("node.pem", "/run/node.key")
        }),
        limits,
        groups: vec![scores, Group::new("plain")],
        cluster: Cluster {
            registry: Registry::Etcd(EtcdConfig {
                endpoints: vec![
                    "http://127.0.0.1:2379".into(),
                    "https://etcd.internal:2379".into(),
                ],
                prefix: "cache".into(),
                lease_ttl: Duration::from_secs(9),
                ..EtcdConfig::default()
            }),
            weight: 3,
            uncertain: Uncertain::Strict,
            secret: None,
        },
        telemetry: TelemetryConfig {
            otlp: Some("http://127.0.0.1:4317".into()),
            trace_ratio: 1.0,
            log: "warn,psycache=debug".into(),
            log_format: Some(telemetry::LogFormat::Json),
        },
    };
    assert_eq!(config, expected);
}

#[test]
fn a_flag_beats_the_file_and_leaves_the_rest_of_it() {
    let below =
        file("listen = 'a:1'\nhttp = 'b:2'\n[[group]]\nname = 'g'\ncapacity = '1KiB'\nttl = '1s'");
    let above = flags(&["--capacity", "2KiB", "--listen", "c:3"]);
    let config = Config::from_settings(above, Some(below)).unwrap();
    assert_eq!((config.listen.as_str(), config.http.as_deref()), ("c:3", Some("b:2")));
    assert_eq!(config.groups[0].store.capacity_bytes, 2048);
    assert_eq!(config.groups[0].group.ttl, Some(Duration::from_secs(1)));
}

#[test]
fn another_plugin_by_flag_drops_the_options_of_the_files() {
    let text = "[[group]]\nname = 'g'\npolicy = { plugin = 'lruk', options = { k = '3' } }";
    let resolved = |args: &[&str]| match &Config::from_settings(flags(args), Some(file(text)))
        .unwrap()
        .groups[0]
        .policy
    {
        PolicyChoice::Plugin(plugin) => plugin.clone(),
        other => panic!("{other:?}"),
    };
    let other = resolved(&["--policy", "twoq", "--policy-opt", "in=0.5"]);
    assert_eq!((other.plugin.as_str(), other.options.len()), ("twoq", 1));
    let same = resolved(&["--policy-opt", "history=2.0"]);
    assert_eq!((same.plugin.as_str(), same.options.len()), ("lruk", 2));
}

#[test]
fn group_flags_need_a_group_that_is_clear() {
    let two = "[[group]]\nname = 'scores'\n[[group]]\nname = 'users'";
    let config =
        Config::from_settings(flags(&["--group", "users", "--capacity", "1"]), Some(file(two)))
            .unwrap();
    assert_eq!(
        (config.groups[0].store.capacity_bytes, config.groups[1].store.capacity_bytes),
        (64 << 20, 1)
    );
    assert_eq!(
        conflict(flags(&["--capacity", "1"]), Some(file(two))),
        "the config file has the groups scores, users; say with --group which one the group flags are about"
    );
    assert_eq!(
        conflict(flags(&["--group", "user"]), Some(file(two))),
        "--group \"user\" is none of the config file's groups, scores, users (did you mean \"users\"?); \
         add a [[group]] for it there"
    );
    assert_eq!(
        conflict(Settings::default(), Some(file("[[group]]\nname = 'a'\n[[group]]\nname = 'a'"))),
        "two groups are called \"a\"; each needs a name of its own"
    );
}

#[test]
fn the_settings_of_a_source_have_their_ways_of_writing() {
    let text = "[[group]]\nname = 'g'\nttl = '10m'\nstale-while-revalidate = '30s'\n\
                refresh-ahead = '10%'\nretries = 2\nbreaker = 20\nmax-loads = 4\n\
                pool = { size = 16, idle = '1m', queue = 0 }";
    let config = Config::from_settings(flags(&["--pool-size", "2"]), Some(file(text))).unwrap();
    let group = &config.groups[0];
    assert_eq!(group.group.stale_while_revalidate, Duration::from_secs(30));
    assert_eq!(group.group.refresh_ahead, RefreshAhead::Percent(10));
    assert_eq!((group.group.retries, group.group.breaker), (2, Some(20)));
    let loads = &group.loads;
    assert_eq!((loads.max_loads, loads.pool_size, loads.pool_queue), (Some(4), 2, 0));
    assert_eq!(loads.pool_idle, Duration::from_secs(60));

    let ahead = |text| Config::from_settings(flags(&["--refresh-ahead", text]), None);
    let ahead = |text| ahead(text).unwrap().groups[0].group.refresh_ahead;
    assert_eq!(ahead("1m"), RefreshAhead::Before(Duration::from_secs(60)));
    assert_eq!(ahead("none"), RefreshAhead::Never);
    for (line, part) in [
        ("refresh-ahead = '51%'", "a part of the ttl from 1% to 50%, such as 10%, or a time"),
        ("retries = 11", "retries = \"11\": write a whole number from 0 to 10"),
        ("breaker = 0", "a whole number from 1 to 1000000000, or none"),
        ("max-loads = 0", "max-loads = \"0\": write a whole number from 1"),
        ("pool = { size = 0 }", "size = \"0\": write a whole number from 1 to 1000"),
        ("pool = { queue = -1 }", "a whole number from 0 to 1000000"),
        ("pool = { sizes = 1 }", "there is no key `sizes` here; did you mean `size`?"),
    ] {
        let problem = file_error(&format!("[[group]]\nname = 'g'\n{line}"));
        assert!(problem.contains(part), "{line}: {problem}");
    }
}

#[test]
fn contradictions_are_refused() {
    let etcd = "[cluster]\netcd = ['http://e:1']";
    let both = format!("{etcd}\npeers = ['p:1']");
    assert_eq!(
        conflict(Settings::default(), Some(file(&both))),
        "peers and etcd are both given; a cluster has one registry, so leave one out"
    );
    let flag_wins = Config::from_settings(flags(&["--peers", "p:1"]), Some(file(etcd))).unwrap();
    assert_eq!(flag_wins.cluster.registry, Registry::Static(vec![("p:1".into(), 1)]));
    assert_eq!(
        conflict(flags(&["--lease-ttl", "1s"]), None),
        "options that begin with etcd-, and lease-ttl, are about etcd; give --etcd URL too, or leave them out"
    );
    let anywhere = flags(&["--listen", "0.0.0.0:1", "--peers", "p:1"]);
    assert_eq!(
        conflict(anywhere, None),
        "listen \"0.0.0.0:1\" is every interface; say with --advertise HOST:PORT which address the other nodes reach this one at"
    );
}

#[test]
fn etcd_is_told_who_asks_only_as_a_whole() {
    let problem = |options: &str| {
        let text = format!("[cluster]\netcd = ['http://e:1']\n{options}");
        conflict(Settings::default(), Some(file(&text)))
    };
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let password = write("password", "open sesame\n");
    let ca = write("ca.pem", "-----BEGIN CERTIFICATE-----\n");
    let lone = problem("etcd-user = 'psy'");
    assert!(lone.contains("--etcd-password env:NAME or file:PATH"), "{lone}");
    let lone = problem(&format!("etcd-password = 'file:{password}'"));
    assert!(lone.contains("--etcd-user"), "{lone}");
    let lone = problem(&format!("etcd-cert = '{ca}'"));
    assert!(lone.contains("belong together"), "{lone}");
    let plain = problem(&format!("etcd-ca = '{ca}'"));
    assert!(plain.contains("https://"), "{plain}");

    let text = format!(
        "[cluster]\netcd = ['https://e:1']\netcd-user = 'psy'\n\
         etcd-password = 'file:{password}'\netcd-ca = '{ca}'\netcd-server-name = 'etcd'"
    );
    let config = Config::from_settings(Settings::default(), Some(file(&text))).unwrap();
    assert!(!format!("{config:?}").contains("sesame"), "the password is not shown");
    let Registry::Etcd(etcd) = config.cluster.registry else { panic!("it is etcd") };
    assert_eq!(etcd.user, Some(("psy".into(), "open sesame".into())));
    assert!(etcd.tls.ca.is_some());
    assert_eq!(etcd.tls.server_name.as_deref(), Some("etcd"));
}

#[test]
fn what_etcd_is_told_is_looked_at_and_never_shown() {
    let refused = |line: &str| file_error(&format!("[cluster]\n{line}"));
    let open = refused("etcd-password = 'hunter2'");
    assert!(open.contains("node.toml:2") && !open.contains("hunter2"), "{open}");
    let missing = refused("etcd-ca = '/nowhere/ca.pem'");
    assert!(missing.contains("/nowhere/ca.pem"), "{missing}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.pem");
    std::fs::write(&path, "no key").unwrap();
    let no_key = refused(&format!("etcd-key = '{}'", path.display()));
    assert!(no_key.contains("PRIVATE KEY"), "{no_key}");
    let both = refused("etcd = ['http://root:hunter2@e:1']");
    assert!(both.contains("without user and password"), "{both}");
}

#[test]
fn errors_of_a_file_name_the_key_the_line_and_the_mend() {
    for (text, expected) in [
        (
            "listen = 'a:1'\nlitsen = 'b:2'",
            "node.toml:2: there is no key `litsen` here; did you mean `listen`?",
        ),
        (
            "[[group]]\nname = 'g'\n\ncapcity = '1MiB'",
            "node.toml:4: there is no key `capcity` here; did you mean `capacity`?",
        ),
        (
            "[cluster]\nzzz = 1",
            "node.toml:2: there is no key `zzz` here; the keys are peers, etcd, etcd-prefix, etcd-user, etcd-password, etcd-ca, etcd-cert, etcd-key, etcd-server-name, secret, lease-ttl, weight, uncertain",
        ),
        (
            "[[group]]\nname = 'g'\nretriever = { plugin = 'x', alow-net = [] }",
            "node.toml:3: there is no key `alow-net` here; did you mean `allow-net`?",
        ),
        (
            "[[group]]\nname = 'g'\ncapacity = '64XB'",
            "node.toml:3: capacity = \"64XB\": write a size above 0 and below 8PiB, such as 64MiB, 1.5GB or 1000000",
        ),
        (
            "[[group]]\nname = 'g'\nttl = '0s'",
            "node.toml:3: ttl = \"0s\": write a time from 1ms to 3650d, such as 300ms, 10m or 1h 30m, or none",
        ),
        (
            "[cluster]\npeers = ['a:1',\n  'b']",
            "node.toml:3: peers = \"b\": write HOST:PORT, such as 127.0.0.1:7400, db.internal:3306 or [::1]:7400",
        ),
        (
            "[[group]]\nname = 'g'\nretriever = { plugin = 'x', secrets = { password = 'hunter2' } }",
            "node.toml:3: password = \"…\": the secret password must not stand in the open; \
             write password=env:NAME for a variable of the environment, or password=file:PATH",
        ),
    ] {
        assert_eq!(file_error(text), expected);
    }
    for (text, part) in [
        (
            "listen = [1]",
            "node.toml:1: invalid type: sequence, expected a text, a number, true or false in `listen = [1]`",
        ),
        ("[[group]]\ncapacity = 1", "node.toml:1: missing field `name`"),
        ("listen = \n", "node.toml:1: "),
        (
            "[[group]]\nname = 'g'\npolicy = 5",
            "node.toml:3: invalid type: integer `5`, expected a plugin's name, or a table with `plugin` in `policy = 5`",
        ),
        ("\"a\\nb\" = 1", "node.toml:1: there is no key `a, b` here"),
        ("[group]\nname = 'g'", "node.toml:1: a group is written [[group]]"),
    ] {
        let error = file_error(text);
        assert!(error.starts_with(part) && !error.contains('\n'), "{error}");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let missing = Settings::read(Path::new("/nowhere/node.toml")).unwrap_err().to_string();
    assert!(
        missing.starts_with("the config file /nowhere/node.toml can't be read: No such file"),
        "{missing}"
    );
    let folder = Settings::read(&std::env::temp_dir()).unwrap_err().to_string();
    assert!(folder.contains("directory"), "{folder}");
    let scratch = tempfile::tempdir().unwrap();
    let binary = scratch.path().join("b.toml");
    std::fs::write(&binary, b"listen = 'a:1'\n\xff").unwrap();
    let error = Settings::read(&binary).unwrap_err().to_string();
    assert!(error.ends_with("line 2 is not UTF-8"), "{error}");
}

#[test]
fn values_at_their_bounds() {
    fn is<T: FromStr>(text: &str) -> bool {
        text.parse::<T>().is_ok()
    }
    assert_eq!("64MiB".parse(), Ok(Size(64 << 20)));
    assert_eq!("1.5GB".parse(), Ok(Size(1_500_000_000)));
    for bad in ["0", "-1", "8PiB", "1e9", "", "MiB", "99999999999999999999999"] {
        assert!(!is::<Size>(bad), "{bad}");
    }
    assert_eq!("1ms".parse(), Ok(Time(Duration::from_millis(1))));
    for bad in ["0s", "999us", "-1s", "10", "101years", "", "10 parsecs"] {
        assert!(!is::<Time>(bad), "{bad}");
    }
    assert!(is::<LeaseTtl>("2s") && !is::<LeaseTtl>("1500ms"));
    assert_eq!("10%".parse(), Ok(Percent(10)));
    for bad in ["10", "101%", "-1%", "1.5%", "%"] {
        assert!(!is::<Percent>(bad), "{bad}");
    }
    for good in ["127.0.0.1:0", "[::1]:7400", "db.internal:65535"] {
        assert!(is::<Address>(good), "{good}");
    }
    for bad in ["7400", ":7400", "a:65536", "::1:7400", "a:", "http://a:1", "a:+1", "[x]:1"] {
        assert!(!is::<Address>(bad), "{bad}");
    }
    assert!(!is::<Reachable>("a:0"));
    assert!(is::<GroupName>(&"g".repeat(64)));
    for bad in ["", "-g", "a b", "ü", "a/b", &"g".repeat(65)] {
        assert!(!is::<GroupName>(bad), "{bad}");
    }
    for bad in ["", "localhost:2379", "ftp://x", "http://", "http:// x"] {
        assert!(!is::<Url>(bad), "{bad}");
    }
    assert!(!is::<LogFilter>("inof") && is::<LogFilter>("info,h2=off"));
}

#[test]
fn options_and_secrets_come_from_where_they_say() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("data.csv");
    std::fs::write(&path, "key,value\nTom,1\n").unwrap();
    let read = text::option(&format!("data=@{}", path.display())).unwrap();
    assert_eq!(read, ("data".into(), "key,value\nTom,1\n".into()));
    assert_eq!(text::option("q=a=b"), Ok(("q".into(), "a=b".into())));
    assert!(text::option("data=@/nowhere").unwrap_err().contains("/nowhere"));
    assert!(text::option("=x").is_err() && text::option("x").is_err());

    std::fs::write(&path, "hunter2\n").unwrap();
    let (_, secret) = text::secret(&format!("password=file:{}", path.display())).unwrap();
    assert_eq!(secret.expose(), "hunter2");
    assert!(!format!("{secret:?}").contains("hunter2"));
    assert!(text::secret("p=env:NOT_SET_ANYWHERE").unwrap_err().contains("NOT_SET_ANYWHERE"));
    assert!(!text::secret("p=hunter2").unwrap_err().contains("hunter2"));
}
