//! A data source that asks MySQL or MariaDB: one query with one `?`, which is the key.
//!
//! Options: `dsn`, such as `mysql://psy@db:3306/school`, without a password; `query`,
//! such as `SELECT score FROM student WHERE name = ?`; `value-column`, needed where the
//! query returns more than one column; `connect-timeout-ms` (5000). Secret: `password`.
//!
//! No row is "no such key". Of several rows the first is taken, so a query whose rows
//! differ should say `ORDER BY`. Numbers and times become text as the server would
//! print them, all else stays the bytes that it is; NULL is no value,
//! and neither is a row of more than 64 MiB.
//!
//! An instance keeps one connection. It is opened by the first fetch, and again where
//! the server has closed it since. Connections are not encrypted.

mod connection;
mod failure;
mod settings;
mod text;

use std::time::Duration;

use connection::Connection;
use failure::Failure;
use psycache_plugin::{
    ConfigError, FetchError, Fetched, Retriever, RetrieverConfig, export_retriever,
};
use settings::Settings;
use tokio::runtime::{Builder, Runtime};

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
        let answer = answer(&self.settings, &mut self.idle, key);
        let limit = Duration::from_millis(timeout_ms.into());
        let answered = self.runtime.block_on(async { tokio::time::timeout(limit, answer).await });
        let late = || format!("no answer within the timeout of {timeout_ms} ms");
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
) -> Result<Option<Vec<u8>>, FetchError> {
    if let Some(mut connection) = idle.take() {
        match connection.ask(settings, key).await {
            // Closed while idle, most likely; a new one shows whether the server is there.
            Err(Failure::Broken(_)) => {}
            answered => return keep(idle, connection, answered),
        }
    }
    let mut connection = Connection::open(settings).await?;
    let answered = connection.ask(settings, key).await;
    keep(idle, connection, answered)
}

/// Makes the connection idle again unless it is broken.
fn keep(
    idle: &mut Option<Connection>,
    connection: Connection,
    answered: Result<Option<Vec<u8>>, Failure>,
) -> Result<Option<Vec<u8>>, FetchError> {
    if !matches!(answered, Err(Failure::Broken(_))) {
        *idle = Some(connection);
    }
    Ok(answered?)
}

export_retriever!(Mysql);
