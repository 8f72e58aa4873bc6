//! Several queues of slots, each in the order of the last push: what LRU-like policies are made of.

use crate::SlotArray;

/// No chunk, or no record.
const NONE: u32 = u32::MAX;

/// Chunks that a log may hold beside.
const SPARE_CHUNKS: u32 = 3;

/// Most chunks that are swept when a new one is opened. Two are enough where slots come and
/// go evenly; without a bound, one push after many removals would sweep them all.
const SWEEPS_PER_CHUNK: u32 = 4;

/// `N` queues of slots, from the one pushed last to the one pushed first. A slot stands in
/// at most one of them, at most once. All operations take amortised constant time. A push reads
/// a few chunks at most; a look at the back, or a pop, reads all records of slots that were removed
/// before it.
///
/// A queue is a log, not a linked list: a push appends the slot, which makes the record dead
/// that it had before, and the back of the queue is the oldest record that is alive. A
/// list goes to three places in memory for each push, and can't look for a victim
/// before it has read the links of the one before; here a push goes to one place, and
/// the rest is read and written in order. When too many of its records are dead the
/// log is swept, a chunk at a time.
///
/// Each slot has a `T` beside, which is read and written with its place at once.
///
/// It takes 4 bytes for each slot and its `T`, and for each slot in a queue at most as many
/// records of 4 bytes as [`new`](Self::new) was told.
#[derive(Clone, Debug)]
pub struct SlotQueues<const N: usize, T = (), const RECORDS: usize = 1024> {
    places: SlotArray<Place<T>>,
    /// `RECORDS` of each chunk, from old to new. A record is alive while its slot's place
    /// is here.
    records: SlotArray<u32>,
    chunks: Vec<Chunk>,
    /// A chunk that is not used leads to the next such one.
    unused: u32,
    logs: [Log; N],
    records_per_slot: f64,
}

/// What is known of a slot.
#[derive(Clone, Copy, Debug)]
struct Place<T> {
    /// Where its live record is.
    record: u32,
    with: T,
}

#[derive(Clone, Copy, Debug)]
struct Chunk {
    /// How many records there are, unless it is the chunk at the front.
    filled: u32,
    /// The chunk of newer records.
    newer: u32,
}

/// A queue.
#[derive(Clone, Copy, Debug)]
struct Log {
    /// Where the next record goes, in the chunk of the newest ones, and that chunk's end.
    next: u32,
    end: u32,
    /// Slots that came to the queue and that left it, modulo 2^32. A move within it changes
    /// both, and the processor need not do one after the other.
    came: u32,
    left: u32,
    in_use: u32,
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
}

impl Log {
    /// As if a chunk were full: the first push opens one.
    const EMPTY: Self = Self {
        next: 0,
        end: 0,
        came: 0,
        left: 0,
        in_use: 0,
        front: NONE,
        back: NONE,
        unread: 0,
        unread_end: 0,
        kept: NONE,
    };

    #[inline]
    fn len(&self) -> u32 {
        self.came.wrapping_sub(self.left)
    }

    #[inline]
    fn count_in(&mut self) {
        self.came = self.came.wrapping_add(1);
    }

    #[inline]
    fn count_out(&mut self) {
        self.left = self.left.wrapping_add(1);
    }
}

impl<const N: usize, T: Copy, const RECORDS: usize> SlotQueues<N, T, RECORDS> {
    /// Records of a chunk.
    const CHUNK: u32 = RECORDS as u32;

    /// Empty queues for slots below `bound`, with `vacant` beside each. A log is swept when
    /// it holds more than `records_per_slot` records, 2 at least, for each slot in its queue:
    /// the more may be dead, the less is swept.
    pub fn new(bound: u32, vacant: T, records_per_slot: f64) -> Self {
        let most = (f64::from(bound) * records_per_slot) as u32;
        let most = most.saturating_add(N as u32 * (SPARE_CHUNKS + 1) * Self::CHUNK);
        Self {
            places: SlotArray::new(bound, Place { record: NONE, with: vacant }),
            records: SlotArray::new(most, 0),
            chunks: Vec::new(),
            unused: NONE,
            logs: [Log::EMPTY; N],
            records_per_slot,
        }
    }

    /// How many slots stand in a queue.
    #[inline]
    pub fn len(&self, queue: usize) -> u32 {
        self.logs[queue].len()
    }

    /// Whether no slot stands in a queue.
    pub fn is_empty(&self, queue: usize) -> bool {
        self.logs[queue].len() == 0
    }

    /// What is kept beside a slot.
    #[inline]
    pub fn with(&self, slot: u32) -> T {
        self.places.get(slot).with
    }

    /// Whether a slot stands in a queue. Wrong for a slot that was popped.
    pub(crate) fn has_record(&self, slot: u32) -> bool {
        self.places.get(slot).record != NONE
    }

    /// Puts a slot that stands in no queue first.
    #[inline]
    pub fn push_front(&mut self, queue: usize, slot: u32, with: T) {
        self.logs[queue].count_in();
        self.append(queue, slot, with);
    }

    /// Moves a slot of the queue `from` to the front of `to`, which may be the same.
    #[inline]
    pub fn move_to_front(&mut self, from: usize, to: usize, slot: u32, with: T) {
        self.logs[from].count_out();
        self.logs[to].count_in();
        self.append(to, slot, with);
    }

    #[inline]
    fn append(&mut self, queue: usize, slot: u32, with: T) {
        if self.logs[queue].next == self.logs[queue].end {
            self.open_front(queue);
        }
        let log = &mut self.logs[queue];
        let record = log.next;
        log.next += 1;
        self.records.set(record, slot);
        self.places.set(slot, Place { record, with });
    }

    /// Takes a slot out of the queue in which it stands.
    #[inline]
    pub fn remove(&mut self, queue: usize, slot: u32) {
        self.places.get_mut(slot).record = NONE;
        self.logs[queue].count_out();
    }

    /// The last slot of a queue.
    #[inline]
    pub fn back(&mut self, queue: usize) -> Option<u32> {
        if self.logs[queue].len() == 0 {
            return None;
        }
        loop {
            while self.logs[queue].unread == self.logs[queue].unread_end {
                self.go_on(queue);
            }
            let record = self.logs[queue].unread;
            let slot = self.records.get(record);
            if self.places.get(slot).record == record {
                return Some(slot);
            }
            self.logs[queue].unread += 1;
        }
    }

    /// Takes the last slot out of a queue.
    #[inline]
    pub fn pop_back(&mut self, queue: usize) -> Option<u32> {
        let slot = self.back(queue)?;
        let log = &mut self.logs[queue];
        log.unread += 1;
        log.count_out();
        Some(slot)
    }

    /// The slots of a queue from front to back; for tests and tools, because it copies them.
    pub fn iter(&self, queue: usize) -> impl Iterator<Item = u32> + use<N, T, RECORDS> {
        let mut slots = Vec::with_capacity(self.len(queue) as usize);
        let mut chunk = self.logs[queue].back;
        while chunk != NONE {
            let mut live = [0; RECORDS];
            let count = self.collect(queue, chunk, &mut live);
            slots.extend_from_slice(&live[..count]);
            chunk = self.chunks[chunk as usize].newer;
        }
        slots.into_iter().rev()
    }

    /// Where the records of a chunk end.
    fn end_of(&self, queue: usize, chunk: u32) -> u32 {
        match chunk == self.logs[queue].front {
            true => self.logs[queue].next,
            false => chunk * Self::CHUNK + self.chunks[chunk as usize].filled,
        }
    }

    #[cold]
    #[inline(never)]
    fn open_front(&mut self, queue: usize) {
        let opened = self.open(queue);
        match self.logs[queue].front {
            NONE => self.read_from(queue, opened),
            full => self.chunks[full as usize] = Chunk { filled: Self::CHUNK, newer: opened },
        }
        let log = &mut self.logs[queue];
        log.front = opened;
        (log.next, log.end) = (opened * Self::CHUNK, (opened + 1) * Self::CHUNK);
        for _ in 0..SWEEPS_PER_CHUNK {
            if !self.is_full() {
                return;
            }
            self.sweep(self.most_dead());
        }
    }

    /// Whether the logs have more chunks than they may.
    fn is_full(&self) -> bool {
        let (mut len, mut in_use) = (0, 0);
        for log in &self.logs {
            len += u64::from(log.len());
            in_use += log.in_use;
        }
        let records = (len as f64 * self.records_per_slot) as u64;
        u64::from(in_use) > records / u64::from(Self::CHUNK) + N as u64 * u64::from(SPARE_CHUNKS)
    }

    /// The queue whose log has the most dead records.
    fn most_dead(&self) -> usize {
        let dead = |queue: &usize| {
            let log = &self.logs[*queue];
            u64::from(log.in_use) * u64::from(Self::CHUNK) - u64::from(log.len())
        };
        (0..N).max_by_key(dead).unwrap_or(0)
    }

    fn open(&mut self, queue: usize) -> u32 {
        self.logs[queue].in_use += 1;
        if self.unused == NONE {
            self.chunks.push(Chunk { filled: 0, newer: NONE });
            return self.chunks.len() as u32 - 1;
        }
        let opened = self.unused;
        self.unused = std::mem::replace(&mut self.chunks[opened as usize].newer, NONE);
        opened
    }

    /// Gives a chunk free that no other leads to any more.
    fn close(&mut self, queue: usize, chunk: u32) {
        let log = &mut self.logs[queue];
        if log.kept == chunk {
            log.kept = NONE;
        }
        log.in_use -= 1;
        self.chunks[chunk as usize].newer = self.unused;
        self.unused = chunk;
    }

    /// Finds more to read where all that was known of has been read. What is dead in a
    /// chunk that comes to the back is sorted out at once, which is far cheaper than to
    /// meet it between others.
    #[cold]
    #[inline(never)]
    fn go_on(&mut self, queue: usize) {
        let read = self.logs[queue].back;
        let end = self.end_of(queue, read);
        if self.logs[queue].unread_end < end {
            self.logs[queue].unread_end = end;
            return;
        }
        self.read_from(queue, self.chunks[read as usize].newer);
        self.close(queue, read);
        let back = self.logs[queue].back;
        if back != self.logs[queue].front {
            let mut live = [0; RECORDS];
            let count = self.collect(queue, back, &mut live);
            if count < self.chunks[back as usize].filled as usize {
                self.lay(back, 0, &live[..count]);
            }
        }
    }

    /// Makes `chunk` the one at the back, to be read anew.
    fn read_from(&mut self, queue: usize, chunk: u32) {
        let log = &mut self.logs[queue];
        log.back = chunk;
        (log.unread, log.unread_end) = (chunk * Self::CHUNK, chunk * Self::CHUNK);
    }

    /// Compacts one chunk: appends its live records to the records that earlier calls kept at
    /// the back. A sweep visits the chunks from the back to the front, but not the front chunk,
    /// which is still being filled. Then the next sweep starts at the back.
    fn sweep(&mut self, queue: usize) {
        let Log { front, back, kept, .. } = self.logs[queue];
        let mut swept = match kept {
            NONE => back,
            kept => self.chunks[kept as usize].newer,
        };
        if swept == front {
            swept = back;
        }
        if swept == front {
            return;
        }
        let mut live = [0; RECORDS];
        let count = self.collect(queue, swept, &mut live);
        let live = &live[..count];
        if swept == back {
            self.logs[queue].kept = swept;
            self.lay(swept, 0, live);
            self.read_from(queue, swept);
            return;
        }
        let filled = self.chunks[kept as usize].filled;
        let (moved, left) = live.split_at(live.len().min((Self::CHUNK - filled) as usize));
        self.lay(kept, filled, moved);
        if left.is_empty() {
            self.chunks[kept as usize].newer = self.chunks[swept as usize].newer;
            self.close(queue, swept);
        } else {
            self.logs[queue].kept = swept;
            self.lay(swept, 0, left);
        }
    }

    /// Writes the slots of a chunk's live records, from old to new, and says how many.
    fn collect(&self, queue: usize, chunk: u32, live: &mut [u32; RECORDS]) -> usize {
        let (mut record, mut count) = (chunk * Self::CHUNK, 0);
        if chunk == self.logs[queue].back {
            record = self.logs[queue].unread;
        }
        let (eights, rest) = self.records.range(record..self.end_of(queue, chunk)).as_chunks::<8>();
        let mut add = |slot| {
            // Without a branch, which nobody could predict.
            live[count % RECORDS] = slot;
            count += usize::from(self.places.get(slot).record == record);
            record += 1;
        };
        for eight in eights {
            eight.iter().for_each(|slot| add(*slot));
        }
        rest.iter().for_each(|slot| add(*slot));
        count
    }

    /// Fills a chunk with live records, from its record `first` on.
    fn lay(&mut self, chunk: u32, first: u32, slots: &[u32]) {
        let place = chunk * Self::CHUNK + first;
        for (record, &slot) in (place..).zip(slots) {
            self.records.set(record, slot);
            self.places.get_mut(slot).record = record;
        }
        self.chunks[chunk as usize].filled = first + slots.len() as u32;
    }
}

#[cfg(test)]
mod tests;
