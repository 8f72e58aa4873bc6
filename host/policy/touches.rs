//! A small lossy buffer of hits for the policy: it drops hits rather than wait.

use std::sync::atomic::{AtomicU32, Ordering};

/// A lossy list of slots. Any number of threads can push at the same time; draining needs
/// exclusive access. A full ring drops new touches, which makes the policy less precise
/// but never delays a hit.
#[derive(Debug)]
pub(crate) struct TouchRing {
    slots: Box<[AtomicU32]>,
    /// Number of places handed out since the last drain; may exceed the length.
    next: AtomicU32,
}

impl TouchRing {
    /// A ring with room for `len` touches.
    #[must_use]
    pub(crate) fn new(len: usize) -> Self {
        Self { slots: (0..len).map(|_| AtomicU32::new(0)).collect(), next: AtomicU32::new(0) }
    }

    /// Records a hit on `slot`. Returns the number of touches in the ring, this one
    /// included; `None` if the ring is full.
    pub(crate) fn push(&self, slot: u32) -> Option<usize> {
        // A plain load first: otherwise all hits would contend for the counter of a full
        // ring.
        if self.next.load(Ordering::Relaxed) as usize >= self.slots.len() {
            return None;
        }
        let place = self.next.fetch_add(1, Ordering::Relaxed) as usize;
        self.slots.get(place)?.store(slot, Ordering::Relaxed);
        Some(place + 1)
    }

    /// Takes all touches, oldest first. Access is exclusive, so every place that was handed
    /// out has been written.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = u32> {
        let filled = (std::mem::take(self.next.get_mut()) as usize).min(self.slots.len());
        self.slots[..filled].iter_mut().map(|slot| *slot.get_mut())
    }

    /// Number of touches that the ring can hold.
    #[must_use]
    pub(crate) fn room(&self) -> usize {
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
