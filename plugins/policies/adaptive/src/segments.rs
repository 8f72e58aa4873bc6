//! The queues of W-TinyLFU over slots, for the live cache and for its shadows.

use psycache_plugin::SlotQueues;

/// Low bits of [`Resident`] that say in which segment the entry stands.
const SEGMENT_BITS: u32 = 2;

/// Bits of a hash that are kept.
pub(crate) const HASH_BITS: u32 = u32::BITS - SEGMENT_BITS;

/// Records of a queue for each slot in it.
const RECORDS_PER_SLOT: f64 = 2.25;

/// Bits behind the point of a share.
const SHARE_BITS: u32 = 32;

/// Bits behind the point of a number of entries.
const LEN_BITS: u32 = 10;

/// New entries, in the order of use.
const WINDOW: usize = 0;

/// Entries behind the window that were not used since they came there.
const PROBATION: usize = 1;

/// Entries that were used in probation. Up to four fifths of those behind the window.
const PROTECTED: usize = 2;

/// Where an entry goes that is used, by the segment in which it stands.
const USED: [usize; 4] = [WINDOW, PROTECTED, PROTECTED, PROTECTED];

/// The hash of an entry and the segment in which it stands.
#[derive(Clone, Copy, Debug)]
struct Resident(u32);

impl Resident {
    #[inline]
    fn new(hash: u32, segment: usize) -> Self {
        Self(hash << SEGMENT_BITS | segment as u32)
    }

    #[inline]
    fn hash(self) -> u32 {
        self.0 >> SEGMENT_BITS
    }

    #[inline]
    fn segment(self) -> usize {
        (self.0 % (1 << SEGMENT_BITS)) as usize
    }
}

/// A window, and behind it a segmented LRU (R. Karedla, J. S. Love, B. G. Wherry, "Caching
/// strategies to improve disk system performance", IEEE Computer 1994). 17 bytes a slot.
#[derive(Clone, Debug)]
pub(crate) struct Segments<const RECORDS: usize = 1024> {
    /// By segment; the last used at the front.
    queues: SlotQueues<3, Resident, RECORDS>,
    window_share: f64,
    /// The same with [`SHARE_BITS`] behind the point, rounded up.
    window_bits: u64,
    /// Entries came from probation to protected, of which there may be too many now.
    are_promoted: bool,
    /// The number of entries at which some have to leave, with [`LEN_BITS`] behind the point.
    full_len: u64,
}

impl<const RECORDS: usize> Segments<RECORDS> {
    pub(crate) fn new(bound: u32, window_share: f64) -> Self {
        let queues = SlotQueues::new(bound, Resident(0), RECORDS_PER_SLOT);
        let full_len = u64::from(u32::MAX) << LEN_BITS;
        let mut segments =
            Self { queues, window_share, window_bits: 0, are_promoted: false, full_len };
        segments.set_window_share(window_share);
        segments
    }

    #[inline]
    pub(crate) fn len(&self) -> u32 {
        self.queues.len(WINDOW) + self.behind()
    }

    /// Entries behind the window.
    #[inline]
    fn behind(&self) -> u32 {
        self.queues.len(PROBATION) + self.queues.len(PROTECTED)
    }

    /// The hash of an entry.
    #[inline]
    pub(crate) fn hash(&self, slot: u32) -> u32 {
        self.queues.with(slot).hash()
    }

    pub(crate) fn window_share(&self) -> f64 {
        self.window_share
    }

    /// Takes effect as entries come.
    pub(crate) fn set_window_share(&mut self, share: f64) {
        self.settle();
        self.window_share = share;
        self.window_bits = (share * (1_u64 << SHARE_BITS) as f64).ceil() as u64;
    }

    /// Sets the number of entries at which some have to leave.
    pub(crate) fn set_full_len(&mut self, entries: u32) {
        self.full_len = u64::from(entries) << LEN_BITS;
    }

    /// Records that an entry has to leave at the present number of entries. A policy is not told how
    /// many entries fit. A node reports many new entries before it asks for as many victims, so the
    /// number of entries rises and falls. `full_len` follows its low points: it falls at once, and
    /// rises by a 1,024th of the difference.
    #[inline]
    pub(crate) fn learn_full_len(&mut self) {
        let len = u64::from(self.len()) << LEN_BITS;
        self.full_len += len.saturating_sub(self.full_len).div_ceil(1 << LEN_BITS);
        self.full_len = self.full_len.min(len);
    }

    /// The number of entries without the new ones that still need room. The new ones are counted as a
    /// sixteenth of all at most, which is more than a node reports at a time. The limit matters after
    /// a restart: the node then asks for victims before the policy knows all entries.
    #[inline]
    pub(crate) fn settled_len(&self) -> u32 {
        let len = self.len();
        len.min(((self.full_len >> LEN_BITS) as u32).max(len - len / 16))
    }

    /// The number of entries that stay behind the window. The window has its share, and the new
    /// entries that still need room.
    #[inline]
    fn limit_behind(&self) -> u32 {
        let entries = self.settled_len();
        let window = ((u64::from(entries) * self.window_bits) >> SHARE_BITS) as u32;
        entries.saturating_sub(window.max(1))
    }

    #[inline]
    fn move_to(&mut self, segment: usize, slot: u32) {
        let resident = self.queues.with(slot);
        let moved = Resident::new(resident.hash(), segment);
        self.queues.move_to_front(resident.segment(), segment, slot, moved);
    }

    /// Sends the coldest protected entries back to probation until no more than may be are
    /// left. Uses need not do that one by one: the same entries go in the same order, and
    /// whether a use promotes its entry is a branch that nobody could predict.
    #[inline]
    pub(crate) fn settle(&mut self) {
        if self.are_promoted {
            self.demote();
        }
    }

    #[inline(never)]
    fn demote(&mut self) {
        self.are_promoted = false;
        let most = (u64::from(self.limit_behind()) * 4 / 5) as u32;
        while self.queues.len(PROTECTED) > most
            && let Some(coldest) = self.queues.back(PROTECTED)
        {
            self.move_to(PROBATION, coldest);
        }
    }

    /// The entry was used. Returns its hash.
    #[inline]
    pub(crate) fn touch(&mut self, slot: u32) -> u32 {
        let resident = self.queues.with(slot);
        let (segment, hash) = (resident.segment(), resident.hash());
        let used = USED[segment];
        self.queues.move_to_front(segment, used, slot, Resident::new(hash, used));
        self.are_promoted |= segment == PROBATION;
        hash
    }

    /// Takes a slot out. Returns its hash.
    pub(crate) fn remove(&mut self, slot: u32) -> u32 {
        self.settle();
        let resident = self.queues.with(slot);
        self.queues.remove(resident.segment(), slot);
        resident.hash()
    }

    /// A new entry comes. Entries leave the window without a comparison only while there is room
    /// behind it.
    pub(crate) fn insert(&mut self, slot: u32, hash: u32) {
        self.settle();
        self.queues.push_front(WINDOW, slot, Resident::new(hash, WINDOW));
        while self.behind() < self.limit_behind()
            && let Some(coldest) = self.queues.back(WINDOW)
        {
            self.move_to(PROBATION, coldest);
        }
    }

    /// Takes an entry out, to make room for one that comes. If there are not too many behind the
    /// window its coldest entry leaves it, and stays in place of the coldest one behind the
    /// window if it `deserves` to: `deserves(newcomer, victim)`, by their hashes.
    pub(crate) fn evict(&mut self, deserves: impl FnOnce(u32, u32) -> bool) -> Option<u32> {
        self.settle();
        let behind = if self.queues.is_empty(PROBATION) { PROTECTED } else { PROBATION };
        let is_too_long = self.behind() > self.limit_behind();
        if is_too_long && let Some(victim) = self.queues.pop_back(behind) {
            return Some(victim);
        }
        let newcomer = self.queues.back(WINDOW)?;
        if let Some(victim) = self.queues.back(behind)
            && deserves(self.hash(newcomer), self.hash(victim))
        {
            self.queues.pop_back(behind);
            self.move_to(PROBATION, newcomer);
            return Some(victim);
        }
        self.queues.pop_back(WINDOW)
    }

    #[cfg(test)]
    pub(crate) fn dump(&self) -> [Vec<u32>; 3] {
        let mut settled = self.clone();
        settled.settle();
        [WINDOW, PROBATION, PROTECTED].map(|segment| settled.queues.iter(segment).collect())
    }
}
