//! Numbers for keys, in the order in which keys come, and the way back.

use std::sync::Arc;

use anyhow::{Context, Result};
use hashbrown::HashMap;
use parking_lot::RwLock;

use super::record::Name;

type Numbers<K> = HashMap<K, u32, foldhash::fast::RandomState>;

#[derive(Debug)]
enum Owned {
    Text(Arc<[u8]>),
    Number(u64),
}

/// The texts of keys by number. Shared with policies that look at keys.
#[derive(Clone, Debug, Default)]
pub(in crate::cli::sim) struct Names(Arc<RwLock<Vec<Owned>>>);

impl Names {
    /// The text of a key.
    pub(in crate::cli::sim) fn text(&self, key: u32) -> Option<String> {
        Some(match self.0.read().get(key as usize)? {
            Owned::Text(text) => String::from_utf8_lossy(text).into_owned(),
            Owned::Number(number) => number.to_string(),
        })
    }
}

/// Gives each key its number.
#[derive(Debug, Default)]
pub(super) struct Numbering {
    texts: Numbers<Arc<[u8]>>,
    numbers: Numbers<u64>,
    names: Names,
}

impl Numbering {
    /// The number of a key, which is new or known.
    ///
    /// # Errors
    /// There are too many keys.
    pub(super) fn number(&mut self, name: Name<'_>) -> Result<u32> {
        let known = match name {
            Name::Text(text) => self.texts.get(text),
            Name::Number(number) => self.numbers.get(&number),
        };
        if let Some(known) = known {
            return Ok(*known);
        }
        let next = u32::try_from(self.unique()).context("more than 4 billion distinct keys")?;
        let owned = match name {
            Name::Text(text) => {
                let text: Arc<[u8]> = text.into();
                self.texts.insert(Arc::clone(&text), next);
                Owned::Text(text)
            }
            Name::Number(number) => {
                self.numbers.insert(number, next);
                Owned::Number(number)
            }
        };
        self.names.0.write().push(owned);
        Ok(next)
    }

    /// How many keys there are.
    pub(super) fn unique(&self) -> usize {
        self.texts.len() + self.numbers.len()
    }

    /// The texts of all keys. Later keys are added to them.
    pub(super) fn names(&self) -> Names {
        self.names.clone()
    }
}
