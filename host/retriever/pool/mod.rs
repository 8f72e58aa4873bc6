//! A bounded pool of connections to one data source.

use std::sync::{Arc, Weak};
use std::time::Duration;

use futures::future::BoxFuture;
use parking_lot::Mutex;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout_at};

use super::{Connection, ConnectionSource, FetchError, Fetched, Retriever};
use crate::telemetry::spans;

/// How many connections a pool keeps, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PoolConfig {
    /// The maximum number of connections, in use or idle; at least 1.
    pub max_connections: usize,
    /// How long a connection may be idle before it is closed.
    pub idle: Duration,
}

impl Default for PoolConfig {
    fn default() -> Self {
        Self { max_connections: 8, idle: Duration::from_secs(300) }
    }
}

/// A retriever over a bounded number of connections to one source. A load that finds no free
/// connection waits in FIFO order. A connection is closed if its load failed in it or was
/// cancelled.
pub(crate) struct Pool {
    source: Arc<dyn ConnectionSource>,
    /// A permit for each connection that may be in use. The semaphore is fair: it hands out
    /// permits in the order of the requests.
    places: Semaphore,
    /// A stack, with the connection used last on top, so that connections beyond the load
    /// stay idle and expire. The lock is held to push or pop; connections are closed after it
    /// is released.
    idle: Mutex<Vec<Idle>>,
    config: PoolConfig,
}

struct Idle {
    connection: Box<dyn Connection>,
    since: Instant,
}

impl Pool {
    /// Makes an empty pool, and starts a task that closes idle connections for as long as the
    /// pool exists.
    ///
    /// # Panics
    /// If `max_connections` is 0, or outside of a tokio runtime.
    #[must_use]
    pub(crate) fn new(source: Arc<dyn ConnectionSource>, config: PoolConfig) -> Arc<Self> {
        assert!(config.max_connections > 0, "a pool needs room for a connection");
        let places = Semaphore::new(config.max_connections);
        let pool = Arc::new(Self { source, places, idle: Mutex::new(Vec::new()), config });
        tokio::spawn(close_idle(Arc::downgrade(&pool), config.idle));
        pool
    }

    /// Closes the connections that were idle for too long.
    fn close_idle(&self) {
        let mut idle = self.idle.lock();
        let old = idle.iter().take_while(|one| one.since.elapsed() >= self.config.idle).count();
        let closed: Vec<Idle> = idle.drain(..old).collect();
        drop(idle);
        drop(closed);
    }

    async fn load(
        &self,
        key: &str,
        timeout: Duration,
        asked: &(dyn Fn() + Sync),
    ) -> Result<Option<Fetched>, FetchError> {
        let deadline = Instant::now() + timeout;
        let within = async {
            let mut lent = self.lend(asked).await?;
            let left = deadline.saturating_duration_since(Instant::now());
            let answer = lent.connection.fetch(key, left).await;
            // After a panic, or when this future is dropped, `lent` closes it.
            if is_at_rest(&answer) {
                lent.give_back();
            }
            answer
        };
        match timeout_at(deadline, within).await {
            Ok(Err(FetchError::Timeout(_))) | Err(_) => Err(FetchError::Timeout(timeout)),
            Ok(answer) => answer,
        }
    }

    /// Waits for a place, and takes an idle connection or makes one. With the place the
    /// load has begun.
    async fn lend(&self, asked: &(dyn Fn() + Sync)) -> Result<Lent<'_>, FetchError> {
        let began = Instant::now();
        let place = self.places.acquire().await.expect("the semaphore is never closed");
        asked();
        let idle = self.idle.lock().pop();
        spans::lent(began.elapsed(), idle.is_none());
        let connection = match idle {
            Some(idle) => idle.connection,
            None => self.source.connect().await?,
        };
        Ok(Lent { pool: self, connection, _place: place })
    }
}

/// Whether the connection that gave this answer can be used for another load. One that could
/// not reach its source is replaced, because its socket may be dead.
fn is_at_rest(answer: &Result<Option<Fetched>, FetchError>) -> bool {
    match answer {
        Ok(_) => true,
        Err(FetchError::Rejected(_) | FetchError::BadKey(_) | FetchError::BadValue(_)) => true,
        Err(FetchError::Unavailable(_) | FetchError::Timeout(_) | FetchError::Broken(_)) => false,
    }
}

/// Closes idle connections until the pool is gone.
async fn close_idle(pool: Weak<Pool>, idle: Duration) {
    loop {
        tokio::time::sleep(idle / 4).await;
        match pool.upgrade() {
            Some(pool) => pool.close_idle(),
            None => return,
        }
    }
}

/// A connection in use, and its permit. Dropping this closes the connection, and then releases
/// the permit.
struct Lent<'a> {
    pool: &'a Pool,
    connection: Box<dyn Connection>,
    _place: SemaphorePermit<'a>,
}

impl Lent<'_> {
    fn give_back(self) {
        let idle = Idle { connection: self.connection, since: Instant::now() };
        self.pool.idle.lock().push(idle);
    }
}

impl Retriever for Pool {
    fn fetch<'a>(
        &'a self,
        key: &'a str,
        timeout: Duration,
    ) -> BoxFuture<'a, Result<Option<Fetched>, FetchError>> {
        Box::pin(self.load(key, timeout, &|| ()))
    }

    fn fetch_telling<'a>(
        &'a self,
        key: &'a str,
        timeout: Duration,
        asked: &'a (dyn Fn() + Sync),
    ) -> BoxFuture<'a, Result<Option<Fetched>, FetchError>> {
        Box::pin(self.load(key, timeout, asked))
    }

    fn name(&self) -> &str {
        self.source.name()
    }

    fn sha256(&self) -> &str {
        self.source.sha256()
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool")
            .field("source", &self.source.name())
            .field("config", &self.config)
            .field("free", &self.places.available_permits())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
