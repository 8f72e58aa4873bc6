//! A queue of slots in the order of their last push: what FIFO and LRU are made of.

use crate::{SlotArray, State};

/// Records of a chunk.
const RECORDS: u32 = 1024;

/// No chunk, or no record.
const NONE: u32 = u32::MAX;

/// Records that the log may hold for each slot that stands in the queue. A larger log
/// is swept more seldom.
const LOG_RECORDS_PER_SLOT: u32 = 3;

/// Chunks that the log may hold beside.
const SPARE_CHUNKS: u32 = 3;

/// Most chunks that are swept when a new one is opened. One and a half are enough where
/// slots come and go evenly; without a bound, one push after many removals would sweep
/// them all.
const SWEEPS_PER_CHUNK: u32 = 4;

/// Slots from the one pushed last to the one pushed first, each at most once. All
/// operations take amortised constant time, and none more than a few chunks' worth.
///
/// It is a log, not a linked list: a push appends the slot, which makes the record dead
/// that it had before, and the back of the queue is the oldest record that is alive. A
/// list goes to three places in memory for each push, and can't look for a victim
/// before it has read the links of the one before; here a push goes to one place, and
/// the rest is read and written in order. When two thirds of its records are dead the
/// log is swept, a chunk at a time.
///
/// It takes 16 bytes for each slot in it: 4 for the place of its record, and at most
/// three records.
#[derive(Clone, Debug)]
pub struct SlotQueue {
    /// Where the live record of each slot is.
    places: SlotArray<u32>,
    /// The log: 1,024 records of each chunk, from old to new. A record is alive while its
    /// slot's place is here.
    records: SlotArray<u32>,
    chunks: Vec<Chunk>,
    /// A chunk that is not used leads to the next such one.
    unused: u32,
    in_use: u32,
    /// Where the next record goes, in the chunk of the newest ones, and that chunk's end.
    next: u32,
    end: u32,
    /// The chunk of the newest records.
    front: u32,
    /// The chunk of the oldest records.
    back: u32,
    /// The first record of it that has not been read: those before it are dead, whatever
    /// `places` says.
    unread: u32,
    /// Up to where it may be read. While it is the chunk at the front, too, more follow.
    unread_end: u32,
    /// The chunk that gets what a sweep keeps.
    kept: u32,
    len: u32,
}

#[derive(Clone, Copy, Debug)]
struct Chunk {
    /// How many records there are, unless it is the chunk at the front.
    filled: u32,
    /// The chunk of newer records.
    newer: u32,
}

impl SlotQueue {
    /// An empty queue for slots below `bound`.
    pub fn new(bound: u32) -> Self {
        let most = bound.saturating_mul(LOG_RECORDS_PER_SLOT);
        let most = most.saturating_add((SPARE_CHUNKS + 1) * RECORDS);
        Self {
            places: SlotArray::new(bound, NONE),
            records: SlotArray::new(most, 0),
            chunks: Vec::new(),
            unused: NONE,
            in_use: 0,
            // As if a chunk were full: the first push opens one.
            next: 0,
            end: 0,
            front: NONE,
            back: NONE,
            unread: 0,
            unread_end: 0,
            kept: NONE,
            len: 0,
        }
    }

    /// How many slots stand in it.
    pub fn len(&self) -> u32 {
        self.len
    }

    /// Whether no slot stands in it.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Puts a slot that does not stand in the queue first.
    #[inline]
    pub fn push_front(&mut self, slot: u32) {
        self.move_to_front(slot);
        self.len += 1;
    }

    /// Moves a slot of the queue to the front.
    #[inline]
    pub fn move_to_front(&mut self, slot: u32) {
        if self.next == self.end {
            self.open_front();
        }
        self.records.set(self.next, slot);
        self.places.set(slot, self.next);
        self.next += 1;
    }

    /// Takes a slot out of the queue, in which it must stand.
    #[inline]
    pub fn remove(&mut self, slot: u32) {
        self.places.set(slot, NONE);
        self.len -= 1;
    }

    /// Takes the last slot out.
    #[inline]
    pub fn pop_back(&mut self) -> Option<u32> {
        if self.len == 0 {
            return None;
        }
        loop {
            while self.unread == self.unread_end {
                self.go_on();
            }
            let place = self.unread;
            self.unread += 1;
            let slot = self.records.get(place);
            if self.places.get(slot) == place {
                self.len -= 1;
                return Some(slot);
            }
        }
    }

    /// The slots from front to back; for tests and tools, because it copies them.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        let mut slots = Vec::with_capacity(self.len as usize);
        let mut chunk = self.back;
        while chunk != NONE {
            let mut live = [0; RECORDS as usize];
            let count = self.collect(chunk, &mut live);
            slots.extend_from_slice(&live[..count]);
            chunk = self.chunks[chunk as usize].newer;
        }
        slots.into_iter().rev()
    }

    /// Appends the slots from back to front to the state of a policy, with their number before.
    pub fn save(&self, state: &mut Vec<u8>) {
        let slots: Vec<u32> = self.iter().collect();
        state.extend(self.len.to_le_bytes());
        state.extend(slots.into_iter().rev().flat_map(u32::to_le_bytes));
    }

    /// A queue of slots below `bound` that [`save`](Self::save) wrote; `None` if it is none.
    pub fn restore(bound: u32, state: &mut State<'_>) -> Option<Self> {
        let mut queue = Self::new(bound);
        for _ in 0..state.u32()? {
            let slot = state.u32().filter(|slot| *slot < bound)?;
            if queue.places.get(slot) != NONE {
                return None;
            }
            queue.push_front(slot);
        }
        Some(queue)
    }

    /// Where the records of a chunk end.
    fn end_of(&self, chunk: u32) -> u32 {
        match chunk == self.front {
            true => self.next,
            false => chunk * RECORDS + self.chunks[chunk as usize].filled,
        }
    }

    #[cold]
    #[inline(never)]
    fn open_front(&mut self) {
        let opened = self.open();
        match self.front {
            NONE => self.read_from(opened),
            full => self.chunks[full as usize] = Chunk { filled: RECORDS, newer: opened },
        }
        self.front = opened;
        (self.next, self.end) = (opened * RECORDS, (opened + 1) * RECORDS);
        for _ in 0..SWEEPS_PER_CHUNK {
            let records = u64::from(self.len) * u64::from(LOG_RECORDS_PER_SLOT);
            if u64::from(self.in_use) > records / u64::from(RECORDS) + u64::from(SPARE_CHUNKS) {
                self.sweep();
            }
        }
    }

    fn open(&mut self) -> u32 {
        self.in_use += 1;
        if self.unused == NONE {
            self.chunks.push(Chunk { filled: 0, newer: NONE });
            return self.chunks.len() as u32 - 1;
        }
        let opened = self.unused;
        self.unused = std::mem::replace(&mut self.chunks[opened as usize].newer, NONE);
        opened
    }

    /// Gives a chunk free that no other leads to any more.
    fn close(&mut self, chunk: u32) {
        if self.kept == chunk {
            self.kept = NONE;
        }
        self.chunks[chunk as usize].newer = self.unused;
        self.unused = chunk;
        self.in_use -= 1;
    }

    /// Finds more to read where all that was known of has been read. What is dead in a
    /// chunk that comes to the back is sorted out at once, which is far cheaper than to
    /// meet it between others.
    #[cold]
    #[inline(never)]
    fn go_on(&mut self) {
        let end = self.end_of(self.back);
        if self.unread_end < end {
            self.unread_end = end;
            return;
        }
        let read = self.back;
        self.read_from(self.chunks[read as usize].newer);
        self.close(read);
        if self.back != self.front {
            let mut live = [0; RECORDS as usize];
            let count = self.collect(self.back, &mut live);
            self.lay(self.back, 0, &live[..count]);
        }
    }

    /// Makes `chunk` the one at the back, to be read anew.
    fn read_from(&mut self, chunk: u32) {
        self.back = chunk;
        (self.unread, self.unread_end) = (chunk * RECORDS, chunk * RECORDS);
    }

    /// Moves the live records of one chunk towards the back, next to those that were
    /// kept before. A sweep goes from the back up to the chunk at the front, which is
    /// still being filled, and then begins anew.
    fn sweep(&mut self) {
        let mut swept = match self.kept {
            NONE => self.back,
            kept => self.chunks[kept as usize].newer,
        };
        if swept == self.front {
            swept = self.back;
        }
        if swept == self.front {
            return;
        }
        let mut live = [0; RECORDS as usize];
        let count = self.collect(swept, &mut live);
        let live = &live[..count];
        if swept == self.back {
            self.kept = swept;
            self.lay(swept, 0, live);
            self.read_from(swept);
            return;
        }
        let kept = self.chunks[self.kept as usize].filled;
        let (moved, left) = live.split_at(live.len().min((RECORDS - kept) as usize));
        self.lay(self.kept, kept, moved);
        if left.is_empty() {
            self.chunks[self.kept as usize].newer = self.chunks[swept as usize].newer;
            self.close(swept);
        } else {
            self.kept = swept;
            self.lay(swept, 0, left);
        }
    }

    /// Writes the slots of a chunk's live records, from old to new, and says how many.
    fn collect(&self, chunk: u32, live: &mut [u32; RECORDS as usize]) -> usize {
        let (mut place, mut count) = (chunk * RECORDS, 0);
        if chunk == self.back {
            place = self.unread;
        }
        let (eights, rest) = self.records.range(place..self.end_of(chunk)).as_chunks::<8>();
        let mut add = |slot| {
            // Without a branch, which nobody could predict.
            live[count % RECORDS as usize] = slot;
            count += usize::from(self.places.get(slot) == place);
            place += 1;
        };
        for eight in eights {
            eight.iter().for_each(|slot| add(*slot));
        }
        rest.iter().for_each(|slot| add(*slot));
        count
    }

    /// Fills a chunk with live records, from its record `first` on.
    fn lay(&mut self, chunk: u32, first: u32, slots: &[u32]) {
        let place = chunk * RECORDS + first;
        for (place, &slot) in (place..).zip(slots) {
            self.records.set(place, slot);
            self.places.set(slot, place);
        }
        self.chunks[chunk as usize].filled = first + slots.len() as u32;
    }
}

#[cfg(test)]
mod tests;
