//! A data source that asks PostgreSQL: one query with `$1`, which is the key.
//!
//! `docs/postgres.md` has the options, what becomes of each answer, and the limits.
//!
//! An instance keeps one connection. It is opened by the first fetch, and again where the
//! server has closed it since. The query is prepared without a name for each load, in the
//! round trip that runs it: no statement can be lost, a proxy between may change servers,
//! and each answer brings the names of its columns. Many keys are one array in one query. TLS is
//! the node's.

mod answer;
mod connection;
mod failure;
mod login;
mod many;
mod messages;
mod settings;
mod statement;

use connection::Connection;
use psycache_plugin::net::Kept;
use psycache_plugin::{
    ConfigError, FetchError, Fetched, Retriever, RetrieverConfig, export_retriever, sql,
};
use settings::Settings;

/// A query to a PostgreSQL server.
pub struct Postgres {
    settings: Settings,
    kept: Kept<Connection>,
}

impl Retriever for Postgres {
    fn configure(config: &RetrieverConfig) -> Result<Self, ConfigError> {
        Ok(Self { settings: Settings::read(config)?, kept: Kept::default() })
    }

    fn fetch(&mut self, key: &str, timeout_ms: u32) -> Result<Option<Fetched>, FetchError> {
        let Self { settings, kept } = self;
        let open = |deadline| Connection::open(settings, deadline);
        let ask = |connection: &mut Connection, deadline| connection.ask(settings, key, deadline);
        let value = kept.ask_within(&settings.server.place, timeout_ms, open, ask)?;
        Ok(value.map(Fetched::from))
    }

    fn fetch_many(
        &mut self,
        keys: &[String],
        timeout_ms: u32,
    ) -> Result<Vec<Option<Fetched>>, FetchError> {
        let Self { settings, kept } = self;
        let Some(many) = &settings.many else { return Ok(Vec::new()) };
        let open = |deadline| Connection::open(settings, deadline);
        let ask =
            |connection: &mut Connection, deadline| many.ask(connection, settings, keys, deadline);
        let asked = kept.ask_within(&settings.server.place, timeout_ms, open, ask);
        let values = asked.map_err(sql::alone)?;
        Ok(values.into_iter().map(|value| value.map(Fetched::from)).collect())
    }
}

export_retriever!(Postgres);
