//! The queues of W-TinyLFU over slots, for the live cache and for its shadows.

use crate::lists::Lists;

/// The share of the entries behind the window that may be protected.
const PROTECTED_SHARE: f64 = 0.8;

/// Where an entry stands.
#[derive(Clone, Copy, Debug)]
enum Segment {
    /// New entries, in the order of use.
    Window,
    /// Entries behind the window that were not used since they came there.
    Probation,
    /// Entries that were used in probation.
    Protected,
}

/// A window, and behind it a segmented LRU (R. Karedla, J. S. Love, B. G. Wherry, "Caching
/// strategies to improve disk system performance", IEEE Computer 1994). 12 bytes a slot.
#[derive(Debug)]
pub(crate) struct Segments {
    /// By segment; the last used at the front.
    lists: Lists,
    window_share: f64,
}

impl Segments {
    pub(crate) fn new(bound: u32, window_share: f64) -> Self {
        Self { lists: Lists::new(bound), window_share }
    }

    pub(crate) fn len(&self) -> u32 {
        (0..3).map(|list| self.lists.len(list)).sum()
    }

    /// The hash of an entry.
    #[inline]
    pub(crate) fn hash(&self, slot: u32) -> u32 {
        self.lists.hash(slot)
    }

    pub(crate) fn window_share(&self) -> f64 {
        self.window_share
    }

    /// Takes effect as entries come.
    pub(crate) fn set_window_share(&mut self, share: f64) {
        self.window_share = share;
    }

    fn window_limit(&self) -> u32 {
        ((f64::from(self.len()) * self.window_share) as u32).max(1)
    }

    fn len_of(&self, segment: Segment) -> u32 {
        self.lists.len(segment as usize)
    }

    fn back(&self, segment: Segment) -> Option<u32> {
        self.lists.back(segment as usize)
    }

    fn move_to(&mut self, segment: Segment, slot: u32) {
        let hash = self.lists.hash(slot);
        self.lists.remove(slot);
        self.lists.push_front(segment as usize, slot, hash);
    }

    /// Takes a slot out.
    pub(crate) fn remove(&mut self, slot: u32) {
        self.lists.remove(slot);
    }

    /// The entry was used.
    #[inline]
    pub(crate) fn touch(&mut self, slot: u32) {
        if self.lists.list(slot) == Segment::Probation as usize {
            self.protect(slot);
        } else {
            self.lists.move_to_front(slot);
        }
    }

    fn protect(&mut self, slot: u32) {
        self.move_to(Segment::Protected, slot);
        let behind = self.len().saturating_sub(self.window_limit());
        let most = (f64::from(behind) * PROTECTED_SHARE) as u32;
        while self.len_of(Segment::Protected) > most
            && let Some(coldest) = self.back(Segment::Protected)
        {
            self.move_to(Segment::Probation, coldest);
        }
    }

    /// A new entry comes, for which [`evict`](Self::evict) has made room.
    pub(crate) fn insert(&mut self, slot: u32, hash: u32) {
        self.lists.push_front(Segment::Window as usize, slot, hash);
        while self.len_of(Segment::Window) > self.window_limit()
            && let Some(coldest) = self.back(Segment::Window)
        {
            self.move_to(Segment::Probation, coldest);
        }
    }

    /// Takes an entry out, to make room for one that is about to come. If the window is
    /// full its coldest entry leaves it, and stays in place of the coldest one behind the
    /// window if it `deserves` to: `deserves(newcomer, victim)`, by their hashes.
    pub(crate) fn evict(&mut self, deserves: impl FnOnce(u32, u32) -> bool) -> Option<u32> {
        let victim = self.back(Segment::Probation).or(self.back(Segment::Protected));
        let is_full = self.len_of(Segment::Window) >= self.window_limit();
        let newcomer = self.back(Segment::Window).filter(|_| is_full || victim.is_none());
        let evicted = match (newcomer, victim) {
            (Some(newcomer), Some(victim)) if deserves(self.hash(newcomer), self.hash(victim)) => {
                self.move_to(Segment::Probation, newcomer);
                victim
            }
            (Some(newcomer), _) => newcomer,
            (None, victim) => victim?,
        };
        self.remove(evicted);
        Some(evicted)
    }

    #[cfg(test)]
    pub(crate) fn dump(&self) -> [Vec<u32>; 3] {
        [Segment::Window, Segment::Probation, Segment::Protected]
            .map(|segment| self.lists.dump(segment as usize))
    }
}
