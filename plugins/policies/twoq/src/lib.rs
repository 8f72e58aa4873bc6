//! 2Q, full version: a new entry waits in a FIFO, A1in. If it is asked for again soon
//! after it left there, it joins an LRU list, Am, so that one pass over many keys
//! cannot drive out what is used all the time.
//!
//! T. Johnson, D. Shasha, "2Q: a low overhead high performance buffer management
//! replacement algorithm", VLDB 1994, section 3. A use in A1in changes nothing: it
//! most likely belongs to the one that brought the entry.
//!
//! Options: `in` (0.25), the share of the capacity that A1in may hold before it gives
//! entries up; `out` (0.5), how many hashes of entries evicted from A1in are kept, as
//! a share of the resident entries.
//!
//! 17 bytes an entry and 22 a remembered hash: 28 bytes an entry by default, and 4 for
//! its weight in the SDK.

use psycache_plugin::{
    Chain, Config, ConfigError, Entry, Ghosts, Links, Policy, SlotArray, export_policy,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Queue {
    In,
    Main,
}

/// 2Q, full version.
#[derive(Debug)]
pub struct TwoQ {
    queue_of: SlotArray<Queue>,
    hashes: SlotArray<u64>,
    /// Links both queues: an entry stands in one of them.
    links: Links,
    /// A1in, the last to arrive at the front.
    a1_in: Chain,
    a1_in_len: u32,
    /// Am, the last used at the front.
    am: Chain,
    /// A1out: hashes of what A1in gave up.
    a1_out: Ghosts,
    resident: u32,
    in_share: f64,
    out_share: f64,
}

impl TwoQ {
    /// A share of the resident entries, at least one of them.
    fn share_of_resident(&self, share: f64) -> u32 {
        ((f64::from(self.resident) * share) as u32).max(1)
    }

    fn pop_from_a1_in(&mut self) -> Option<u32> {
        // The paper looks an entry up in A1out, then makes room for it, then cuts A1out
        // to size. The node asks for room before it tells for which entry, so the cut
        // waits for `insert`; cutting here first keeps a series of evictions bounded.
        let limit = self.share_of_resident(self.out_share);
        let slot = self.a1_in.pop_back(&mut self.links)?;
        self.a1_in_len -= 1;
        self.a1_out.trim(limit);
        self.a1_out.push(self.hashes.get(slot));
        Some(slot)
    }
}

impl Policy for TwoQ {
    fn configure(config: &Config) -> Result<Self, ConfigError> {
        let options = config.options();
        let in_share = options.parse("in", 0.25, 0.0..=1.0)?;
        let out_share = options.parse("out", 0.5, 0.0..=16.0)?;
        options.finish()?;
        let bound = config.max_entries;
        let remembered = (f64::from(bound) * out_share) as u32;
        Ok(Self {
            queue_of: SlotArray::new(bound, Queue::In),
            hashes: SlotArray::new(bound, 0),
            links: Links::new(bound),
            a1_in: Chain::default(),
            a1_in_len: 0,
            am: Chain::default(),
            a1_out: Ghosts::new(remembered.saturating_add(2)),
            resident: 0,
            in_share,
            out_share,
        })
    }

    fn touch(&mut self, slot: u32) {
        if self.queue_of.get(slot) == Queue::Main {
            self.am.remove(&mut self.links, slot);
            self.am.push_front(&mut self.links, slot);
        }
    }

    fn insert(&mut self, slot: u32, entry: &Entry) {
        self.resident += 1;
        self.hashes.set(slot, entry.hash);
        let seen_before = self.a1_out.find(entry.hash).is_some();
        self.a1_out.trim(self.share_of_resident(self.out_share));
        if seen_before {
            if let Some(ghost) = self.a1_out.find(entry.hash) {
                self.a1_out.remove(ghost);
            }
            self.queue_of.set(slot, Queue::Main);
            self.am.push_front(&mut self.links, slot);
        } else {
            self.queue_of.set(slot, Queue::In);
            self.a1_in.push_front(&mut self.links, slot);
            self.a1_in_len += 1;
        }
    }

    fn remove(&mut self, slot: u32) {
        self.resident -= 1;
        match self.queue_of.get(slot) {
            Queue::Main => self.am.remove(&mut self.links, slot),
            Queue::In => {
                self.a1_in.remove(&mut self.links, slot);
                self.a1_in_len -= 1;
            }
        }
    }

    fn victim(&mut self) -> Option<u32> {
        let from_in = self.a1_in_len > self.share_of_resident(self.in_share) || self.am.is_empty();
        let slot = match from_in {
            true => self.pop_from_a1_in()?,
            false => self.am.pop_back(&mut self.links)?,
        };
        self.resident -= 1;
        Some(slot)
    }
}

export_policy!(TwoQ);

#[cfg(test)]
mod tests;
