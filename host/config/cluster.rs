//! How other nodes are found: what sources say about it, and what that comes to.

use std::time::Duration;

use super::error::Error;
use super::node::{Cluster, Registry};
use super::secret::Secret;
use super::text;
use crate::group::Uncertain;
use crate::membership::registry::etcd;

/// What one source says about the cluster.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClusterSettings {
    /// See [`Registry::Static`].
    pub peers: Vec<String>,
    /// See [`Registry::Etcd`].
    pub etcd: Vec<String>,
    /// What is said about etcd besides where it is.
    pub access: EtcdAccess,
    /// See [`Cluster::weight`].
    pub weight: Option<u32>,
    /// See [`Cluster::uncertain`].
    pub uncertain: Option<Uncertain>,
}

/// What one source says about etcd besides where it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EtcdAccess {
    /// See [`etcd::Config::prefix`].
    pub prefix: Option<String>,
    /// See [`etcd::Config::lease_ttl`].
    pub lease_ttl: Option<Duration>,
    /// See [`etcd::Config::user`].
    pub user: Option<String>,
    /// See [`etcd::Config::user`].
    pub password: Option<Secret>,
    /// See [`etcd::Tls::ca`], PEM.
    pub ca: Option<String>,
    /// See [`etcd::Tls::identity`], PEM.
    pub cert: Option<String>,
    /// See [`etcd::Tls::identity`], PEM.
    pub key: Option<Secret>,
    /// See [`etcd::Tls::server_name`].
    pub server_name: Option<String>,
}

/// What the flags, laid over the file, come to.
pub(super) fn resolve(flags: ClusterSettings, file: ClusterSettings) -> Result<Cluster, Error> {
    // A registry named by a flag takes the place of whichever the file names.
    let (peers, endpoints) = match flags.peers.is_empty() && flags.etcd.is_empty() {
        true => (file.peers, file.etcd),
        false => (flags.peers, flags.etcd),
    };
    let access = flags.access.over(file.access);
    let weight = flags.weight.or(file.weight);
    let uncertain = flags.uncertain.or(file.uncertain).unwrap_or_default();
    if weight.is_some() && !peers.is_empty() {
        return conflict(
            "weight says nothing where there is a list of nodes, as all must agree on it; write \
             it into the list of every node, 10.0.0.1:7400=2 say",
        );
    }
    let registry = match (peers.is_empty(), endpoints.is_empty()) {
        (false, false) => {
            return conflict(
                "peers and etcd are both given; a cluster has one registry, so leave one out",
            );
        }
        (true, false) => Registry::Etcd(access.resolve(endpoints)?),
        (_, true) if access != EtcdAccess::default() => {
            return conflict(
                "options that begin with etcd-, and lease-ttl, are about etcd; give --etcd URL \
                 too, or leave them out",
            );
        }
        (true, true) => Registry::Alone,
        (false, true) => Registry::Static(listed(&peers)?),
    };
    Ok(Cluster { registry, weight: weight.unwrap_or(1), uncertain })
}

fn listed(peers: &[String]) -> Result<Vec<(String, u32)>, Error> {
    let listed = peers.iter().map(|peer| text::listed(peer));
    listed.collect::<Result<_, _>>().map_err(Error::Conflict)
}

fn conflict<T>(what: &str) -> Result<T, Error> {
    Err(Error::Conflict(what.into()))
}

impl EtcdAccess {
    fn over(self, below: Self) -> Self {
        Self {
            prefix: self.prefix.or(below.prefix),
            lease_ttl: self.lease_ttl.or(below.lease_ttl),
            user: self.user.or(below.user),
            password: self.password.or(below.password),
            ca: self.ca.or(below.ca),
            cert: self.cert.or(below.cert),
            key: self.key.or(below.key),
            server_name: self.server_name.or(below.server_name),
        }
    }

    fn resolve(self, endpoints: Vec<String>) -> Result<etcd::Config, Error> {
        let default = etcd::Config::default();
        let user = match (self.user, self.password) {
            (Some(user), Some(password)) => Some((user, password.expose().to_owned())),
            (None, None) => None,
            (Some(_), None) => {
                return conflict(
                    "etcd-user without etcd-password; say where it is with \
                     --etcd-password env:NAME or file:PATH",
                );
            }
            (None, Some(_)) => {
                return conflict(
                    "etcd-password without etcd-user; say whose it is with --etcd-user",
                );
            }
        };
        let identity = match (self.cert, self.key) {
            (Some(cert), Some(key)) => Some((cert.into_bytes(), key.expose().into())),
            (None, None) => None,
            _ => return conflict("etcd-cert and etcd-key belong together; give both or neither"),
        };
        let tls = etcd::Tls {
            ca: self.ca.map(String::into_bytes),
            identity,
            server_name: self.server_name,
        };
        let secure = endpoints.iter().any(|url| url.starts_with("https://"));
        if tls != etcd::Tls::default() && !secure {
            return conflict(
                "etcd-ca, etcd-cert, etcd-key and etcd-server-name are about TLS; \
                 write https:// in --etcd, or leave them out",
            );
        }
        Ok(etcd::Config {
            endpoints,
            prefix: self.prefix.unwrap_or(default.prefix),
            lease_ttl: self.lease_ttl.unwrap_or(default.lease_ttl),
            user,
            tls,
        })
    }
}
