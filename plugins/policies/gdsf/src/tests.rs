//! GDSF by its priorities, then against a plain table.

use psycache_plugin_testing::streams::Random;
use psycache_plugin_testing::{Model, Request, Simulator, agree, bytes_per_entry};

use super::*;

/// A resident entry of the plain table, which stands in the order of use.
#[derive(Clone, Copy, Debug)]
struct Plain {
    key: u64,
    uses: u32,
    entry: Entry,
    priority: f64,
}

/// GDSF over a table that is searched from end to end.
struct Table {
    capacity: usize,
    value: Value,
    inflation: f64,
    entries: Vec<Plain>,
}

impl Table {
    fn new(capacity: usize, value: Value) -> Self {
        Self { capacity, value, inflation: 0.0, entries: Vec::new() }
    }

    fn mean_cost_us(&self) -> f64 {
        let costs = self.entries.iter().map(|plain| plain.entry.cost_us).filter(|cost| *cost > 0);
        let costs: Vec<f64> = costs.map(f64::from).collect();
        if costs.is_empty() { 1.0 } else { costs.iter().sum::<f64>() / costs.len() as f64 }
    }

    /// Takes the entry of `key` to the end of the table, with the priority of now.
    fn used(&mut self, key: u64, entry: Option<Entry>) {
        let at = self.entries.iter().position(|plain| plain.key == key).expect("it is resident");
        let mut plain = self.entries.remove(at);
        plain.uses += 1;
        plain.entry = entry.unwrap_or(plain.entry);
        self.entries.push(plain);
        let value = match (self.value, plain.entry.cost_us) {
            (Value::Objects, _) => 1.0,
            (Value::Bytes, _) => f64::from(plain.entry.weight),
            (Value::LoadTime, 0) => self.mean_cost_us(),
            (Value::LoadTime, cost_us) => f64::from(cost_us),
        };
        let saved = f64::from(plain.uses) * value / f64::from(plain.entry.weight);
        let last = self.entries.last_mut().expect("it was just pushed");
        last.priority = self.inflation + saved;
    }

    fn insert(&mut self, key: u64, entry: Entry) {
        self.entries.push(Plain { key, uses: 0, entry, priority: 0.0 });
        self.used(key, None);
    }

    fn evict(&mut self) -> Option<u64> {
        let lowest = self.entries.iter().map(|plain| plain.priority).reduce(f64::min)?;
        let at = self.entries.iter().position(|plain| plain.priority == lowest)?;
        self.inflation = lowest;
        Some(self.entries.remove(at).key)
    }
}

fn entry(key: u64, weight: u32, cost_us: u32) -> Entry {
    Entry { hash: key, weight, cost_us, ttl_ms: 0 }
}

impl Model for Table {
    fn request(&mut self, key: u64) -> Request {
        if self.entries.iter().any(|plain| plain.key == key) {
            self.used(key, None);
            return Request { hit: true, evicted: None };
        }
        let full = self.entries.len() == self.capacity;
        let evicted = if full { self.evict() } else { None };
        self.insert(key, entry(key, 1, 0));
        Request { hit: false, evicted }
    }

    fn remove(&mut self, key: u64) {
        self.entries.retain(|plain| plain.key != key);
    }
}

fn policy(value: &str) -> Gdsf {
    Gdsf::configure(&Config::new(100, 100).option("value", value)).expect("a known value")
}

/// All victims, coldest first.
fn drain(policy: &mut Gdsf) -> Vec<u32> {
    std::iter::from_fn(|| policy.victim()).collect()
}

/// Slots 0 to 3: 0 is large, 1 is slow to load, 2 is used twice, 3 is as 0 but small.
fn four(value: &str) -> Gdsf {
    let mut policy = policy(value);
    for (slot, weight, cost_us) in [(0, 100, 1_000), (1, 10, 9_000), (2, 10, 1_000), (3, 10, 1_000)]
    {
        policy.insert(slot, &entry(slot.into(), weight, cost_us));
    }
    policy.touch(2);
    policy
}

#[test]
fn the_value_decides_who_leaves() {
    // H, load time: 0: 10, 1: 900, 2: 200, 3: 100.
    assert_eq!(drain(&mut four("load-time")), [0, 3, 2, 1]);
    // Objects: 0: 0.01, 1: 0.1, 2: 0.2, 3: 0.1, and 1 was used before 3.
    assert_eq!(drain(&mut four("objects")), [0, 1, 3, 2]);
    // Bytes: 0: 1, 1: 1, 2: 2, 3: 1.
    assert_eq!(drain(&mut four("bytes")), [0, 1, 3, 2]);
}

#[test]
fn what_was_used_long_ago_grows_old() {
    let mut cache = Simulator::<Gdsf>::new(2, &[]).expect("no options");
    for key in [1, 1, 1] {
        cache.request(key);
    }
    // H of 1 is 3. That of the newcomers is L + 1: 2 to 4 have 1, 2 and 3, and 1 is older.
    let evicted = [2, 3, 4, 5].map(|key| cache.request(key).evicted);
    assert_eq!(evicted, [None, Some(2), Some(3), Some(1)]);
}

#[test]
fn a_value_that_was_set_costs_the_mean() {
    let mut policy = policy("load-time");
    for (slot, cost_us) in [(0, 100), (1, 300), (2, 0)] {
        policy.insert(slot, &entry(slot.into(), 1, cost_us));
    }
    // H: 100, 300, and the mean of both.
    assert_eq!(drain(&mut policy), [0, 2, 1]);
    // Evicted entries do not count any more: L is 300, so H is 300 + 1 and 300 + 50.
    policy.insert(0, &entry(0, 1, 0));
    policy.insert(1, &entry(1, 1, 50));
    assert_eq!(policy.victim(), Some(0));
}

#[test]
fn an_overwritten_entry_has_its_new_weight_and_cost() {
    let mut policy = four("load-time");
    // H: 0: 2 x 9,000 / 1, 1: 2 x 1 / 10.
    policy.overwrite(0, &entry(0, 1, 9_000));
    policy.overwrite(1, &entry(1, 10, 1));
    assert_eq!(drain(&mut policy), [1, 3, 2, 0]);
    assert_eq!((policy.loaded, policy.cost_us), (0, 0));
}

#[test]
fn agrees_with_a_plain_table() {
    for (name, value) in
        [("load-time", Value::LoadTime), ("objects", Value::Objects), ("bytes", Value::Bytes)]
    {
        agree::<Gdsf, _>(&[("value", name)], |capacity| Table::new(capacity, value));
    }
}

#[test]
fn agrees_where_weights_and_costs_differ() {
    for (name, value) in
        [("load-time", Value::LoadTime), ("objects", Value::Objects), ("bytes", Value::Bytes)]
    {
        let (mut policy, mut table) = (policy(name), Table::new(100, value));
        let mut random = Random::new(7);
        for operation in 0..20_000 {
            let key = random.below(100);
            let slot = key as u32;
            let resident = table.entries.iter().any(|plain| plain.key == key);
            // Powers of two, whose quotients and sums are the same in any order.
            let [weight, cost_us] = [6, 10].map(|powers| 1 << random.below(powers));
            let entry = entry(key, weight, if random.below(3) == 0 { 0 } else { cost_us });
            match (random.below(8), resident) {
                (0..4, true) => {
                    policy.touch(slot);
                    table.used(key, None);
                }
                (4, true) => {
                    policy.overwrite(slot, &entry);
                    table.used(key, Some(entry));
                }
                (5, true) => {
                    policy.remove(slot);
                    table.remove(key);
                }
                (6.., _) => {
                    let victim = policy.victim().map(u64::from);
                    assert_eq!(victim, table.evict(), "operation {operation}");
                }
                (_, false) => {
                    policy.insert(slot, &entry);
                    table.insert(key, entry);
                }
            }
        }
    }
}

#[test]
fn takes_44_bytes_an_entry() {
    let bytes = bytes_per_entry::<Gdsf>(1_000_000);
    assert!((44.0..44.5).contains(&bytes), "{bytes}");
}

#[test]
fn options_are_checked() {
    let refused = |name, value| {
        let refused = Simulator::<Gdsf>::new(3, &[(name, value)]);
        refused.expect_err("that makes no sense").to_string()
    };
    let problem = "`time` is not allowed, it must be load-time, objects or bytes";
    assert_eq!(refused("value", "time"), format!("option value: {problem}"));
    assert_eq!(refused("values", "bytes"), "unknown option values (known: value)");
}
