//! GDSF, GreedyDual-Size with frequency: the entry that saves the least for the room that
//! it takes leaves first. Its priority is H = L + uses x value / weight, where L is the
//! priority of the last entry that was evicted; so what is not used any more grows old.
//!
//! L. Cherkasova, "Improving WWW proxies performance with Greedy-Dual-Size-Frequency caching
//! policy", HP Laboratories report HPL-98-69R1, 1998. Of equal priorities the one whose
//! entry was used last longer ago leaves first.
//!
//! Option: `value`, what a hit is worth. `load-time` (the default): the microseconds that
//! the entry took to load. An entry that was set took none to load; it counts as the mean
//! of the resident ones that were loaded. `objects`: one, for the highest hit ratio.
//! `bytes`: the weight, for the highest share of bytes.
//!
//! A use and an eviction are O(log n). 40 bytes an entry, and 4 for its weight in the SDK.

mod heap;

use heap::Heap;
use psycache_plugin::{Config, ConfigError, Entry, Policy, SlotArray, export_policy};

/// What a hit is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Value {
    LoadTime,
    Objects,
    Bytes,
}

impl Value {
    fn parse(text: Option<&str>) -> Result<Self, ConfigError> {
        match text.unwrap_or("load-time") {
            "load-time" => Ok(Self::LoadTime),
            "objects" => Ok(Self::Objects),
            "bytes" => Ok(Self::Bytes),
            other => Err(ConfigError::invalid(
                "value",
                format!("`{other}` is not allowed, it must be load-time, objects or bytes"),
            )),
        }
    }
}

/// What the priority of an entry is made of.
#[derive(Clone, Copy, Debug)]
struct Worth {
    uses: u32,
    weight: u32,
    /// Microseconds that the entry took to load; 0: it was set.
    cost_us: u32,
}

/// GreedyDual-Size with frequency.
#[derive(Debug)]
pub struct Gdsf {
    heap: Heap,
    worths: SlotArray<Worth>,
    value: Value,
    /// L: the priority of the last entry that was evicted.
    inflation: f64,
    /// Of the resident entries that were loaded: how many, and their costs.
    loaded: u32,
    cost_us: u64,
}

impl Gdsf {
    /// Remembers what the entry at `slot` is worth.
    fn set(&mut self, slot: u32, uses: u32, entry: &Entry) {
        let Entry { weight, cost_us, .. } = *entry;
        self.worths.set(slot, Worth { uses, weight, cost_us });
        self.loaded += u32::from(cost_us > 0);
        self.cost_us += u64::from(cost_us);
    }

    /// The entry at `slot` leaves, or is worth something else from now on.
    fn clear(&mut self, slot: u32) {
        let cost_us = self.worths.get(slot).cost_us;
        self.loaded -= u32::from(cost_us > 0);
        self.cost_us -= u64::from(cost_us);
    }

    fn priority(&self, slot: u32) -> f64 {
        let Worth { uses, weight, cost_us } = self.worths.get(slot);
        let value = match self.value {
            Value::Objects => 1.0,
            Value::Bytes => f64::from(weight),
            Value::LoadTime if cost_us > 0 => f64::from(cost_us),
            // Where no cost is known, all count the same.
            Value::LoadTime if self.loaded == 0 => 1.0,
            Value::LoadTime => self.cost_us as f64 / f64::from(self.loaded),
        };
        self.inflation + f64::from(uses) * value / f64::from(weight)
    }

    fn count_use(&mut self, slot: u32) {
        let worth = self.worths.get_mut(slot);
        worth.uses = worth.uses.saturating_add(1);
        self.heap.change(slot, self.priority(slot));
    }
}

impl Policy for Gdsf {
    fn configure(config: &Config) -> Result<Self, ConfigError> {
        let options = config.options();
        let value = Value::parse(options.text("value"))?;
        options.finish()?;
        let bound = config.max_entries;
        let nothing = Worth { uses: 0, weight: 1, cost_us: 0 };
        Ok(Self {
            heap: Heap::new(bound),
            worths: SlotArray::new(bound, nothing),
            value,
            inflation: 0.0,
            loaded: 0,
            cost_us: 0,
        })
    }

    fn touch(&mut self, slot: u32) {
        self.count_use(slot);
    }

    fn insert(&mut self, slot: u32, entry: &Entry) {
        self.set(slot, 1, entry);
        self.heap.push(slot, self.priority(slot));
    }

    fn overwrite(&mut self, slot: u32, entry: &Entry) {
        self.clear(slot);
        self.set(slot, self.worths.get(slot).uses, entry);
        self.count_use(slot);
    }

    fn remove(&mut self, slot: u32) {
        self.clear(slot);
        self.heap.remove(slot);
    }

    fn victim(&mut self) -> Option<u32> {
        let (slot, priority) = self.heap.pop()?;
        self.inflation = priority;
        self.clear(slot);
        Some(slot)
    }
}

export_policy!(Gdsf);

#[cfg(test)]
mod tests;
