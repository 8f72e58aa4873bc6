//! The keys of a call about many, and the limits of such a call.

use bytes::Bytes;

use crate::error::Error;
use crate::key;

/// Most keys of one call. The answer for more could be larger than a client accepts.
pub(super) const MAX_KEYS: usize = 10_000;

/// Most bytes of values in one answer, so that clients accept the message. `MAX_KEYS` alone
/// does not limit them, because values can be large and a key can be repeated.
pub(super) const MAX_ANSWER_BYTES: u64 = 64 << 20;

/// The keys of a call about many. An invalid key gets its own error and fails no other.
pub(super) struct Keys<'a>(Vec<Result<&'a str, Error>>);

impl<'a> Keys<'a> {
    /// Checks each of `keys`.
    ///
    /// # Errors
    /// There are too many.
    pub(super) fn parse(keys: impl ExactSizeIterator<Item = &'a Bytes>) -> Result<Self, Error> {
        if keys.len() > MAX_KEYS {
            let problem = format!("{} keys; ask for at most {MAX_KEYS} in one call", keys.len());
            return Err(Error::InvalidArgument { argument: "keys", problem });
        }
        Ok(Self(keys.map(|key| key::parse(key)).collect()))
    }

    /// Each key, or what is wrong with it.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Result<&'a str, Error>> {
        self.0.iter()
    }

    /// The valid keys, in order.
    pub(super) fn usable(&self) -> Vec<&'a str> {
        self.0.iter().filter_map(|key| key.as_ref().ok().copied()).collect()
    }

    /// The result for each key, in order. `answers` are those for the valid keys.
    pub(super) fn with<T>(
        self,
        answers: Vec<Result<T, Error>>,
    ) -> impl Iterator<Item = Result<T, Error>> {
        let mut answers = answers.into_iter();
        let keys = self.0.into_iter();
        keys.map(move |key| {
            key.and_then(|_| answers.next().expect("one answer for each valid key"))
        })
    }
}
