//! Many keys in one call: the keys of each other owner go to it in one message.
//!
//! Here are the gets, and what they share with the changes (`change_many`). A get of a key that
//! is given more than once is made once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::future::{join, join_all};
use futures::{FutureExt, StreamExt, stream};

use super::{Group, Reply};
use crate::error::Error;
use crate::key;
use crate::ownership::Owner;
use crate::telemetry::GetResult;
use crate::transport::remote::{Part, PeerCall, Remote, Response};
use crate::value::Origin;

/// Keys that are handled concurrently. A get may hold a value before the answer is known to be
/// full, so their number also bounds what an answer takes beyond its limit.
pub(super) const AT_ONCE: usize = 64;

/// The most keys in one message to another node.
pub(super) const MOST_PARTS: usize = 1_024;

/// The most bytes of values in one message: a longer one would delay other requests on
/// its connection. Values beyond this are got one by one.
const MOST_BYTES: u64 = 4 << 20;

/// The keys of one other owner, each with its index in the call.
pub(super) struct OfOwner<'a> {
    pub(super) owner: Arc<dyn Remote>,
    pub(super) keys: Vec<(usize, &'a str)>,
}

/// Counts the bytes of values in an answer, up to a limit. It guards no data, so its operations
/// are relaxed.
struct Room {
    limit: u64,
    used: AtomicU64,
    /// A value was refused.
    is_full: AtomicBool,
}

impl Room {
    fn new(limit: u64) -> Self {
        Self { limit, used: AtomicU64::new(0), is_full: AtomicBool::new(false) }
    }

    /// Counts a value, or refuses it if it would exceed the limit. The first one is
    /// always accepted.
    fn take(&self, reply: Reply) -> Reply {
        let Ok(answer) = &reply else { return reply };
        let bytes = answer.value.len() as u64;
        let fits = |used| (used == 0 || used + bytes <= self.limit).then_some(used + bytes);
        match self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits) {
            Ok(_) => reply,
            Err(used) => {
                self.is_full.store(true, Ordering::Relaxed);
                Err(self.refusal(used + bytes))
            }
        }
    }

    fn refusal(&self, bytes: u64) -> Error {
        let what = "the values of one answer; ask for fewer keys in a call";
        Error::TooLarge { bytes, limit: self.limit, what }
    }

    /// Whether values are not worth a load any more.
    fn is_full(&self) -> bool {
        self.is_full.load(Ordering::Relaxed) || self.used.load(Ordering::Relaxed) > self.limit
    }

    fn left(&self) -> u64 {
        self.limit.saturating_sub(self.used.load(Ordering::Relaxed))
    }
}

impl Group {
    /// Returns the values of `keys`, in the same order. They have at most `limit` bytes
    /// together; values beyond that end with [`Error::TooLarge`]. `within` is the time
    /// limit of the whole call.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn get_many<K: AsRef<str>>(
        self: &Arc<Self>,
        keys: &[K],
        within: Duration,
        limit: u64,
    ) -> Vec<Reply> {
        let mut first = BTreeMap::new();
        let unique: Vec<&str> = keys
            .iter()
            .map(AsRef::as_ref)
            .filter(|key| {
                let place = first.len();
                let is_new = !first.contains_key(key);
                first.entry(*key).or_insert(place);
                is_new
            })
            .collect();
        let replies = self.get_each(&unique, within, limit).await;
        // A value counts as often as its key was given, because the answer repeats it.
        let room = Room::new(limit);
        keys.iter().map(|key| room.take(replies[first[key.as_ref()]].clone())).collect()
    }

    /// The same for distinct keys.
    async fn get_each(self: &Arc<Self>, keys: &[&str], within: Duration, limit: u64) -> Vec<Reply> {
        let room = Room::new(limit);
        let clock = &self.parts.clock;
        let end_ms = clock.now_ms().saturating_add(within.as_millis() as u64);
        let late = || Err(Error::DeadlineExceeded { after: within });
        let mut replies: Vec<Option<Reply>> = vec![None; keys.len()];
        for (replies, keys) in replies.chunks_mut(AT_ONCE).zip(keys.chunks(AT_ONCE)) {
            if room.is_full() {
                break;
            }
            for (reply, held) in replies.iter_mut().zip(self.get_many_from_memory(keys)) {
                *reply = held.map(|held| room.take(held));
            }
        }
        let (here, there) = self.by_owner(keys, |at, _| replies[at].is_none());
        let rest = || Duration::from_millis(end_ms.saturating_sub(clock.now_ms()));
        let asked = there.iter().flat_map(|of| {
            of.keys
                .chunks(MOST_PARTS)
                .map(|keys| self.ask_for_many(&*of.owner, keys, rest(), &room))
        });
        let asked: Vec<_> = asked.collect();
        let alone = |keys: Vec<(usize, &str)>| {
            let gets = keys.into_iter().map(|(at, key)| {
                let (room, rest, key) = (&room, &rest, key.to_owned());
                async move {
                    // An owner that has used up the time is not asked again, and nobody else is.
                    let refused = match () {
                        () if rest().is_zero() => late(),
                        () if room.is_full() => Err(room.refusal(limit + 1)),
                        () => return (at, room.take(self.get(&key, rest()).await)),
                    };
                    self.counters.count_get(GetResult::Error);
                    (at, refused)
                }
                .boxed()
            });
            // Collected first, because a stream that borrows from its closure is not `Send`.
            let gets: Vec<_> = gets.collect();
            stream::iter(gets).buffer_unordered(AT_ONCE).collect::<Vec<_>>()
        };
        let (asked, here) = join(join_all(asked), alone(here)).await;
        let mut left = Vec::new();
        for (at, reply) in asked.into_iter().flatten() {
            match reply {
                Some(reply) => replies[at] = Some(reply),
                // The owner gave no usable answer for this key, so it is got by itself.
                None => left.push((at, keys[at])),
            }
        }
        for (at, reply) in here.into_iter().chain(alone(left).await) {
            replies[at] = Some(reply);
        }
        replies.into_iter().map(|reply| reply.unwrap_or_else(late)).collect()
    }

    /// Groups the keys that `wanted` accepts by their owner: this node's keys, and the keys
    /// of each other node.
    pub(super) fn by_owner<'a>(
        &self,
        keys: &[&'a str],
        mut wanted: impl FnMut(usize, &str) -> bool,
    ) -> (Vec<(usize, &'a str)>, Vec<OfOwner<'a>>) {
        let mut here = Vec::new();
        let mut there: BTreeMap<String, OfOwner<'a>> = BTreeMap::new();
        for (at, key) in keys.iter().enumerate() {
            if !wanted(at, key) {
                continue;
            }
            match self.parts.ownership.owner(key::ring_hash(key)) {
                Owner::Here => here.push((at, *key)),
                Owner::There(owner) => {
                    let of = there.entry(owner.address().to_owned());
                    let of = of.or_insert_with(|| OfOwner { owner, keys: Vec::new() });
                    of.keys.push((at, key));
                }
            }
        }
        (here, there.into_values().collect())
    }

    /// Asks another node for the values of its keys. `None` for a key: it gave no usable
    /// answer.
    async fn ask_for_many(
        &self,
        owner: &dyn Remote,
        keys: &[(usize, &str)],
        within: Duration,
        room: &Room,
    ) -> Vec<(usize, Option<Reply>)> {
        let parts = keys.iter().map(|(_, key)| part(key, PeerCall::Get)).collect();
        let most_bytes = room.left().min(MOST_BYTES);
        let mut answers =
            self.ask_parts(owner, parts, most_bytes, within).await.unwrap_or_default().into_iter();
        let replies = keys.iter().map(|(at, _)| {
            let reply = match answers.next() {
                Some(Ok(Response::Value { answer, .. })) => Some(room.take(Ok(answer))),
                // `TooLarge` includes values that had no room in the message.
                Some(Err(
                    Error::Stopping | Error::UnknownGroup { .. } | Error::TooLarge { .. },
                ))
                | None
                | Some(Ok(_)) => None,
                Some(Err(error)) => Some(Err(error)),
            };
            match &reply {
                Some(Ok(answer)) if answer.origin == Origin::Stale => {
                    self.counters.count_get(GetResult::Stale);
                }
                Some(Ok(_)) => self.counters.count_get(GetResult::Peer),
                Some(Err(Error::NotFound)) => self.counters.count_get(GetResult::Miss),
                Some(Err(_)) => self.counters.count_get(GetResult::Error),
                // Counted later, when the key is got by itself.
                None => {}
            }
            (*at, reply)
        });
        replies.collect()
    }

    /// Sends several calls to another node. `None`: it gave no usable answer.
    pub(super) async fn ask_parts(
        &self,
        owner: &dyn Remote,
        parts: Vec<Part>,
        most_bytes: u64,
        within: Duration,
    ) -> Option<Vec<Result<Response, Error>>> {
        let call = PeerCall::Many { parts, most_bytes };
        let answer = owner.ask(self.request("", call), within).await;
        self.without_group.note(&self.name, owner.address(), &answer);
        match answer {
            Ok(Response::Many(answers)) => Some(answers),
            Ok(_) | Err(_) => None,
        }
    }

    /// Answers the parts of another node's message. Their values have at most
    /// `most_bytes` together.
    pub(super) async fn answer_many(
        self: &Arc<Self>,
        parts: Vec<Part>,
        most_bytes: u64,
        revision: i64,
        within: Duration,
    ) -> Result<Response, Error> {
        if parts.len() > MOST_PARTS {
            let problem = format!("{} parts; at most {MOST_PARTS} in one message", parts.len());
            return Err(Error::InvalidArgument { argument: "keys", problem });
        }
        let room = Room::new(most_bytes);
        let answers = parts.into_iter().map(|Part { key, call }| {
            let room = &room;
            async move {
                if !matches!(call, PeerCall::Get | PeerCall::Set { .. } | PeerCall::Remove) {
                    let problem = "only gets, sets and removes go together".into();
                    return Err(Error::InvalidArgument { argument: "call", problem });
                }
                match self.answer_one(&key, call, revision, within).await? {
                    Response::Value { answer, lent_ms } => {
                        let answer = room.take(Ok(answer))?;
                        Ok(Response::Value { answer, lent_ms })
                    }
                    response => Ok(response),
                }
            }
            .boxed()
        });
        let answers: Vec<_> = answers.collect();
        Ok(Response::Many(stream::iter(answers).buffered(AT_ONCE).collect().await))
    }
}

pub(super) fn part(key: &str, call: PeerCall) -> Part {
    Part { key: Bytes::copy_from_slice(key.as_bytes()), call }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Answer;

    #[test]
    fn a_value_that_is_refused_takes_no_room() {
        let room = Room::new(100);
        let take = |bytes: usize| {
            let value = Bytes::from(vec![7; bytes]).into();
            room.take(Ok(Answer { value, origin: Origin::Hit, ttl: None })).is_ok()
        };
        assert!(take(60) && !room.is_full());
        assert!(!take(50), "110 bytes");
        assert!(take(40), "100 bytes without the one that was refused");
        assert!(!take(1));
        assert!(room.is_full(), "nothing more is loaded");
        assert!(Room::new(10).take(Err(Error::NotFound)).is_err());
    }
}
