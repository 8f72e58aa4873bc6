//! The values that one query gave for many keys.

use crate::FetchError;

/// The most bytes of the values of a batch; the memory that a node gives a retriever is just
/// enough for it.
const MOST_BYTES: usize = 64 << 20;

/// Keys, and what was found for them. Of several rows for a key the first one counts, as it does
/// where the key is asked for by itself.
#[derive(Debug)]
pub struct Batch<'k> {
    keys: &'k [String],
    found: Vec<Option<Vec<u8>>>,
    bytes: usize,
    is_exact: bool,
}

impl<'k> Batch<'k> {
    /// Nothing is found yet.
    #[must_use]
    pub fn new(keys: &'k [String]) -> Self {
        Self { keys, found: vec![None; keys.len()], bytes: 0, is_exact: true }
    }

    /// Takes the value of a row that the source has compared with the keys at `places`.
    ///
    /// # Errors
    /// [`FetchError::BadValue`] if the values are too large together.
    pub fn take(
        &mut self,
        places: impl IntoIterator<Item = usize>,
        value: &[u8],
    ) -> Result<(), FetchError> {
        for place in places {
            if let Some(found @ None) = self.found.get_mut(place) {
                self.bytes += value.len();
                if self.bytes > MOST_BYTES {
                    let limit = MOST_BYTES >> 20;
                    let problem = format!("the values are larger than {limit} MiB together");
                    return Err(FetchError::BadValue(problem));
                }
                *found = Some(value.to_vec());
            }
        }
        Ok(())
    }

    /// Takes the value of a row whose key the source has printed.
    ///
    /// # Errors
    /// As [`Batch::take`].
    pub fn take_printed(&mut self, key: Option<&[u8]>, value: &[u8]) -> Result<(), FetchError> {
        let is_it = |asked: &String| key == Some(asked.as_bytes());
        let places: Vec<usize> = (0..self.keys.len()).filter(|at| is_it(&self.keys[*at])).collect();
        self.is_exact &= !places.is_empty();
        self.take(places, value)
    }

    /// Whether each row printed a key as it was asked for.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.is_exact
    }

    /// What was found, in the order of the keys.
    #[must_use]
    pub fn found(self) -> Vec<Option<Vec<u8>>> {
        self.found
    }
}

/// What a source says whose server refuses a query for many keys. It may take the one for each.
#[must_use]
pub fn alone(error: FetchError) -> FetchError {
    match error {
        FetchError::Rejected(problem) => FetchError::BadKey(problem),
        error => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_row_of_a_key_counts_and_a_row_may_be_of_several() {
        let keys = ["a", "b", "A"].map(str::to_owned);
        let mut batch = Batch::new(&keys);
        batch.take([0, 2, 7], b"1").expect("it is small");
        batch.take([0, 1], b"2").expect("it is small");
        let expected = [Some(b"1".to_vec()), Some(b"2".to_vec()), Some(b"1".to_vec())];
        assert_eq!(batch.found(), expected);
    }

    #[test]
    fn a_row_of_no_key_leaves_open_which_it_is_of() {
        let keys = ["a", "b", "a"].map(str::to_owned);
        let mut batch = Batch::new(&keys);
        batch.take_printed(Some(b"a"), b"1").expect("it is small");
        assert!(batch.is_exact());
        batch.take_printed(Some(b"B"), b"2").expect("it is small");
        batch.take_printed(None, b"3").expect("it is small");
        assert!(!batch.is_exact());
        assert_eq!(batch.found(), [Some(b"1".to_vec()), None, Some(b"1".to_vec())]);
    }

    #[test]
    fn values_that_are_too_large_together_are_refused() {
        let keys = ["a", "b"].map(str::to_owned);
        let half = vec![0; MOST_BYTES / 2 + 1];
        let mut batch = Batch::new(&keys);
        batch.take([0], &half).expect("it fits");
        assert!(matches!(batch.take([1], &half), Err(FetchError::BadValue(_))));
    }
}
