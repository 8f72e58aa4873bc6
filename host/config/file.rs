//! The TOML file: its shape, and errors that name the key, the file and the line.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::de::{self, Deserialize, Deserializer, Visitor};
use toml::Spanned;

use super::cluster::{ClusterSettings, EtcdAccess};
use super::error::Error;
use super::secret::Secret;
use super::settings::{GroupSettings, PluginSettings, Settings, TelemetrySettings};
use super::text::{self, Parsed, nearest};

/// A value as it stands in the file. Its meaning is the parsers' of [`text`],
/// the same for file, environment and flags.
type Text = Option<Spanned<Scalar>>;
type Texts = BTreeMap<String, Spanned<Scalar>>;

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Root {
    listen: Text,
    advertise: Text,
    http: Text,
    #[serde(default)]
    cluster: ClusterTable,
    #[serde(default)]
    telemetry: TelemetryTable,
    #[serde(default)]
    group: Vec<GroupTable>,
}

#[derive(Default, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct ClusterTable {
    #[serde(default)]
    peers: Vec<Spanned<Scalar>>,
    #[serde(default)]
    etcd: Vec<Spanned<Scalar>>,
    etcd_prefix: Text,
    etcd_user: Text,
    etcd_password: Text,
    etcd_ca: Text,
    etcd_cert: Text,
    etcd_key: Text,
    etcd_server_name: Text,
    lease_ttl: Text,
    weight: Text,
    uncertain: Text,
}

#[derive(Default, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct TelemetryTable {
    otlp: Text,
    trace_ratio: Text,
    log: Text,
    log_format: Text,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct GroupTable {
    name: Spanned<Scalar>,
    capacity: Text,
    max_entries: Text,
    ttl: Text,
    ttl_jitter: Text,
    negative_ttl: Text,
    load_timeout: Text,
    max_value: Text,
    policy: Option<PolicyTable>,
    retriever: Option<RetrieverTable>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyTable {
    plugin: Spanned<Scalar>,
    #[serde(default)]
    options: Texts,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RetrieverTable {
    plugin: Spanned<Scalar>,
    #[serde(default)]
    options: Texts,
    #[serde(default)]
    secrets: Texts,
    #[serde(default)]
    allow_net: Vec<Spanned<Scalar>>,
}

/// Text, or what else is clear without quotes.
struct Scalar(String);

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyScalar;
        impl Visitor<'_> for AnyScalar {
            type Value = Scalar;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, a number, true or false")
            }
            fn visit_str<E: de::Error>(self, value: &str) -> Result<Scalar, E> {
                Ok(Scalar(value.into()))
            }
            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Scalar, E> {
                Ok(Scalar(value.to_string()))
            }
            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Scalar, E> {
                Ok(Scalar(value.to_string()))
            }
            fn visit_bool<E: de::Error>(self, value: bool) -> Result<Scalar, E> {
                Ok(Scalar(value.to_string()))
            }
        }
        deserializer.deserialize_any(AnyScalar)
    }
}

/// The most bytes of a config file that are read.
const LARGEST_FILE: u64 = 16 << 20;

impl Settings {
    /// Reads a TOML file.
    ///
    /// # Errors
    /// It can't be read, is no TOML, has a key that does not exist, or a value
    /// that can't be used.
    pub fn read(path: &Path) -> Result<Self, Error> {
        read(path)
    }

    /// Reads what stands, or would stand, in the TOML file `path`, which errors
    /// name. Files and variables that it refers to are read.
    ///
    /// # Errors
    /// Those of [`read`](Self::read).
    pub fn parse(path: &Path, bytes: Vec<u8>) -> Result<Self, Error> {
        parse(path, bytes)
    }
}

fn read(path: &Path) -> Result<Settings, Error> {
    let mut bytes = Vec::new();
    // A device or a pipe tells its size only by being read.
    let read =
        File::open(path).and_then(|file| file.take(LARGEST_FILE + 1).read_to_end(&mut bytes));
    let unreadable = |reason: String| Error::Unreadable { path: path.into(), reason };
    read.map_err(|error| unreadable(error.to_string()))?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(unreadable(format!("it is longer than {LARGEST_FILE} bytes")));
    }
    parse(path, bytes)
}

fn parse(path: &Path, bytes: Vec<u8>) -> Result<Settings, Error> {
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + valid.iter().filter(|b| **b == b'\n').count();
        Error::Unreadable { path: path.into(), reason: format!("line {line} is not UTF-8") }
    })?;
    let reader = Reader { path: path.into(), text: &text };
    let root: Root = toml::from_str(&text).map_err(|error| reader.syntax(&error))?;
    reader.settings(root)
}

struct Reader<'a> {
    path: PathBuf,
    text: &'a str,
}

impl Reader<'_> {
    fn settings(&self, root: Root) -> Result<Settings, Error> {
        Ok(Settings {
            listen: self.take("listen", root.listen, text::address)?,
            advertise: self.take("advertise", root.advertise, text::reachable)?,
            http: self.take("http", root.http, text::address_or_none)?,
            groups: root
                .group
                .into_iter()
                .map(|group| self.group(group))
                .collect::<Result<_, _>>()?,
            cluster: self.cluster(root.cluster)?,
            telemetry: self.telemetry(root.telemetry)?,
        })
    }

    fn group(&self, table: GroupTable) -> Result<GroupSettings, Error> {
        Ok(GroupSettings {
            name: Some(self.value("name", table.name, text::group_name)?),
            capacity_bytes: self.take("capacity", table.capacity, text::size)?,
            max_entries: self.take("max-entries", table.max_entries, text::max_entries)?,
            ttl: self.take("ttl", table.ttl, text::ttl)?,
            ttl_jitter_percent: self.take("ttl-jitter", table.ttl_jitter, text::percent)?,
            negative_ttl: self.take("negative-ttl", table.negative_ttl, text::ttl)?,
            load_timeout: self.take("load-timeout", table.load_timeout, text::duration)?,
            max_value_bytes: self.take("max-value", table.max_value, text::size)?,
            policy: match table.policy {
                None => PluginSettings::default(),
                Some(policy) => PluginSettings {
                    plugin: Some(self.value("plugin", policy.plugin, text::policy)?),
                    options: self.options(policy.options)?,
                    ..PluginSettings::default()
                },
            },
            retriever: match table.retriever {
                None => PluginSettings::default(),
                Some(retriever) => PluginSettings {
                    plugin: Some(self.value("plugin", retriever.plugin, text::retriever)?),
                    options: self.options(retriever.options)?,
                    secrets: self.secrets(retriever.secrets)?,
                    allow_net: self.all("allow-net", retriever.allow_net, text::reachable)?,
                },
            },
        })
    }

    fn cluster(&self, table: ClusterTable) -> Result<ClusterSettings, Error> {
        Ok(ClusterSettings {
            peers: self.all("peers", table.peers, text::peer)?,
            etcd: self.all("etcd", table.etcd, text::url)?,
            access: EtcdAccess {
                prefix: self.take("etcd-prefix", table.etcd_prefix, text::etcd_prefix)?,
                lease_ttl: self.take("lease-ttl", table.lease_ttl, text::lease_ttl)?,
                user: self.take("etcd-user", table.etcd_user, text::etcd_user)?,
                password: table
                    .etcd_password
                    .map(|place| self.secret("etcd-password", place))
                    .transpose()?,
                ca: self.take("etcd-ca", table.etcd_ca, text::certificate)?,
                cert: self.take("etcd-cert", table.etcd_cert, text::certificate)?,
                key: self.take("etcd-key", table.etcd_key, text::private_key)?,
                server_name: self.take(
                    "etcd-server-name",
                    table.etcd_server_name,
                    text::server_name,
                )?,
            },
            weight: self.take("weight", table.weight, text::weight)?,
            uncertain: self.take("uncertain", table.uncertain, text::uncertain)?,
        })
    }

    fn telemetry(&self, table: TelemetryTable) -> Result<TelemetrySettings, Error> {
        Ok(TelemetrySettings {
            otlp: self.take("otlp", table.otlp, text::url)?,
            trace_ratio: self.take("trace-ratio", table.trace_ratio, text::ratio)?,
            log: self.take("log", table.log, text::log_filter)?,
            log_format: self.take("log-format", table.log_format, text::log_format)?,
        })
    }

    fn take<T>(
        &self,
        key: &str,
        text: Text,
        parse: impl Fn(&str) -> Parsed<T>,
    ) -> Result<Option<T>, Error> {
        text.map(|text| self.value(key, text, parse)).transpose()
    }

    fn all<T>(
        &self,
        key: &str,
        texts: Vec<Spanned<Scalar>>,
        parse: fn(&str) -> Parsed<T>,
    ) -> Result<Vec<T>, Error> {
        texts.into_iter().map(|text| self.value(key, text, parse)).collect()
    }

    fn options(&self, texts: Texts) -> Result<BTreeMap<String, String>, Error> {
        let value = |(name, text): (String, Spanned<Scalar>)| {
            let value = self.value(&name, text, |value| text::option_value(&name, value))?;
            Ok((name, value))
        };
        texts.into_iter().map(value).collect()
    }

    fn secrets(&self, texts: Texts) -> Result<BTreeMap<String, Secret>, Error> {
        let value = |(name, place): (String, Spanned<Scalar>)| {
            let secret = self.secret(&name, place)?;
            Ok((name, secret))
        };
        texts.into_iter().map(value).collect()
    }

    fn secret(&self, name: &str, place: Spanned<Scalar>) -> Result<Secret, Error> {
        let secret = self.value(name, place, |place| text::secret_value(name, place));
        secret.map_err(|error| match error {
            // What stands in the place of `env:NAME` may be the secret itself.
            Error::BadValue { path, line, key, allowed, .. } => {
                Error::BadValue { path, line, key, value: "…".into(), allowed }
            }
            error => error,
        })
    }

    fn value<T>(
        &self,
        key: &str,
        text: Spanned<Scalar>,
        parse: impl Fn(&str) -> Parsed<T>,
    ) -> Result<T, Error> {
        let at = text.span().start;
        let Scalar(value) = text.into_inner();
        parse(&value).map_err(|allowed| Error::BadValue {
            path: self.path.clone(),
            line: self.line(at),
            key: key.into(),
            value: value.clone(),
            allowed,
        })
    }

    /// The number of the line with that byte, from 1.
    fn line(&self, at: usize) -> usize {
        1 + self.text.as_bytes()[..at.min(self.text.len())].iter().filter(|b| **b == b'\n').count()
    }

    fn syntax(&self, error: &toml::de::Error) -> Error {
        let path = self.path.clone();
        let line = self.line(error.span().map_or(0, |span| span.start));
        match unknown_key(error.message()) {
            Some((key, known)) => Error::UnknownKey {
                path,
                line,
                mend: match nearest(key, known.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("the keys are {}", known.join(", ")),
                },
                key: key.into(),
            },
            None => Error::Syntax {
                path,
                line,
                problem: error.message().replace('\n', ", "),
                text: self.text.lines().nth(line - 1).unwrap_or_default().trim().into(),
            },
        }
    }
}

/// The key that serde does not know and those that it does: the derived code
/// tells them in its message only, between backticks.
fn unknown_key(message: &str) -> Option<(&str, Vec<&str>)> {
    let mut names = message.strip_prefix("unknown field `")?.split('`').step_by(2);
    let key = names.next()?;
    Some((key, names.filter(|name| !name.is_empty()).collect()))
}
