//! The seven calls of the cache service, shared by unary calls and sessions.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use prost::Message;

use super::deadline::Limit;
use super::keys::{Keys, MAX_ANSWER_BYTES};
use super::status::failure;
use crate::access::{Note, Role};
use crate::error::Error;
use crate::group::{Group, NewValue};
use crate::key;
use crate::own_task::recorded;
use crate::proto::{
    ClearRequest, ClearResponse, GetManyRequest, GetManyResponse, GetRequest, GetResponse,
    GetResult, Origin, RemoveManyRequest, RemoveManyResponse, RemoveRequest, RemoveResponse,
    RemoveResult, SetManyRequest, SetManyResponse, SetRequest, SetResponse, SetResult, get_result,
    remove_result, set_result,
};
use crate::telemetry::{self, RpcSpan};
use crate::value;
use crate::value::Ttl;

/// The service's name in traces.
pub(super) const SERVICE: &str = "psycache.v1.Cache";

/// A request to a group.
pub(super) trait CacheCall: Message + 'static {
    /// The response message.
    type Answer: Message + 'static;
    /// Name of the method in the service.
    const METHOD: &'static str;
    /// The role that a caller needs for the group.
    const NEEDS: Role;
    /// Name of the group, as sent.
    fn group(&self) -> &[u8];
    /// The answer, if it is in memory. On `None` nothing was counted; call [`run`](Self::run).
    fn look_up(&self, _group: &Arc<Group>) -> Option<Result<Self::Answer, Error>> {
        None
    }
    /// Executes the request on its group. Its caller may leave meanwhile, which drops the future: a
    /// get is given up; a set may or may not be stored; a removal goes on until its owner confirms it
    /// (`group/write.rs`); a clear runs to its end, see [`recorded_clear`].
    fn run(
        &self,
        group: &Arc<Group>,
        context: CallContext<'_>,
    ) -> impl Future<Output = Result<Self::Answer, Error>> + Send;
}

/// What a call brings besides its message.
pub(super) struct CallContext<'a> {
    /// The call ends within this.
    pub(super) limit: Limit,
    /// For details of the result that the status does not contain.
    pub(super) span: &'a RpcSpan,
    /// Records a clear.
    pub(super) note: Option<Note>,
}

impl CacheCall for GetRequest {
    type Answer = GetResponse;
    const METHOD: &'static str = "Get";
    const NEEDS: Role = Role::Read;

    fn group(&self) -> &[u8] {
        &self.group
    }

    fn look_up(&self, group: &Arc<Group>) -> Option<Result<GetResponse, Error>> {
        // To lend a value takes more than a look.
        if self.may_lend {
            return None;
        }
        let began = Instant::now();
        let (result, answer) = group.get_from_memory(key::parse(&self.key).ok()?)?;
        group.counters().time_get(result, began.elapsed());
        Some(answer.map(found))
    }

    async fn run(
        &self,
        group: &Arc<Group>,
        context: CallContext<'_>,
    ) -> Result<GetResponse, Error> {
        let CallContext { limit, span, .. } = context;
        let got = counted_get(group, &self.key, self.may_lend, limit.within, span).await;
        got.map(|(answer, lent_ms)| GetResponse { lent_ms: lent_ms as u32, ..found(answer) })
    }
}

impl CacheCall for GetManyRequest {
    type Answer = GetManyResponse;
    const METHOD: &'static str = "GetMany";
    const NEEDS: Role = Role::Read;

    fn group(&self) -> &[u8] {
        &self.group
    }

    async fn run(
        &self,
        group: &Arc<Group>,
        context: CallContext<'_>,
    ) -> Result<GetManyResponse, Error> {
        let keys = Keys::parse(self.keys.iter())?;
        let answers = group.get_many(&keys.usable(), context.limit.within, MAX_ANSWER_BYTES).await;
        let results = keys.with(answers).map(|answer| {
            let result = match answer {
                Ok(answer) => get_result::Result::Found(found(answer)),
                Err(error) => get_result::Result::Failure(failure(&error)),
            };
            GetResult { result: Some(result) }
        });
        Ok(GetManyResponse { results: results.collect() })
    }
}

impl CacheCall for SetRequest {
    type Answer = SetResponse;
    const METHOD: &'static str = "Set";
    const NEEDS: Role = Role::Write;

    fn group(&self) -> &[u8] {
        &self.group
    }

    async fn run(
        &self,
        group: &Arc<Group>,
        context: CallContext<'_>,
    ) -> Result<SetResponse, Error> {
        let key = key::parse(&self.key)?;
        let ttl = ttl(self.ttl_ms, self.no_expiry)?;
        // The received value is a slice of the connection's buffer. Keeping it would keep the
        // whole buffer allocated, of which the store's budget counts only the slice.
        let value = Bytes::copy_from_slice(&self.value);
        group.set_until(key, value, ttl, context.limit.within, context.limit.until).await?;
        Ok(SetResponse {})
    }
}

/// The time to live of a set.
fn ttl(ttl_ms: u64, no_expiry: bool) -> Result<Ttl, Error> {
    match (ttl_ms, no_expiry) {
        (0, false) => Ok(Ttl::OfGroup),
        (0, true) => Ok(Ttl::NoLimit),
        (_, false) => Ok(Ttl::For(Duration::from_millis(ttl_ms))),
        (_, true) => {
            let problem = format!("{ttl_ms} ms and no_expiry are both given; leave one out");
            Err(Error::InvalidArgument { argument: "ttl", problem })
        }
    }
}

impl CacheCall for SetManyRequest {
    type Answer = SetManyResponse;
    const METHOD: &'static str = "SetMany";
    const NEEDS: Role = Role::Write;

    fn group(&self) -> &[u8] {
        &self.group
    }

    async fn run(
        &self,
        group: &Arc<Group>,
        context: CallContext<'_>,
    ) -> Result<SetManyResponse, Error> {
        let keys = Keys::parse(self.entries.iter().map(|entry| &entry.key))?;
        let ttls = self.entries.iter().map(|entry| ttl(entry.ttl_ms, entry.no_expiry));
        let ttls = ttls.collect::<Result<Vec<_>, _>>()?;
        let entries =
            self.entries.iter().zip(keys.iter()).zip(ttls).filter_map(|((entry, key), ttl)| {
                let key = key.as_ref().ok()?;
                // Copied, as the value of a single set.
                Some(NewValue { key, value: Bytes::copy_from_slice(&entry.value), ttl })
            });
        let entries: Vec<_> = entries.collect();
        let set = group.set_many_until(&entries, context.limit.within, context.limit.until).await;
        let results = keys.with(set).map(|set| {
            let result = match set {
                Ok(()) => set_result::Result::Set(SetResponse {}),
                Err(error) => set_result::Result::Failure(failure(&error)),
            };
            SetResult { result: Some(result) }
        });
        Ok(SetManyResponse { results: results.collect() })
    }
}

impl CacheCall for RemoveRequest {
    type Answer = RemoveResponse;
    const METHOD: &'static str = "Remove";
    const NEEDS: Role = Role::Write;

    fn group(&self) -> &[u8] {
        &self.group
    }

    async fn run(
        &self,
        group: &Arc<Group>,
        context: CallContext<'_>,
    ) -> Result<RemoveResponse, Error> {
        let key = key::parse(&self.key)?;
        let existed = group.remove(key, context.limit.within).await?;
        Ok(RemoveResponse { existed })
    }
}

impl CacheCall for RemoveManyRequest {
    type Answer = RemoveManyResponse;
    const METHOD: &'static str = "RemoveMany";
    const NEEDS: Role = Role::Write;

    fn group(&self) -> &[u8] {
        &self.group
    }

    async fn run(
        &self,
        group: &Arc<Group>,
        context: CallContext<'_>,
    ) -> Result<RemoveManyResponse, Error> {
        let keys = Keys::parse(self.keys.iter())?;
        let removed = group.remove_many(&keys.usable(), context.limit.within).await;
        let results = keys.with(removed).map(|removed| {
            let result = match removed {
                Ok(existed) => remove_result::Result::Removed(RemoveResponse { existed }),
                Err(error) => remove_result::Result::Failure(failure(&error)),
            };
            RemoveResult { result: Some(result) }
        });
        Ok(RemoveManyResponse { results: results.collect() })
    }
}

impl CacheCall for ClearRequest {
    type Answer = ClearResponse;
    const METHOD: &'static str = "Clear";
    const NEEDS: Role = Role::Clear;

    fn group(&self) -> &[u8] {
        &self.group
    }

    async fn run(
        &self,
        group: &Arc<Group>,
        context: CallContext<'_>,
    ) -> Result<ClearResponse, Error> {
        let entries = recorded_clear(group, context.limit.within, context.note).await?;
        Ok(ClearResponse { entries })
    }
}

/// Clears a group, which `note` records. Both run to their end though the caller leaves: a clear
/// that is stopped half-way has dropped entries, and its line would be missing.
pub(super) async fn recorded_clear(
    group: &Arc<Group>,
    within: Duration,
    note: Option<Note>,
) -> Result<u64, Error> {
    let (group, of) = (Arc::clone(group), Arc::clone(group));
    let change = async move { group.clear(within).await };
    let record = move |ended: &Result<_, _>| {
        if let Some(note) = note {
            note.cleared(of.name().as_bytes(), ended);
        }
    };
    recorded(change, record).await
}

/// Gets `key`, as sent. Records the result in `span`. Also returns for how many milliseconds
/// the value is lent to the caller, if it `may_borrow`.
pub(super) async fn counted_get(
    group: &Arc<Group>,
    key: &[u8],
    may_borrow: bool,
    within: Duration,
    span: &RpcSpan,
) -> Result<(value::Answer, u64), Error> {
    let began = Instant::now();
    let (result, answer, lent_ms) = match key::parse(key) {
        Ok(key) if may_borrow => group.get_and_lend(key, within).await,
        Ok(key) => {
            let (result, answer) = group.get_and_tell(key, within).await;
            (result, answer, 0)
        }
        Err(error) => {
            group.counters().count_get(telemetry::GetResult::Error);
            (telemetry::GetResult::Error, Err(error), 0)
        }
    };
    group.counters().time_get(result, began.elapsed());
    span.got(result);
    answer.map(|answer| (answer, lent_ms))
}

fn found(answer: value::Answer) -> GetResponse {
    let origin = match answer.origin {
        value::Origin::Hit => Origin::Hit,
        value::Origin::Loaded => Origin::Loaded,
        value::Origin::Peer => Origin::Peer,
        value::Origin::Hot => Origin::Hot,
        value::Origin::Stale => Origin::Stale,
    };
    // 0 means "no limit", so a value that is about to expire has 1 ms left.
    let ttl_ms = answer.ttl.map_or(0, |ttl| (ttl.as_millis() as u64).max(1));
    GetResponse { value: answer.value.into(), origin: origin.into(), ttl_ms, lent_ms: 0 }
}
