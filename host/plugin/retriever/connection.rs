//! One instance of a retriever at work, under its limits.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use wasmtime::{Engine, Store, UpdateDeadline};

use super::calls::Calls;
use super::limits::RetrieverLimits;
use super::state::RetrieverState;
use super::turns::Turns;
use crate::plugin::contract::{LiftedError, LiftedValue};
use crate::plugin::one_line::one_line;
use crate::plugin::ticker::Ticker;
use crate::plugin::{Engines, load};
use crate::policy::Failure;
use crate::retriever::{Answer, Connection, FetchError, Fetched};

/// The maximum number of bytes that a guest may pass to the host in one call besides a value.
const SMALL_TALK: u64 = 1 << 20;

/// The same for a call for many keys, of which each value may be as large as one of a single load.
const LARGEST_BATCH: usize = 65 << 20;

/// A store whose guest yields its thread as [`Turns`] says.
pub(super) fn store(
    engine: &Engine,
    state: RetrieverState,
    limits: &RetrieverLimits,
) -> Store<RetrieverState> {
    let mut store = Store::new(engine, state);
    store.limiter(|state| &mut state.quota);
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|store| {
        let ends = store.data().turns.end_by_tick();
        Ok(if ends { UpdateDeadline::Yield(1) } else { UpdateDeadline::Continue(1) })
    });
    // A value somewhat too large is refused and the connection lives on; one that
    // is far too large is a trap, before the host makes room for it.
    let allowance = limits.value_bytes.saturating_mul(2).saturating_add(SMALL_TALK);
    store.set_hostcall_fuel(usize::try_from(allowance).unwrap_or(usize::MAX));
    store
}

/// Why a call has no answer. The guest can't be called again.
pub(super) enum Stop {
    Trap(wasmtime::Error),
    Deadline(Duration),
}

impl Stop {
    pub(super) fn failure(&self, store: &Store<RetrieverState>) -> Failure {
        let quota = &store.data().quota;
        match self {
            Self::Deadline(limit) => Failure::Deadline { limit_ms: limit.as_millis() as u64 },
            Self::Trap(_) if quota.refused() => {
                Failure::Memory { limit_bytes: quota.limit_bytes() }
            }
            Self::Trap(error) => load::trapped(error, &store.data().log),
        }
    }
}

/// Runs a guest for at most `limit`. After that, or when this is dropped, the fiber of the guest
/// is unwound.
pub(super) async fn within<T>(
    ticker: &Ticker,
    turns: &Turns,
    limit: Duration,
    call: impl Future<Output = wasmtime::Result<T>> + Send,
) -> Result<T, Stop> {
    let call = Ticked { ticker, turns, call: Box::pin(call) };
    match tokio::time::timeout(limit, call).await {
        Ok(answer) => answer.map_err(Stop::Trap),
        Err(_) => Err(Stop::Deadline(limit)),
    }
}

/// Keeps the epochs moving while the guest computes, not while it waits.
struct Ticked<'a, F> {
    ticker: &'a Ticker,
    turns: &'a Turns,
    call: Pin<Box<F>>,
}

impl<F: Future> Future for Ticked<'_, F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let _running = self.ticker.run();
        self.turns.begin();
        self.call.as_mut().poll(context)
    }
}

/// The state of one connection.
pub(super) struct RetrieverConnection {
    store: Store<RetrieverState>,
    engines: Arc<Engines>,
    calls: Calls,
    limits: RetrieverLimits,
    /// Those of the state, which a call can't be asked for.
    turns: Arc<Turns>,
}

impl RetrieverConnection {
    pub(super) fn new(
        store: Store<RetrieverState>,
        engines: Arc<Engines>,
        calls: Calls,
        limits: RetrieverLimits,
    ) -> Self {
        let turns = Arc::clone(&store.data().turns);
        Self { store, engines, calls, limits, turns }
    }

    async fn call(&mut self, key: &str, timeout: Duration) -> Answer {
        let limit = self.begin_call(timeout);
        let arguments = (key, limit.guest_ms);
        let call = self.calls.fetch.call_async(&mut self.store, arguments);
        let ended = within(&self.engines.ticker, &self.turns, timeout, call).await;
        let found = self.ended(limit, ended.map(|(answer,)| answer))?;
        found.map(|value| self.checked(value)).transpose()
    }

    async fn call_for_many(
        &mut self,
        keys: &[&str],
        timeout: Duration,
    ) -> Result<Vec<Answer>, FetchError> {
        let limit = self.begin_call(timeout);
        let Some(fetch_many) = &self.calls.fetch_many else {
            return Err(FetchError::Broken("it has no fetch-many".into()));
        };
        let allowance = self.store.hostcall_fuel();
        self.store.set_hostcall_fuel(allowance.max(LARGEST_BATCH));
        let call = fetch_many.call_async(&mut self.store, (keys, limit.guest_ms));
        let ended = within(&self.engines.ticker, &self.turns, timeout, call).await;
        self.store.set_hostcall_fuel(allowance);
        let found = self.ended(limit, ended.map(|(answer,)| answer))?;
        // An empty list says that it can't do that, as it is configured.
        if found.len() != keys.len() && !found.is_empty() {
            let problem =
                format!("fetch-many gave {} answers for {} keys", found.len(), keys.len());
            return Err(FetchError::Broken(problem));
        }
        let checked = |value: Option<_>| value.map(|value| self.checked(value)).transpose();
        Ok(found.into_iter().map(checked).collect())
    }

    async fn call_ping(&mut self, timeout: Duration) -> Result<(), FetchError> {
        let limit = self.begin_call(timeout);
        let Some(ping) = &self.calls.ping else { return Ok(()) };
        let call = ping.call_async(&mut self.store, (limit.guest_ms,));
        let ended = within(&self.engines.ticker, &self.turns, timeout, call).await;
        self.ended(limit, ended.map(|(answer,)| answer))
    }

    fn begin_call(&mut self, timeout: Duration) -> CallLimit {
        self.store.data_mut().begin_call();
        CallLimit { began: Instant::now(), timeout, guest_ms: guest_timeout_ms(timeout) }
    }

    /// What became of a call.
    fn ended<T>(
        &self,
        limit: CallLimit,
        ended: Result<Result<T, LiftedError>, Stop>,
    ) -> Result<T, FetchError> {
        match ended {
            Ok(Ok(answer)) => Ok(answer),
            // The contract has no error case for a timeout.
            Ok(Err(LiftedError::Unavailable(_)))
                if limit.began.elapsed() >= Duration::from_millis(limit.guest_ms.into()) =>
            {
                Err(FetchError::Timeout(limit.timeout))
            }
            Ok(Err(error)) => Err(error.into()),
            Err(Stop::Deadline(limit)) => Err(FetchError::Timeout(limit)),
            Err(stop) => Err(FetchError::Broken(stop.failure(&self.store).to_string())),
        }
    }

    fn checked(&self, lifted: LiftedValue) -> Result<Fetched, FetchError> {
        let (bytes, limit) = (lifted.value.len() as u64, self.limits.value_bytes);
        if bytes > limit {
            return Err(FetchError::BadValue(format!(
                "it has {bytes} bytes, and at most {limit} are taken"
            )));
        }
        Ok(Fetched { value: lifted.value.into(), ttl: lifted.ttl_ms.map(Duration::from_millis) })
    }
}

/// The time limit of a call.
#[derive(Clone, Copy)]
struct CallLimit {
    began: Instant,
    timeout: Duration,
    /// The limit that the guest is told.
    guest_ms: u32,
}

/// A timeout somewhat below the host's limit. A guest that observes it can report what it waited
/// for, in its error and in its spans.
fn guest_timeout_ms(timeout: Duration) -> u32 {
    let margin = (timeout / 10).min(Duration::from_millis(100));
    let ms = (timeout - margin).as_millis().max(1);
    u32::try_from(ms).unwrap_or(u32::MAX)
}

impl Connection for RetrieverConnection {
    fn fetch<'a>(
        &'a mut self,
        key: &'a str,
        timeout: Duration,
    ) -> BoxFuture<'a, Result<Option<Fetched>, FetchError>> {
        Box::pin(self.call(key, timeout))
    }

    fn fetch_many<'a>(
        &'a mut self,
        keys: &'a [&'a str],
        timeout: Duration,
    ) -> BoxFuture<'a, Result<Vec<Answer>, FetchError>> {
        Box::pin(self.call_for_many(keys, timeout))
    }

    fn ping(&mut self, timeout: Duration) -> BoxFuture<'_, Result<(), FetchError>> {
        Box::pin(self.call_ping(timeout))
    }
}

/// The texts come from the source in part, and go to callers and their terminals.
impl From<LiftedError> for FetchError {
    fn from(error: LiftedError) -> Self {
        match error {
            LiftedError::Unavailable(text) => Self::Unavailable(one_line(&text)),
            LiftedError::Rejected(text) => Self::Rejected(one_line(&text)),
            LiftedError::BadKey(text) => Self::BadKey(one_line(&text)),
            LiftedError::BadValue(text) => Self::BadValue(one_line(&text)),
        }
    }
}
