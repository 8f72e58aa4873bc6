//! A data source that asks MySQL or MariaDB: one query with one `?`, which is the key.
//!
//! `docs/mysql.md` has the options, what becomes of each answer, and the limits.
//!
//! An instance keeps one connection. It is opened by the first fetch, and again where
//! the server has closed it since. Connections are not encrypted. The query goes as text
//! with the key in it as a literal: no statement is prepared, so none can be lost; each
//! answer brings the names of its columns, and values as the server prints them.

mod connection;
mod dsn;
mod failure;
mod settings;
mod statement;

use std::time::Duration;

use connection::Connection;
use psycache_plugin::net::Failure;
use psycache_plugin::{
    ConfigError, FetchError, Fetched, Retriever, RetrieverConfig, export_retriever,
};
use settings::Settings;
use tokio::runtime::{Builder, Runtime};
use tokio::time::Instant;

/// A query to a MySQL or MariaDB server.
pub struct Mysql {
    settings: Settings,
    /// The connection while no fetch runs on it; gone if the last one broke it.
    idle: Option<Connection>,
    /// Drives the connection while a fetch waits, and only then.
    runtime: Runtime,
}

impl Retriever for Mysql {
    fn configure(config: &RetrieverConfig) -> Result<Self, ConfigError> {
        let settings = Settings::read(config)?;
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime without threads takes memory only");
        Ok(Self { settings, idle: None, runtime })
    }

    #[expect(clippy::disallowed_methods, reason = "a plugin is called without a runtime")]
    fn fetch(&mut self, key: &str, timeout_ms: u32) -> Result<Option<Fetched>, FetchError> {
        let limit = Duration::from_millis(timeout_ms.into());
        let answer = async {
            let answer = answer(&self.settings, &mut self.idle, key, Instant::now() + limit);
            tokio::time::timeout(limit, answer).await
        };
        let late = || format!("no answer within the timeout of {timeout_ms} ms");
        let answered = self.runtime.block_on(answer);
        let value = answered.map_err(|_| FetchError::Unavailable(late()))??;
        Ok(value.map(|value| Fetched { value, ttl_ms: None }))
    }
}

/// Asks on the idle connection, or on a new one. Cancelled in the middle it leaves
/// none: an answer still under way would be taken for that of the next key.
async fn answer(
    settings: &Settings,
    idle: &mut Option<Connection>,
    key: &str,
    deadline: Instant,
) -> Result<Option<Vec<u8>>, FetchError> {
    if let Some(mut connection) = idle.take() {
        match connection.ask(settings, key, deadline).await {
            // Closed while idle, most likely; a new one shows whether the server is there.
            Err(Failure::Broken(_)) => {}
            answered => return keep(idle, connection, answered, deadline).await,
        }
    }
    let mut connection = Connection::open(settings, deadline).await?;
    let answered = connection.ask(settings, key, deadline).await;
    keep(idle, connection, answered, deadline).await
}

/// Makes the connection idle again unless it is broken.
async fn keep(
    idle: &mut Option<Connection>,
    connection: Connection,
    answered: Result<Option<Vec<u8>>, Failure>,
    deadline: Instant,
) -> Result<Option<Vec<u8>>, FetchError> {
    if !matches!(answered, Err(Failure::Broken(_))) {
        *idle = Some(connection);
    }
    if let Err(Failure::OutOfTime(_)) = answered {
        // The server has ended it just before the timeout, and that is what to tell.
        tokio::time::sleep_until(deadline).await;
    }
    Ok(answered?)
}

export_retriever!(Mysql);
