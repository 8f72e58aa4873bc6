//! The connections to one data source: those in use, and those kept for later.
//!
//! The line before it bounds how many are in use; see `retriever/line/`.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures::future::BoxFuture;
use parking_lot::Mutex;
use tokio::time::{Instant, timeout_at};

use super::{Answer, Connection, ConnectionSource, FetchError, Retriever, SourceReading};
use crate::telemetry::spans;

/// How many connections a pool keeps, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PoolConfig {
    /// The maximum number of connections, in use or idle; at least 1.
    pub size: u32,
    /// How long a connection may be idle before it is closed.
    pub idle: Duration,
}

/// A retriever over connections to one source. A connection is closed if its load failed in it
/// or was cancelled. While loads go on, a spare connection is made before one needs it.
pub(crate) struct Pool {
    source: Arc<dyn ConnectionSource>,
    config: PoolConfig,
    /// The lock is held to take or give back a connection; connections are closed after it is
    /// released.
    kept: Mutex<Kept>,
    own: Weak<Self>,
    started: AtomicU64,
    discarded: AtomicU64,
}

#[derive(Default)]
struct Kept {
    /// A stack, with the connection used last on top, so that connections beyond the load
    /// stay idle and expire. A spare one goes to the bottom: it has not reached its source yet.
    idle: Vec<Idle>,
    /// Connections in use.
    lent: usize,
    /// Whether a spare one is being made.
    makes_spare: bool,
}

struct Idle {
    connection: Box<dyn Connection>,
    since: Instant,
}

/// Where in the stack of idle connections.
enum Place {
    Top,
    Bottom,
}

impl Pool {
    /// Makes a pool with one spare connection, and starts a task that closes idle ones for as
    /// long as the pool exists.
    ///
    /// # Panics
    /// If its size is 0, or outside of a tokio runtime.
    #[must_use]
    pub(crate) fn new(source: Arc<dyn ConnectionSource>, config: PoolConfig) -> Arc<Self> {
        assert!(config.size > 0, "a pool needs room for a connection");
        let pool = Arc::new_cyclic(|own| Self {
            source,
            config,
            kept: Mutex::default(),
            own: own.clone(),
            started: AtomicU64::new(0),
            discarded: AtomicU64::new(0),
        });
        pool.kept.lock().makes_spare = true;
        pool.make_spare();
        tokio::spawn(close_idle(Arc::downgrade(&pool), config.idle));
        pool
    }

    /// Closes the connections that were idle for too long.
    fn close_idle(&self) {
        let mut kept = self.kept.lock();
        let is_old = |one: &mut Idle| one.since.elapsed() >= self.config.idle;
        let closed: Vec<Idle> = kept.idle.extract_if(.., is_old).collect();
        drop(kept);
        drop(closed);
    }

    /// Takes an idle connection, or makes one.
    async fn lend(&self) -> Result<Lent<'_>, FetchError> {
        let mut lent = self.take_idle();
        spans::connected(lent.connection.is_none());
        if lent.connection.is_none() {
            lent.connection = Some(self.connect().await?);
        }
        Ok(lent)
    }

    /// Takes an idle connection, if there is one, and begins to make a spare one if it was the
    /// last.
    fn take_idle(&self) -> Lent<'_> {
        let mut kept = self.kept.lock();
        kept.lent += 1;
        let idle = kept.idle.pop();
        let needs_spare =
            kept.idle.is_empty() && !kept.makes_spare && kept.lent < self.config.size as usize;
        kept.makes_spare |= needs_spare;
        drop(kept);
        if needs_spare {
            self.make_spare();
        }
        Lent { pool: self, connection: idle.map(|idle| idle.connection) }
    }

    async fn connect(&self) -> Result<Box<dyn Connection>, FetchError> {
        self.started.fetch_add(1, Relaxed);
        self.source.connect().await
    }

    /// Makes a connection that the next load finds idle.
    fn make_spare(&self) {
        let Some(pool) = self.own.upgrade() else { return };
        tokio::spawn(async move {
            let made = pool.connect().await;
            pool.kept.lock().makes_spare = false;
            // A load that needs one makes it by itself, and tells why that fails.
            if let Ok(connection) = made {
                pool.keep(connection, Place::Bottom);
            }
        });
    }

    fn keep(&self, connection: Box<dyn Connection>, place: Place) {
        let mut kept = self.kept.lock();
        if kept.lent + kept.idle.len() < self.config.size as usize {
            let at = match place {
                Place::Top => kept.idle.len(),
                Place::Bottom => 0,
            };
            kept.idle.insert(at, Idle { connection, since: Instant::now() });
        }
    }
}

/// When a call has to end.
#[derive(Clone, Copy)]
struct Limit {
    timeout: Duration,
    until: Instant,
}

impl Limit {
    fn of(timeout: Duration) -> Self {
        Self { timeout, until: Instant::now() + timeout }
    }

    fn left(self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }

    /// Runs `work` until the limit.
    async fn enforce<T>(
        self,
        work: impl Future<Output = Result<T, FetchError>>,
    ) -> Result<T, FetchError> {
        match timeout_at(self.until, work).await {
            Ok(Err(FetchError::Timeout(_))) | Err(_) => Err(FetchError::Timeout(self.timeout)),
            Ok(answer) => answer,
        }
    }
}

/// Whether the connection that failed like this can be used for another load. One that could
/// not reach its source is replaced, because its socket may be dead.
fn is_at_rest(error: &FetchError) -> bool {
    match error {
        FetchError::Rejected(_) | FetchError::BadKey(_) | FetchError::BadValue(_) => true,
        FetchError::Unavailable(_)
        | FetchError::Timeout(_)
        | FetchError::Broken(_)
        | FetchError::Full(_) => false,
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

/// A connection in use. Dropping this closes it: its load panicked or was given up.
struct Lent<'a> {
    pool: &'a Pool,
    /// `None` before it was made.
    connection: Option<Box<dyn Connection>>,
}

impl Lent<'_> {
    fn connection(&mut self) -> &mut dyn Connection {
        &mut **self.connection.as_mut().expect("it was made")
    }

    /// Keeps the connection if `answer` says that it can be used again.
    fn end<T>(mut self, answer: Result<T, FetchError>) -> Result<T, FetchError> {
        let connection = self.connection.take_if(|_| answer.as_ref().err().is_none_or(is_at_rest));
        let pool = self.pool;
        drop(self);
        if let Some(connection) = connection {
            pool.keep(connection, Place::Top);
        }
        answer
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        self.pool.kept.lock().lent -= 1;
        if self.connection.is_some() {
            self.pool.discarded.fetch_add(1, Relaxed);
        }
    }
}

impl Retriever for Pool {
    fn fetch<'a>(&'a self, key: &'a str, timeout: Duration) -> BoxFuture<'a, Answer> {
        let limit = Limit::of(timeout);
        Box::pin(limit.enforce(async move {
            let mut lent = self.lend().await?;
            let answer = lent.connection().fetch(key, limit.left()).await;
            lent.end(answer)
        }))
    }

    /// Tells at once: a component does not stop its query when its load is given up.
    fn fetch_telling<'a>(
        &'a self,
        key: &'a str,
        timeout: Duration,
        asked: &'a (dyn Fn() + Sync),
    ) -> BoxFuture<'a, Answer> {
        asked();
        self.fetch(key, timeout)
    }

    fn fetches_many(&self) -> bool {
        self.source.fetches_many()
    }

    fn fetch_many<'a>(
        &'a self,
        keys: &'a [&'a str],
        timeout: Duration,
    ) -> BoxFuture<'a, Result<Vec<Answer>, FetchError>> {
        let limit = Limit::of(timeout);
        Box::pin(limit.enforce(async move {
            let mut lent = self.lend().await?;
            let answers = lent.connection().fetch_many(keys, limit.left()).await;
            lent.end(answers)
        }))
    }

    fn probe(&self, timeout: Duration) -> Option<BoxFuture<'_, Result<(), FetchError>>> {
        if !self.source.pings() {
            return None;
        }
        let limit = Limit::of(timeout);
        Some(Box::pin(limit.enforce(async move {
            let mut lent = self.lend().await?;
            let answer = lent.connection().ping(limit.left()).await;
            lent.end(answer)
        })))
    }

    fn reading(&self) -> SourceReading {
        SourceReading {
            idle_instances: self.kept.lock().idle.len() as u64,
            started_instances: self.started.load(Relaxed),
            discarded_instances: self.discarded.load(Relaxed),
            ..SourceReading::default()
        }
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
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
