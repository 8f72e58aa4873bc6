//! Numbers for keys, in the order in which keys come, and the way back.

use std::sync::Arc;

use anyhow::{Context, Result};
use hashbrown::HashMap;
use parking_lot::RwLock;

use super::super::request::Request;
use super::record::Name;

/// Keys that are looked up together.
const TOGETHER: usize = 256;

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
    /// Requests of the block whose keys have no number yet: their places in it, and the keys.
    waiting: Vec<(usize, u64)>,
}

impl Numbering {
    /// Adds a request of that key to the block. Unless `now`, its number may wait for
    /// [`number_waiting`](Self::number_waiting).
    ///
    /// # Errors
    /// There are too many keys.
    pub(super) fn push(
        &mut self,
        block: &mut Vec<Request>,
        request: Request,
        name: Name<'_>,
        now: bool,
    ) -> Result<()> {
        if let (Name::Number(number), false) = (name, now) {
            self.waiting.push((block.len(), number));
            block.push(request);
            return if self.waiting.len() < TOGETHER { Ok(()) } else { self.number_waiting(block) };
        }
        // Keys have their numbers in the order in which they came.
        self.number_waiting(block)?;
        block.push(Request { key: self.number(name)?, ..request });
        Ok(())
    }

    /// Forgets requests of a block that ended with an error.
    pub(super) fn forget_waiting(&mut self) {
        self.waiting.clear();
    }

    /// Gives the waiting keys of a block their numbers. To look many up at once is faster than
    /// each where it is read: the processor then waits for several places in memory together.
    ///
    /// # Errors
    /// There are too many keys.
    pub(super) fn number_waiting(&mut self, block: &mut [Request]) -> Result<()> {
        let mut waiting = std::mem::take(&mut self.waiting);
        for (place, number) in waiting.drain(..) {
            block[place].key = self.number(Name::Number(number))?;
        }
        self.waiting = waiting;
        Ok(())
    }

    /// The number of a key, which is new or known.
    fn number(&mut self, name: Name<'_>) -> Result<u32> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_numbered_in_the_order_in_which_they_came() {
        let (mut numbering, mut block) = (Numbering::default(), Vec::new());
        let texts = ["5", "Tom", "7", "5", "Jack", "Tom", "8", "7"];
        // More than are looked up together, so some numbers are there before the end.
        let many = (100..100 + 2 * TOGETHER as u32).map(|key| key.to_string());
        let all: Vec<String> = texts.map(String::from).into_iter().chain(many).collect();
        let mut waited = 0;
        for text in &all {
            let name = Name::of(text.as_bytes());
            numbering.push(&mut block, Request::default(), name, false).unwrap();
            waited = waited.max(numbering.waiting.len());
        }
        assert_eq!(waited, TOGETHER - 1);
        numbering.number_waiting(&mut block).unwrap();
        assert!(numbering.waiting.is_empty());
        let keys: Vec<u32> = block.iter().map(|request| request.key).collect();
        assert_eq!(keys[..8], [0, 1, 2, 0, 3, 1, 4, 2]);
        assert!(keys[8..].iter().copied().eq(5..5 + 2 * TOGETHER as u32));
        let named = keys.iter().map(|key| numbering.names().text(*key).unwrap());
        assert!(named.eq(all));
    }

    #[test]
    fn a_key_that_may_not_wait_has_its_number_at_once() {
        let (mut numbering, mut block) = (Numbering::default(), Vec::new());
        for (number, key) in [(9, 0), (3, 1), (9, 0)] {
            numbering.push(&mut block, Request::default(), Name::Number(number), true).unwrap();
            assert_eq!(block.last().map(|request: &Request| request.key), Some(key));
        }
    }
}
