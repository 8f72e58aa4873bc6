//! Hits on their way to the policy: a small ring that forgets rather than waits.

use std::sync::atomic::{AtomicU32, Ordering};

/// A lossy list of slots: any number of writers that share it, one reader that
/// has it alone. When it is full the newest touch is dropped, which costs a
/// policy some precision and a hit nothing.
#[derive(Debug)]
pub struct TouchRing {
    slots: Box<[AtomicU32]>,
    /// Places handed out since the last drain; may exceed the length.
    next: AtomicU32,
}

impl TouchRing {
    /// A ring with room for `len` touches.
    #[must_use]
    pub fn new(len: usize) -> Self {
        Self { slots: (0..len).map(|_| AtomicU32::new(0)).collect(), next: AtomicU32::new(0) }
    }

    /// Notes a hit on `slot`. Answers the number of touches waiting with it;
    /// `None` when the ring is full.
    pub fn push(&self, slot: u32) -> Option<usize> {
        // A plain load first: a full ring must not become a contended counter.
        if self.next.load(Ordering::Relaxed) as usize >= self.slots.len() {
            return None;
        }
        let place = self.next.fetch_add(1, Ordering::Relaxed) as usize;
        self.slots.get(place)?.store(slot, Ordering::Relaxed);
        Some(place + 1)
    }

    /// Takes all touches in the order they came. Having the ring alone, it can't
    /// meet a place that was handed out and not written yet.
    pub fn drain(&mut self) -> impl Iterator<Item = u32> {
        let filled = (std::mem::take(self.next.get_mut()) as usize).min(self.slots.len());
        self.slots[..filled].iter_mut().map(|slot| *slot.get_mut())
    }

    /// Touches that it can hold.
    #[must_use]
    pub fn room(&self) -> usize {
        self.slots.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_oldest_in_order_and_drops_the_newest() {
        let mut ring = TouchRing::new(3);
        assert_eq!([1, 2, 3, 4].map(|slot| ring.push(slot)), [Some(1), Some(2), Some(3), None]);
        assert_eq!(ring.drain().collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(ring.drain().count(), 0);
        assert_eq!(ring.push(5), Some(1));
    }

    #[test]
    fn no_touch_is_invented_or_doubled_by_many_writers() {
        let mut ring = TouchRing::new(1000);
        std::thread::scope(|scope| {
            for writer in 0..4 {
                let ring = &ring;
                scope.spawn(move || {
                    for touch in 0..400 {
                        ring.push(writer * 400 + touch);
                    }
                });
            }
        });
        let mut touches: Vec<u32> = ring.drain().collect();
        touches.sort_unstable();
        touches.dedup();
        assert_eq!(touches.len(), 1000);
        assert!(touches.iter().all(|slot| *slot < 1600));
    }
}
