//! The client itself. Its calls are those of [`Group`], with the group's name in front.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::answer::Answer;
use super::ask::Asker;
use super::borrowed::Borrowed;
use super::group::Group;
use super::nodes::{NewNodes, Routes};
use super::{ClientConfig, ConnectError, Error, Nodes};
use crate::transport::dial::Dialer;
use crate::value::Ttl;

/// A client of a cluster. Clones share the connections, which close with the last clone.
#[derive(Clone, Debug)]
pub struct Client {
    asker: Asker,
    borrowed: Arc<Borrowed>,
}

impl Client {
    /// Makes a client of the nodes in `config`. With etcd it waits for the first list of nodes.
    /// It connects to a node at the first call.
    ///
    /// # Errors
    /// [`ConnectError`]: an address is invalid, or etcd does not answer or refuses access.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn connect(config: ClientConfig) -> Result<Self, ConnectError> {
        let (timeout, max_value_bytes) = (config.timeout, config.max_value_bytes);
        let borrowed = Arc::new(Borrowed::new(config.copies_bytes));
        let dialer = Dialer::of_client(config.tls, config.token_file);
        let new_nodes = NewNodes { max_value_bytes, dialer };
        let routes = match config.nodes {
            Nodes::List(addresses) => Routes::listed(&addresses, &new_nodes)?,
            #[cfg(feature = "etcd")]
            Nodes::Etcd(etcd) => super::registered::routes(etcd, new_nodes).await?,
        };
        Ok(Self { asker: Asker { routes: Arc::new(routes), timeout, max_value_bytes }, borrowed })
    }

    /// Returns the same client with this timeout for its calls.
    #[must_use]
    pub fn with_timeout(&self, timeout: Duration) -> Self {
        let asker = Asker { timeout, ..self.asker.clone() };
        Self { asker, borrowed: Arc::clone(&self.borrowed) }
    }

    /// The group `name` of the cluster. It does not ask whether there is one.
    #[must_use]
    pub fn group(&self, name: &str) -> Group {
        let name = Bytes::copy_from_slice(name.as_bytes());
        Group::new(self.asker.clone(), Arc::clone(&self.borrowed), name)
    }

    /// [`Group::get`].
    ///
    /// # Errors
    /// As there.
    pub async fn get(&self, group: &str, key: &str) -> Result<Answer, Error> {
        self.group(group).get(key).await
    }

    /// [`Group::get_many`].
    ///
    /// # Errors
    /// As there.
    pub async fn get_many<K: AsRef<str>>(
        &self,
        group: &str,
        keys: &[K],
    ) -> Result<Vec<Result<Answer, Error>>, Error> {
        self.group(group).get_many(keys).await
    }

    /// [`Group::set`].
    ///
    /// # Errors
    /// As there.
    pub async fn set(
        &self,
        group: &str,
        key: &str,
        value: impl Into<Bytes>,
        ttl: impl Into<Ttl>,
    ) -> Result<(), Error> {
        self.group(group).set(key, value, ttl).await
    }

    /// [`Group::set_many`].
    ///
    /// # Errors
    /// As there.
    pub async fn set_many<K: AsRef<str>, V: Clone + Into<Bytes>>(
        &self,
        group: &str,
        entries: &[(K, V)],
        ttl: impl Into<Ttl>,
    ) -> Result<Vec<Result<(), Error>>, Error> {
        self.group(group).set_many(entries, ttl).await
    }

    /// [`Group::remove`].
    ///
    /// # Errors
    /// As there.
    pub async fn remove(&self, group: &str, key: &str) -> Result<bool, Error> {
        self.group(group).remove(key).await
    }

    /// [`Group::remove_many`].
    ///
    /// # Errors
    /// As there.
    pub async fn remove_many<K: AsRef<str>>(
        &self,
        group: &str,
        keys: &[K],
    ) -> Result<Vec<Result<bool, Error>>, Error> {
        self.group(group).remove_many(keys).await
    }

    /// [`Group::clear`].
    ///
    /// # Errors
    /// As there.
    pub async fn clear(&self, group: &str) -> Result<u64, Error> {
        self.group(group).clear().await
    }
}
