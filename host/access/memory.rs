//! Spares the single calls of one connection the search for their account: most connections
//! are of one caller, who shows the same token with each call.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use subtle::ConstantTimeEq;

use super::account::Account;
use super::keeper::Access;
use super::role::Role;
use super::shown::Shown;
use crate::error::Error;
use crate::tls::Names;

/// The longest token that is remembered, in bytes. Ours have 52.
const LONGEST: usize = 64;

/// A token, with zeros behind it. Eight words are compared in less time than 64 bytes.
#[derive(Clone, Copy)]
struct Words([u64; LONGEST / 8]);

/// The caller of the call before, on one connection.
#[derive(Default)]
pub(crate) struct Memory(ArcSwapOption<Remembered>);

struct Remembered {
    token: Option<Words>,
    account: Arc<Account>,
    /// The generation of the rules that the account came from.
    generation: u64,
}

impl Memory {
    /// Checks that the caller who shows this has `role` for `group`, or for the whole node if
    /// that is `None`. The names are the same for all calls of the connection. The request is
    /// counted.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`], [`Error::PermissionDenied`] and [`Error::RateLimited`].
    pub(crate) fn admit(
        &self,
        access: &Access,
        (token, names): (Option<&[u8]>, &Arc<Names>),
        role: Role,
        group: Option<&[u8]>,
    ) -> Result<(), Error> {
        let words = match token {
            None => Some(None),
            Some(token) => Words::of(token).map(Some),
        };
        if let Some(words) = &words
            && let Some(last) = &*self.0.load()
            && last.generation == access.generation()
            && is_same(last.token.as_ref(), words.as_ref())
        {
            return last.account.admit(role, group);
        }
        let shown = Shown::new(token, Arc::clone(names));
        let (account, generation) = access.find(&shown)?;
        if let Some(token) = words {
            let account = Arc::clone(&account);
            self.0.store(Some(Arc::new(Remembered { token, account, generation })));
        }
        account.admit(role, group)
    }
}

/// Compares in a time that does not depend on where the two differ: a proxy may have the calls of
/// several callers on one connection.
fn is_same(one: Option<&Words>, other: Option<&Words>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => {
            let words = one.0.iter().zip(&other.0);
            let differ = words.fold(0, |differ, (one, other)| differ | (one ^ other));
            differ.ct_eq(&0).into()
        }
        (None, None) => true,
        _ => false,
    }
}

impl Words {
    /// `None` for a token that is too long, and for one with a zero, which could be mistaken for
    /// a shorter one.
    fn of(token: &[u8]) -> Option<Self> {
        let mut bytes = [0; LONGEST];
        bytes.get_mut(..token.len())?.copy_from_slice(token);
        let (words, _) = bytes.as_chunks::<8>();
        let mut all = [0; LONGEST / 8];
        for (word, bytes) in all.iter_mut().zip(words) {
            *word = u64::from_le_bytes(*bytes);
        }
        (!token.ends_with(&[0])).then_some(Self(all))
    }
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Memory(…)")
    }
}
