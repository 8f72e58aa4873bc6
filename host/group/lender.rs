//! Finds the keys that are asked for most, and tracks which copies of them are lent
//! (rule 10).

use std::time::Duration;

use hashbrown::HashMap;

use crate::ownership::LENT_DRIFT;
use crate::sync::Mutex;

/// Most keys whose gets are counted at a time.
const COUNTED: usize = 256;

/// After this many gets the counts are halved, so that a hot key cools.
const WINDOW: u64 = 8_192;

/// A key is hot when more than one in this many of those gets is for it.
const HOT_SHARE: u64 = 64;

/// Who may borrow. The gets of each kind are counted apart, because a client asks to borrow
/// with a sample of its gets only.
#[derive(Clone, Copy)]
pub(crate) enum Borrower {
    Node,
    Client,
}

/// Finds the keys that others get most, and tracks lent copies.
#[derive(Default)]
pub(super) struct Lender {
    /// By borrower.
    gets: [Mutex<Gets>; 2],
    lent: Mutex<Lent>,
}

/// Counts gets as Misra and Gries do, "Finding repeated elements" (1982): with k counters
/// every key that makes up more than 1/k of the gets has one.
#[derive(Default)]
struct Gets {
    counts: HashMap<u64, u64>,
    all: u64,
}

#[derive(Default)]
struct Lent {
    /// By the key's hash: when its last lent copy ends, by the lender's clock.
    until_ms: HashMap<u64, u64>,
    /// When the last lent copy ends. The map may have dropped that copy already.
    latest_ms: u64,
}

impl Gets {
    /// Counts a get. Returns whether the key is hot.
    fn count(&mut self, hash: u64) -> bool {
        self.all += 1;
        if self.all >= WINDOW {
            self.all /= 2;
            self.counts.retain(|_, count| {
                *count /= 2;
                *count > 0
            });
        }
        if let Some(count) = self.counts.get_mut(&hash) {
            *count += 1;
            // A small count is no evidence.
            return *count * HOT_SHARE > self.all && *count >= HOT_SHARE;
        }
        if self.counts.len() < COUNTED {
            self.counts.insert(hash, 1);
        } else {
            self.counts.retain(|_, count| {
                *count -= 1;
                *count > 0
            });
        }
        false
    }
}

impl Lender {
    /// Counts a get of somebody who may borrow. Returns whether the key is hot.
    pub(super) fn is_hot(&self, borrower: Borrower, hash: u64) -> bool {
        self.gets[borrower as usize].lock().count(hash)
    }

    /// Notes that a copy of the key is lent for `lent_for` from now on.
    pub(super) fn lend(&self, hash: u64, now_ms: u64, lent_for: Duration) {
        let until_ms = now_ms + (lent_for + LENT_DRIFT).as_millis() as u64;
        let lent = &mut *self.lent.lock();
        if lent.until_ms.len() >= COUNTED {
            lent.until_ms.retain(|_, until_ms| *until_ms > now_ms);
        }
        lent.until_ms.insert(hash, until_ms);
        lent.latest_ms = lent.latest_ms.max(until_ms);
    }

    /// Until when lent copies of the key may live; 0: there are none.
    pub(super) fn out_until_ms(&self, hash: u64) -> u64 {
        self.lent.lock().until_ms.get(&hash).copied().unwrap_or(0)
    }

    /// Until when lent copies of any key may live; 0: none was lent.
    pub(super) fn any_out_until_ms(&self) -> u64 {
        self.lent.lock().latest_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::copies::LENT_FOR;

    #[test]
    fn a_key_is_hot_when_it_makes_up_more_than_its_share() {
        let mut gets = Gets::default();
        for get in 0..100_000_u64 {
            // One in ten is for key 1, the others are spread over a million.
            let hash = if get % 10 == 0 { 1 } else { 2 + get * 2_654_435_761 % 1_000_000 };
            let hot = gets.count(hash);
            assert!(!hot || hash == 1, "key {hash} is not hot");
        }
        assert!(gets.count(1));
        assert!(gets.counts.len() <= COUNTED);
        for get in 0..40_000_u64 {
            gets.count(1_000_000 + get);
        }
        assert!(!gets.count(1), "it cooled");
    }

    #[test]
    fn what_is_lent_is_out_until_it_ends() {
        let lender = Lender::default();
        assert_eq!((lender.out_until_ms(1), lender.any_out_until_ms()), (0, 0));
        lender.lend(1, 100, LENT_FOR);
        assert_eq!(lender.out_until_ms(1), 375);
        assert_eq!((lender.out_until_ms(2), lender.any_out_until_ms()), (0, 375));
    }
}
