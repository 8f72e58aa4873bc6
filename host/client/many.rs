//! Many keys in one call: one message to each node, with the keys that the node is asked first
//! for. The messages are sent at the same time.

use bytes::Bytes;
use futures::stream::{FuturesUnordered, StreamExt};

use super::answer::Answer;
use super::group::{Group, bytes};
use super::{Error, call};
use crate::proto::session_request::Call;
use crate::proto::session_response::Answer as Answered;
use crate::proto::{
    GetManyRequest, RemoveManyRequest, SetEntry, SetManyRequest, get_result, remove_result,
    set_result,
};
use crate::value::Ttl;

/// The most keys of a call. A node takes as many in a message.
const MOST_KEYS: usize = 10_000;

/// The results of a call, in the order of its keys.
type Results<T> = Vec<Result<T, Error>>;

impl Group {
    /// The values of `keys`, in their order; at most 10,000. The values have at most
    /// [`max_value_bytes`](super::ClientConfig::max_value_bytes) together; those beyond that fail
    /// with [`Reason::TooLarge`](super::Reason::TooLarge).
    ///
    /// # Errors
    /// [`Error`], if no node could do any part of the call. Else each result has that of its key.
    pub async fn get_many<K: AsRef<str>>(
        &self,
        keys: &[K],
    ) -> Result<Vec<Result<Answer, Error>>, Error> {
        let keys: Vec<&str> = keys.iter().map(AsRef::as_ref).collect();
        let call = |places: &[usize]| {
            let keys = places.iter().map(|place| bytes(keys[*place])).collect();
            Call::GetMany(GetManyRequest { group: self.name.clone(), keys })
        };
        let (mut used, limit) = (0, self.asker.max_value_bytes);
        let mut result = |result: get_result::Result| match result {
            get_result::Result::Found(found) => {
                used += found.value.len();
                if used > limit {
                    Err(Error::too_many_bytes(limit))
                } else {
                    Ok(call::found(found))
                }
            }
            get_result::Result::Failure(failure) => Err(failure.into()),
        };
        let read = |answer: Answered| match answer {
            Answered::GetMany(many) => {
                Ok(many.results.into_iter().map(|r| call::each(r.result, &mut result)).collect())
            }
            other => Err(Error::strange(&other)),
        };
        self.in_parts(&keys, call, read).await
    }

    /// [`set`](Self::set) for each key and value, in their order; at most 10,000. Of a key that
    /// is given twice the last value counts.
    ///
    /// # Errors
    /// As [`get_many`](Self::get_many).
    pub async fn set_many<K: AsRef<str>, V: Clone + Into<Bytes>>(
        &self,
        entries: &[(K, V)],
        ttl: impl Into<Ttl>,
    ) -> Result<Vec<Result<(), Error>>, Error> {
        let (ttl_ms, no_expiry) = call::ttl(ttl.into())?;
        let keys: Vec<&str> = entries.iter().map(|(key, _)| key.as_ref()).collect();
        let call = |places: &[usize]| {
            let entry = |place: &usize| {
                let (key, value) = (bytes(keys[*place]), entries[*place].1.clone().into());
                SetEntry { key, value, ttl_ms, no_expiry }
            };
            let entries = places.iter().map(entry).collect();
            Call::SetMany(SetManyRequest { group: self.name.clone(), entries })
        };
        let result = |result: set_result::Result| match result {
            set_result::Result::Set(_) => Ok(()),
            set_result::Result::Failure(failure) => Err(failure.into()),
        };
        let read = |answer: Answered| match answer {
            Answered::SetMany(many) => {
                Ok(many.results.into_iter().map(|r| call::each(r.result, result)).collect())
            }
            other => Err(Error::strange(&other)),
        };
        self.in_parts(&keys, call, read).await
    }

    /// [`remove`](Self::remove) for each of `keys`, in their order; at most 10,000.
    ///
    /// # Errors
    /// As [`get_many`](Self::get_many).
    pub async fn remove_many<K: AsRef<str>>(
        &self,
        keys: &[K],
    ) -> Result<Vec<Result<bool, Error>>, Error> {
        let keys: Vec<&str> = keys.iter().map(AsRef::as_ref).collect();
        let call = |places: &[usize]| {
            let keys = places.iter().map(|place| bytes(keys[*place])).collect();
            Call::RemoveMany(RemoveManyRequest { group: self.name.clone(), keys })
        };
        let result = |result: remove_result::Result| match result {
            remove_result::Result::Removed(removed) => Ok(removed.existed),
            remove_result::Result::Failure(failure) => Err(failure.into()),
        };
        let read = |answer: Answered| match answer {
            Answered::RemoveMany(many) => {
                Ok(many.results.into_iter().map(|r| call::each(r.result, result)).collect())
            }
            other => Err(Error::strange(&other)),
        };
        self.in_parts(&keys, call, read).await
    }

    /// Divides the keys by node, and sends the `call` for those at some places to each. The
    /// results that are `read` from the answers are in the order of the keys. A part that fails
    /// as a whole gives its error to each of its keys; if all parts do, the call fails.
    async fn in_parts<T>(
        &self,
        keys: &[&str],
        call: impl Fn(&[usize]) -> Call,
        mut read: impl FnMut(Answered) -> Result<Results<T>, Error>,
    ) -> Result<Results<T>, Error> {
        let count = keys.len();
        if count > MOST_KEYS {
            let problem = format!("bad keys: {count} are too many; give at most 10,000 in a call");
            return Err(Error::argument(problem));
        }
        let parts = self.asker.routes.parts(keys);
        let mut failed = Vec::new();
        let all = parts.len();
        let asked = parts.into_iter().map(|places| {
            let call = call(&places);
            let first = places.first().map_or("", |place| keys[*place]);
            async move {
                let answer = match call {
                    Call::SetMany(_) => self.asker.ask_to_set(first, call).await,
                    _ => self.asker.ask(Some(first), call).await,
                };
                (places, answer)
            }
        });
        let mut asked: FuturesUnordered<_> = asked.collect();
        let mut ordered: Vec<Option<Result<T, Error>>> = (0..count).map(|_| None).collect();
        while let Some((places, answer)) = asked.next().await {
            match answer.and_then(&mut read) {
                Ok(results) if results.len() == places.len() => {
                    for (place, result) in places.into_iter().zip(results) {
                        ordered[place] = Some(result);
                    }
                }
                Ok(_) => failed.push((places, Error::strange(&"another number of results"))),
                Err(error) => failed.push((places, error)),
            }
        }
        if let Some((_, error)) = failed.first().filter(|_| failed.len() == all) {
            return Err(error.clone());
        }
        for (places, error) in failed {
            places.into_iter().for_each(|place| ordered[place] = Some(Err(error.clone())));
        }
        let none = || Err(Error::strange(&"no result"));
        Ok(ordered.into_iter().map(|result| result.unwrap_or_else(none)).collect())
    }
}
