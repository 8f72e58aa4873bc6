//! Plugins, their options, and secrets.

use serde::de::{DeserializeSeed, Deserializer};

use super::folder;
use super::kind::{Parsed, kind};
use super::options;
use super::scalar::{Scalar, named, refused};
use crate::config::Secret;

/// The fewest characters of the secret of a cluster.
const SHORTEST_SECRET: usize = 16;

kind!(
    PluginName(String),
    "a built-in's name (psycache policy list) or the path of a component",
    |text: &str| (!text.is_empty()).then(|| folder::plugin(text))
);

/// Parses `name=value` of a plugin's option; see [`options::expand`].
#[cfg(feature = "cli")]
pub(crate) fn option(text: &str) -> Parsed<(String, String)> {
    let (name, value) = options::parse_pair(text).map_err(|error| error.to_string())?;
    let value = options::expand(&name, &value).map_err(|error| error.to_string())?;
    Ok((name, value))
}

/// Parses `name=env:VARIABLE` or `name=file:PATH` of a retriever's secret. An error never
/// contains the text after `=`, because that may be the secret itself.
#[cfg(feature = "cli")]
pub(crate) fn secret(text: &str) -> Parsed<(String, Secret)> {
    let (name, place) = options::parse_pair(text).map_err(|error| error.to_string())?;
    let secret = reveal(&name, &place)?;
    Ok((name, secret))
}

/// Reads etcd's password from `env:VARIABLE` or `file:PATH`.
pub(crate) fn etcd_password(place: &str) -> Parsed<Secret> {
    reveal("etcd-password", place)
}

/// Reads the secret of the cluster from `env:VARIABLE` or `file:PATH`. It goes into a header.
pub(crate) fn cluster_secret(place: &str) -> Parsed<Secret> {
    let secret = reveal("cluster-secret", place)?;
    let is_visible = |byte: u8| byte.is_ascii_graphic();
    match secret.expose().len() >= SHORTEST_SECRET && secret.expose().bytes().all(is_visible) {
        true => Ok(secret),
        false => Err(format!(
            "the secret of the cluster must have at least {SHORTEST_SECRET} visible ASCII \
             characters; make one with `openssl rand -hex 32`"
        )),
    }
}

fn reveal(name: &str, place: &str) -> Parsed<Secret> {
    options::reveal(name, place).map(Secret::new).map_err(|error| error.to_string())
}

/// Reads the table of a plugin's options.
pub(in crate::config) fn read_options<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<(String, String)>, D::Error> {
    named(deserializer, |name, value| {
        options::expand(name, value).map_err(|error| refused(value, &error.to_string()))
    })
}

/// Reads the table of a retriever's secrets.
pub(in crate::config) fn read_secrets<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<(String, Secret)>, D::Error> {
    named(deserializer, |name, place| reveal(name, place).map_err(|error| hidden(&error)))
}

/// Deserializes etcd's password, given as `env:VARIABLE` or `file:PATH`.
pub(in crate::config) fn read_etcd_password<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Secret>, D::Error> {
    let parse = |place: &str| etcd_password(place).map_err(|error| hidden(&error));
    Scalar(parse).deserialize(deserializer).map(Some)
}

/// Deserializes the secret of the cluster, given as `env:VARIABLE` or `file:PATH`.
pub(in crate::config) fn read_cluster_secret<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Secret>, D::Error> {
    let parse = |place: &str| cluster_secret(place).map_err(|error| hidden(&error));
    Scalar(parse).deserialize(deserializer).map(Some)
}

/// An error without the given text, which may be the secret itself.
fn hidden(error: &str) -> String {
    refused("…", error)
}
