//! A data source that asks MySQL or MariaDB: one query with one `?`, which is the key.
//!
//! `docs/mysql.md` has the options, what becomes of each answer, and the limits.
//!
//! An instance keeps one connection. It is opened by the first fetch, and again where
//! the server has closed it since. TLS is the node's, for which a client library would have no
//! place. The query goes as text with the key in it as a literal: no statement is prepared, so
//! none can be lost; each answer brings the names of its columns, and values as the server prints
//! them.

mod answer;
mod connection;
mod dsn;
mod failure;
mod fields;
mod key;
mod login;
mod many;
mod packets;
mod settings;
mod statement;

use std::time::{Duration, Instant};

use connection::Connection;
use psycache_plugin::net::Kept;
use psycache_plugin::{
    ConfigError, FetchError, Fetched, Retriever, RetrieverConfig, export_retriever, sql,
};
use settings::Settings;

/// A query to a MySQL or MariaDB server.
pub struct Mysql {
    settings: Settings,
    kept: Kept<Connection>,
}

impl Retriever for Mysql {
    fn configure(config: &RetrieverConfig) -> Result<Self, ConfigError> {
        Ok(Self { settings: Settings::read(config)?, kept: Kept::default() })
    }

    fn fetch(&mut self, key: &str, timeout_ms: u32) -> Result<Option<Fetched>, FetchError> {
        let deadline = Instant::now() + Duration::from_millis(timeout_ms.into());
        let Self { settings, kept } = self;
        let open = || Connection::open(settings, deadline);
        let answered =
            kept.ask(deadline, open, |connection| connection.ask(settings, key, deadline));
        let value = answered.map_err(|error| settings.server.place.told(error))?;
        Ok(value.map(|value| Fetched { value, ttl_ms: None }))
    }

    fn fetch_many(
        &mut self,
        keys: &[String],
        timeout_ms: u32,
    ) -> Result<Vec<Option<Fetched>>, FetchError> {
        let deadline = Instant::now() + Duration::from_millis(timeout_ms.into());
        let Self { settings, kept } = self;
        let many = settings.many.as_ref().ok_or_else(sql::no_batch)?;
        let open = || Connection::open(settings, deadline);
        let ask = |connection: &mut Connection| many.ask(connection, settings, keys, deadline);
        let values = kept.ask(deadline, open, ask);
        let values = values.map_err(|error| sql::alone(settings.server.place.told(error)))?;
        let fetched = |value| Fetched { value, ttl_ms: None };
        Ok(values.into_iter().map(|value| value.map(fetched)).collect())
    }
}

export_retriever!(Mysql);
