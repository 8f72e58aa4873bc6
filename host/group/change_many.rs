//! Many changes in one call: those of each other owner go to it in one message. What the owner
//! does not confirm is changed by itself, as by a single call.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;
use futures::{FutureExt, StreamExt, stream};

use super::Group;
use super::many::{AT_ONCE, MOST_PARTS, part};
use super::write::{Change, PendingRemoval};
use crate::clock::Until;
use crate::error::Error;
use crate::key;
use crate::transport::remote::{PeerCall, Remote, Response};
use crate::value::Ttl;

/// A longer value is sent by itself: it would delay others on the connection.
const LONG_VALUE: usize = 64 << 10;

/// The most bytes of values in one message of sets.
const MOST_SET_BYTES: usize = 512 << 10;

/// A value to set.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NewValue<'a> {
    /// The key.
    pub key: &'a str,
    /// Its value.
    pub value: Bytes,
    /// How long it is kept.
    pub ttl: Ttl,
}

impl<'a> NewValue<'a> {
    /// A value with the group's default time to live.
    #[must_use]
    pub fn new(key: &'a str, value: impl Into<Bytes>) -> Self {
        Self { key, value: value.into(), ttl: Ttl::OfGroup }
    }
}

impl Group {
    /// Sets each of `entries` as [`set`](Self::set) does. Of a key that is given more than once
    /// the last value counts. The results are in the order of the entries. `within` is the time
    /// limit of the whole call.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn set_many(
        self: &Arc<Self>,
        entries: &[NewValue<'_>],
        within: Duration,
    ) -> Vec<Result<(), Error>> {
        self.set_many_until(entries, within, None).await
    }

    /// The same, which changes nothing after `until`.
    pub(crate) async fn set_many_until(
        self: &Arc<Self>,
        entries: &[NewValue<'_>],
        within: Duration,
        until: Option<Until>,
    ) -> Vec<Result<(), Error>> {
        let until = &until;
        let clock = &self.parts.clock;
        let end_ms = clock.now_ms().saturating_add(within.as_millis() as u64);
        let rest = &|| Duration::from_millis(end_ms.saturating_sub(clock.now_ms()));
        let keys: Vec<&str> = entries.iter().map(|entry| entry.key).collect();
        let last: BTreeMap<&str, usize> =
            keys.iter().enumerate().map(|(at, key)| (*key, at)).collect();
        let mut alone = Vec::new();
        let (here, there) = self.by_owner(&keys, |at, key| {
            let NewValue { value, ttl, .. } = &entries[at];
            let is_last = last[key] == at;
            let fits = key::parse(key.as_bytes()).is_ok()
                && value.len() <= LONG_VALUE
                && self.check_set(value, *ttl).is_ok();
            if is_last && !fits {
                alone.push(at);
            }
            is_last && fits
        });
        alone.extend(here.into_iter().map(|(at, _)| at));
        let mut results: Vec<Option<Result<(), Error>>> = vec![None; keys.len()];
        let asked = there.iter().flat_map(|of| {
            let messages = messages(&of.keys, |at| entries[at].value.len()).into_iter();
            messages
                .map(|keys| self.set_at_owner(&*of.owner, keys, entries, (rest, until.as_ref())))
        });
        let asked: Vec<_> = asked.collect();
        for (at, is_confirmed) in join_all(asked).await.into_iter().flatten() {
            match is_confirmed {
                true => results[at] = Some(Ok(())),
                false => alone.push(at),
            }
        }
        let sets = alone.into_iter().map(|at| {
            let NewValue { key, value, ttl } = entries[at].clone();
            async move {
                let set = self.set_until(key, value, ttl, rest(), until.clone());
                (at, set.await)
            }
            .boxed()
        });
        let sets: Vec<_> = sets.collect();
        let set = stream::iter(sets).buffer_unordered(AT_ONCE).collect::<Vec<_>>().await;
        set.into_iter().for_each(|(at, result)| results[at] = Some(result));
        let late = || Err(Error::DeadlineExceeded { after: within });
        keys.iter().map(|key| results[last[key]].clone().unwrap_or_else(late)).collect()
    }

    /// Sets the values of some keys by one message to their owner. Returns for each whether the
    /// owner confirmed it.
    async fn set_at_owner(
        &self,
        owner: &dyn Remote,
        keys: &[(usize, &str)],
        entries: &[NewValue<'_>],
        (rest, until): (impl Fn() -> Duration, Option<&Until>),
    ) -> Vec<(usize, bool)> {
        let mut left = keys.to_vec();
        let mut ended = Vec::with_capacity(keys.len());
        // All are refused if this node has not heard from that process yet, and learns the
        // number of its latest change. See `Response::Overtaken`.
        for _ in 0..2 {
            let version = self.owner_versions.of(owner.address());
            // In this order, see `try_set`.
            if until.is_some_and(|until| until.left().is_zero()) {
                break;
            }
            let set = |at: usize, key: &str| {
                self.remove_here(key);
                let NewValue { value, ttl, .. } = entries[at].clone();
                part(key, PeerCall::Set { value, ttl, version })
            };
            let parts = left.iter().map(|(at, key)| set(*at, key)).collect();
            let answers = self.ask_parts(owner, parts, 0, rest()).await.unwrap_or_default();
            let mut answers = answers.into_iter();
            left.retain(|(at, _)| {
                let (is_overtaken, version) = match answers.next() {
                    Some(Ok(Response::Overtaken { version })) => (true, version),
                    Some(Ok(Response::Done { version, .. })) => {
                        ended.push((*at, true));
                        (false, version)
                    }
                    _ => {
                        ended.push((*at, false));
                        return false;
                    }
                };
                self.owner_versions.note(owner.address(), version);
                is_overtaken
            });
            if left.is_empty() {
                break;
            }
        }
        ended.extend(left.into_iter().map(|(at, _)| (at, false)));
        ended
    }

    /// Removes each of `keys` as [`remove`](Self::remove) does. The results are in the
    /// order of the keys. `within` is the time limit of the whole call.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn remove_many<K: AsRef<str>>(
        self: &Arc<Self>,
        keys: &[K],
        within: Duration,
    ) -> Vec<Result<bool, Error>> {
        let keys: Vec<&str> = keys.iter().map(AsRef::as_ref).collect();
        let clock = &self.parts.clock;
        let end_ms = clock.now_ms().saturating_add(within.as_millis() as u64);
        let rest = &|| Duration::from_millis(end_ms.saturating_sub(clock.now_ms()));
        let refused = keys.iter().map(|key| key::parse(key.as_bytes()).err().map(Err));
        let mut results: Vec<Option<Result<bool, Error>>> = refused.collect();
        // Removals that are not confirmed when this ends continue in the background.
        let pending = keys.iter().zip(&results);
        let pending =
            pending.map(|(key, refused)| refused.is_none().then(|| PendingRemoval::new(self, key)));
        let mut pending: Vec<_> = pending.collect();
        let mut confirm = |at: usize| {
            if let Some(pending) = pending[at].take() {
                pending.confirm();
            }
        };
        let mut existed = vec![false; keys.len()];
        let (mut here, there) = self.by_owner(&keys, |at, _| results[at].is_none());
        for of in &there {
            for (at, key) in &of.keys {
                existed[*at] |= self.remove_here(key);
            }
        }
        let asked = there.iter().flat_map(|of| {
            of.keys.chunks(MOST_PARTS).map(move |keys| async move {
                let parts = keys.iter().map(|(_, key)| part(key, PeerCall::Remove)).collect();
                let answers = self.ask_parts(&*of.owner, parts, 0, rest()).await;
                (keys, answers)
            })
        });
        let asked: Vec<_> = asked.collect();
        for (keys, answers) in join_all(asked).await {
            let mut answers = answers.unwrap_or_default().into_iter();
            for (at, key) in keys {
                match answers.next() {
                    Some(Ok(Response::Done { count, .. })) => {
                        results[*at] = Some(Ok(existed[*at] || count > 0));
                        confirm(*at);
                    }
                    // The owner did not confirm the removal of this key, so it is removed
                    // by itself.
                    _ => here.push((*at, key)),
                }
            }
        }
        let removals = here.into_iter().map(|(at, key)| {
            async move { (at, self.until_confirmed(key, &Change::Remove, rest()).await) }.boxed()
        });
        let removals: Vec<_> = removals.collect();
        let removed = stream::iter(removals).buffer_unordered(AT_ONCE).collect::<Vec<_>>().await;
        for (at, result) in removed {
            if result.is_ok() {
                confirm(at);
            }
            results[at] = Some(result.map(|held| held || existed[at]));
        }
        let late = || Err(Error::DeadlineExceeded { after: within });
        results.into_iter().map(|result| result.unwrap_or_else(late)).collect()
    }
}

/// Divides the keys of one owner into messages. `bytes` is the length of a key's value.
fn messages<'a, 'k>(
    keys: &'a [(usize, &'k str)],
    bytes: impl Fn(usize) -> usize,
) -> Vec<&'a [(usize, &'k str)]> {
    let (mut messages, mut from, mut used) = (Vec::new(), 0, 0);
    for (place, (at, key)) in keys.iter().enumerate() {
        let more = key.len() + bytes(*at);
        if place > from && (place - from == MOST_PARTS || used + more > MOST_SET_BYTES) {
            messages.push(&keys[from..place]);
            (from, used) = (place, 0);
        }
        used += more;
    }
    if from < keys.len() {
        messages.push(&keys[from..]);
    }
    messages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_of_sets_has_bounded_parts_and_bytes() {
        let keys: Vec<(usize, &str)> = (0..3_000).map(|at| (at, "key")).collect();
        let lengths = |bytes: usize| -> Vec<usize> {
            messages(&keys, |_| bytes).iter().map(|message| message.len()).collect()
        };
        assert_eq!(lengths(1), [1_024, 1_024, 952]);
        let long = MOST_SET_BYTES / 4;
        assert!(lengths(long).iter().all(|length| *length == 3), "3 bytes of a key each");
        assert!(messages(&[], |_| 1).is_empty());
    }
}
