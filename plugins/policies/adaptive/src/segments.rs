//! The queues of W-TinyLFU over slots, for the live cache and for its shadows.

use psycache_plugin::{Chain, Links, SlotArray};

/// The share of the entries behind the window that may be protected.
const PROTECTED_SHARE: f64 = 0.8;

/// Where an entry stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Segment {
    /// New entries, in the order of use.
    Window,
    /// Entries behind the window that were not used since they came there.
    Probation,
    /// Entries that were used in probation.
    Protected,
}

/// A window, and behind it a segmented LRU (R. Karedla, J. S. Love, B. G. Wherry, "Caching
/// strategies to improve disk system performance", IEEE Computer 1994). 9 bytes a slot.
#[derive(Debug)]
pub(crate) struct Segments {
    segment_of: SlotArray<Segment>,
    links: Links,
    /// By segment; the last used at the front.
    chains: [Chain; 3],
    lens: [u32; 3],
    window_share: f64,
}

impl Segments {
    pub(crate) fn new(bound: u32, window_share: f64) -> Self {
        Self {
            segment_of: SlotArray::new(bound, Segment::Window),
            links: Links::new(bound),
            chains: [Chain::default(); 3],
            lens: [0; 3],
            window_share,
        }
    }

    pub(crate) fn len(&self) -> u32 {
        self.lens.iter().sum()
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

    fn push(&mut self, segment: Segment, slot: u32) {
        self.segment_of.set(slot, segment);
        self.chains[segment as usize].push_front(&mut self.links, slot);
        self.lens[segment as usize] += 1;
    }

    /// Takes a slot out.
    pub(crate) fn remove(&mut self, slot: u32) {
        let segment = self.segment_of.get(slot) as usize;
        self.chains[segment].remove(&mut self.links, slot);
        self.lens[segment] -= 1;
    }

    fn move_to(&mut self, segment: Segment, slot: u32) {
        self.remove(slot);
        self.push(segment, slot);
    }

    fn back(&self, segment: Segment) -> Option<u32> {
        self.chains[segment as usize].back()
    }

    /// The entry was used.
    #[inline]
    pub(crate) fn touch(&mut self, slot: u32) {
        match self.segment_of.get(slot) {
            Segment::Probation => self.protect(slot),
            segment => {
                let chain = &mut self.chains[segment as usize];
                if chain.front() != Some(slot) {
                    chain.remove(&mut self.links, slot);
                    chain.push_front(&mut self.links, slot);
                }
            }
        }
    }

    fn protect(&mut self, slot: u32) {
        self.move_to(Segment::Protected, slot);
        let behind = self.len().saturating_sub(self.window_limit());
        let most = (f64::from(behind) * PROTECTED_SHARE) as u32;
        while self.lens[Segment::Protected as usize] > most
            && let Some(coldest) = self.back(Segment::Protected)
        {
            self.move_to(Segment::Probation, coldest);
        }
    }

    /// A new entry comes, for which [`evict`](Self::evict) has made room.
    pub(crate) fn insert(&mut self, slot: u32) {
        self.push(Segment::Window, slot);
        while self.lens[Segment::Window as usize] > self.window_limit()
            && let Some(coldest) = self.back(Segment::Window)
        {
            self.move_to(Segment::Probation, coldest);
        }
    }

    /// Takes an entry out, to make room for one that is about to come. If the window is
    /// full its coldest entry leaves it, and stays in place of the coldest one behind the
    /// window if it `deserves` to: `deserves(newcomer, victim)`.
    pub(crate) fn evict(&mut self, deserves: impl FnOnce(u32, u32) -> bool) -> Option<u32> {
        let victim = self.back(Segment::Probation).or(self.back(Segment::Protected));
        let is_full = self.lens[Segment::Window as usize] >= self.window_limit();
        let newcomer = self.back(Segment::Window).filter(|_| is_full || victim.is_none());
        let evicted = match (newcomer, victim) {
            (Some(newcomer), Some(victim)) if deserves(newcomer, victim) => {
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
        self.chains.map(|chain| chain.iter(&self.links).collect())
    }
}
