//! A data source that asks Redis: `GET` of a key, or `HGET` of a field of it.
//!
//! `docs/redis.md` has the options, what becomes of each answer, and the limits.
//!
//! An instance keeps one connection, on which it logs in and selects its database once. It
//! speaks RESP2, of which it needs four kinds of replies: a client library would bring a
//! pool, a runtime and commands that nobody sends here.

mod connection;
mod reply;
mod settings;

use connection::Connection;
use psycache_plugin::net::Kept;
use psycache_plugin::{
    ConfigError, FetchError, Fetched, Retriever, RetrieverConfig, export_retriever,
};
use settings::Settings;

/// A Redis server.
pub struct Redis {
    settings: Settings,
    kept: Kept<Connection>,
}

impl Retriever for Redis {
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
        let open = |deadline| Connection::open(settings, deadline);
        let ask =
            |connection: &mut Connection, deadline| connection.ask_many(settings, keys, deadline);
        let values = kept.ask_within(&settings.server.place, timeout_ms, open, ask)?;
        Ok(values.into_iter().map(|value| value.map(Fetched::from)).collect())
    }
}

export_retriever!(Redis);
