//! Executes commands on a group.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::future::{BoxFuture, FutureExt};

use super::lifetime::Lifetime;
use super::reply::Reply;
use super::request::Arguments;
use crate::access::Note;
use crate::error::Error;
use crate::group::{Group, NewValue};
use crate::key;
use crate::server::cache_call::{counted_get, recorded_clear};
use crate::server::keys::{Keys, MAX_ANSWER_BYTES, MAX_KEYS};
use crate::server::status::{in_redis, outcome};
use crate::store::ENTRY_OVERHEAD;
use crate::telemetry::RpcSpan;
use crate::value::Answer;

/// Keys of a call that are looked up together. Values beyond the limit of an answer are looked up
/// for no more than these.
const AT_ONCE: usize = 64;

/// A command that was started.
pub(super) enum Started {
    Now(Reply),
    /// The connection ends with this answer.
    Last(Reply),
    Later(BoxFuture<'static, Reply>),
}

/// Where a command is executed.
#[derive(Clone, Copy)]
pub(super) struct Target<'a> {
    pub(super) group: &'a Arc<Group>,
    pub(super) within: Duration,
}

impl Target<'_> {
    pub(super) fn span(self, command: &'static str) -> RpcSpan {
        RpcSpan::serve_redis(command, self.group.name())
    }
}

/// `last` is when the get began; it is set to when it has ended, if that is now.
pub(super) fn get(target: Target<'_>, key: &[u8], last: &mut Instant) -> Started {
    let group = target.group;
    let span = target.span("GET");
    if let Ok(key) = key::parse(key)
        && let Some((result, reply)) = group.get_from_memory(key)
    {
        let now = Instant::now();
        group.counters().time_get(result, now.duration_since(std::mem::replace(last, now)));
        span.got(result);
        return Started::Now(found(reply));
    }
    load(target, key, span)
}

/// A get of a key that is not in memory.
pub(super) fn load(target: Target<'_>, key: &[u8], span: RpcSpan) -> Started {
    let key = Bytes::copy_from_slice(key);
    let counted = span.clone();
    later(target, span, move |group, within| async move {
        value(counted_get(&group, &key, false, within, &counted).await.map(|got| got.0))
    })
}

/// The values that are in memory are taken at once. The other keys are one batch.
pub(super) fn get_many(target: Target<'_>, keys: Arguments<'_>) -> Started {
    let span = target.span("MGET");
    let (mut missing, mut left) = (Vec::new(), MAX_ANSWER_BYTES);
    let mut replies = Vec::with_capacity(keys.len().min(MAX_KEYS));
    // If a key is invalid, or there are too many, nothing is looked up here. The batch refuses the
    // call then.
    let parsed: Vec<&str> = match keys.len() {
        0..=MAX_KEYS => keys.iter().map(key::parse).collect::<Result<_, _>>().unwrap_or_default(),
        _ => Vec::new(),
    };
    for parsed in parsed.chunks(AT_ONCE) {
        if left == 0 {
            break;
        }
        for reply in target.group.get_many_from_memory(parsed) {
            match reply.map(value).transpose() {
                Ok(Some(reply)) if left > 0 => {
                    left = left.saturating_sub(reply.value_bytes());
                    replies.push(reply);
                }
                _ => {
                    missing.push(replies.len());
                    replies.push(Reply::Null);
                }
            }
        }
    }
    missing.extend(replies.len()..keys.len());
    replies.resize_with(keys.len(), || Reply::Null);
    if missing.is_empty() {
        return Started::Now(Reply::Array(replies));
    }
    let keys: Vec<Bytes> =
        missing.iter().filter_map(|at| keys.get(*at)).map(Bytes::copy_from_slice).collect();
    later(target, span, move |group, within| async move {
        let keys = Keys::parse(keys.iter())?;
        let answers = group.get_many(&keys.usable(), within, left).await;
        for (at, answer) in missing.into_iter().zip(keys.with(answers)) {
            // Clients take an error within an array for a value, so one error is that of all.
            replies[at] = value(answer)?;
        }
        Ok(Reply::Array(replies))
    })
}

pub(super) fn set(target: Target<'_>, key: &[u8], value: &[u8], lifetime: Lifetime) -> Started {
    let (key, value) = (Bytes::copy_from_slice(key), Bytes::copy_from_slice(value));
    later(target, target.span("SET"), move |group, within| async move {
        let key = key::parse(&key)?;
        match lifetime {
            Lifetime::OfGroup => group.set(key, value, None, within).await?,
            Lifetime::For(ttl) => group.set(key, value, Some(ttl), within).await?,
            Lifetime::Over => group.remove(key, within).await.map(drop)?,
        }
        Ok(Reply::OK)
    })
}

pub(super) fn set_many(target: Target<'_>, entries: Arguments<'_>) -> Started {
    let entries: Vec<Bytes> = entries.iter().map(Bytes::copy_from_slice).collect();
    later(target, target.span("MSET"), move |group, within| async move {
        let keys: Vec<&Bytes> = entries.iter().step_by(2).collect();
        let keys = Keys::parse(keys.into_iter())?;
        let values = entries.iter().skip(1).step_by(2).cloned();
        let pairs = keys
            .iter()
            .zip(values)
            .filter_map(|(key, value)| key.as_ref().ok().map(|key| NewValue::new(key, value)));
        let set = group.set_many(&pairs.collect::<Vec<_>>(), within).await;
        keys.with(set).collect::<Result<(), _>>()?;
        Ok(Reply::OK)
    })
}

pub(super) fn remove_many(target: Target<'_>, keys: Arguments<'_>) -> Started {
    let keys = owned(keys);
    later(target, target.span("DEL"), move |group, within| async move {
        let keys = Keys::parse(keys.iter())?;
        let removed = group.remove_many(&keys.usable(), within).await;
        let existed: Vec<bool> = keys.with(removed).collect::<Result<_, _>>()?;
        Ok(Reply::count(existed.into_iter().filter(|existed| *existed).count()))
    })
}

/// `note` records it. It runs to its end though the client leaves.
pub(super) fn clear(target: Target<'_>, note: Option<Note>) -> Started {
    later(target, target.span("FLUSHDB"), move |group, within| async move {
        recorded_clear(&group, within, note).await.map(|_| Reply::OK)
    })
}

pub(super) fn exists(target: Target<'_>, keys: Arguments<'_>) -> Reply {
    Reply::count(keys.iter().filter(|key| in_memory(target, key).is_some()).count())
}

/// -2: there is no value; -1: it has no deadline.
pub(super) fn time_to_live(target: Target<'_>, key: &[u8], in_seconds: bool) -> Reply {
    let left = match in_memory(target, key) {
        None => -2,
        Some(Answer { ttl: None, .. }) => -1,
        Some(Answer { ttl: Some(ttl), .. }) => {
            let ms = i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX);
            if in_seconds { ms.saturating_add(500) / 1000 } else { ms }
        }
    };
    Reply::Integer(left)
}

pub(super) fn memory_usage(target: Target<'_>, key: &[u8]) -> Reply {
    in_memory(target, key).map_or(Reply::Null, |answer| {
        Reply::count(ENTRY_OVERHEAD as usize + key.len() + answer.value.len())
    })
}

pub(super) fn count(target: Target<'_>) -> Reply {
    Reply::count(target.group.parts().store.stats().entries as usize)
}

fn in_memory(target: Target<'_>, key: &[u8]) -> Option<Answer> {
    target.group.peek(key::parse(key).ok()?)
}

/// Starts a command that may wait, within its span.
fn later<F, R>(target: Target<'_>, span: RpcSpan, run: F) -> Started
where
    F: FnOnce(Arc<Group>, Duration) -> R,
    R: Future<Output = Result<Reply, Error>> + Send + 'static,
{
    let running = run(Arc::clone(target.group), target.within);
    let ended = async move { span.record(running, outcome).await };
    Started::Later(ended.map(|ended| ended.unwrap_or_else(|error| failed(&error))).boxed())
}

/// The answer to a get.
pub(super) fn found(answer: Result<Answer, Error>) -> Reply {
    value(answer).unwrap_or_else(|error| failed(&error))
}

/// The value; null if there is none. A group without a source is one in which nothing else is
/// to be found.
fn value(answer: Result<Answer, Error>) -> Result<Reply, Error> {
    match answer {
        Ok(answer) => Ok(Reply::Value(answer.value)),
        Err(Error::NotFound | Error::NoRetriever { .. }) => Ok(Reply::Null),
        Err(error) => Err(error),
    }
}

fn failed(error: &Error) -> Reply {
    Reply::Error(in_redis(error))
}

/// The keys in one allocation.
fn owned(keys: Arguments<'_>) -> Vec<Bytes> {
    let joined: Bytes = keys.iter().flatten().copied().collect::<Vec<u8>>().into();
    let mut at = 0;
    let slices = keys.iter().map(|key| {
        at += key.len();
        joined.slice(at - key.len()..at)
    });
    slices.collect()
}
