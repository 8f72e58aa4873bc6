//! W-TinyLFU by its queues, then against the same on plain queues; the sketch is shared.

use std::collections::{HashMap, VecDeque};

use psycache_plugin::{Step, Stepped};
use psycache_plugin_testing::{Model, Request, Simulator, agree, bytes_per_entry, streams};

use super::*;

/// Window, probation and protected, the last used at the front.
#[derive(Default)]
struct Queues {
    window: VecDeque<u32>,
    probation: VecDeque<u32>,
    protected: VecDeque<u32>,
    window_share: f64,
    /// Entries at which some have to leave.
    room: Option<usize>,
}

impl Queues {
    fn new(window_share: f64) -> Self {
        Self { window_share, ..Self::default() }
    }

    fn len(&self) -> usize {
        self.window.len() + self.probation.len() + self.protected.len()
    }

    fn size(&self) -> usize {
        self.len().min(self.room.unwrap_or(usize::MAX))
    }

    fn window_limit(&self) -> usize {
        ((self.size() as f64 * self.window_share) as usize).max(1)
    }

    fn contains(&self, hash: u32) -> bool {
        [&self.window, &self.probation, &self.protected].iter().any(|queue| queue.contains(&hash))
    }

    fn remove(&mut self, hash: u32) {
        for queue in [&mut self.window, &mut self.probation, &mut self.protected] {
            queue.retain(|resident| *resident != hash);
        }
    }

    fn touch(&mut self, hash: u32) {
        for queue in [&mut self.window, &mut self.protected] {
            if queue.contains(&hash) {
                queue.retain(|resident| *resident != hash);
                return queue.push_front(hash);
            }
        }
        self.remove(hash);
        self.protected.push_front(hash);
        let behind = self.size().saturating_sub(self.window_limit());
        while self.protected.len() > (behind as f64 * 0.8) as usize {
            self.probation.push_front(self.protected.pop_back().expect("one was just pushed"));
        }
    }

    fn insert(&mut self, hash: u32) {
        self.window.push_front(hash);
        while self.window.len() + self.size() > self.window_limit() + self.len() {
            self.probation.push_front(self.window.pop_back().expect("it is longer than one"));
        }
    }

    fn evict(&mut self, deserves: impl FnOnce(u32, u32) -> bool) -> u32 {
        let victim = self.probation.back().or(self.protected.back()).copied();
        let newcomer = self.window.back().copied();
        let evicted = match (newcomer, victim) {
            (Some(newcomer), Some(victim))
                if self.window.len() + self.size() >= self.window_limit() + self.len() =>
            {
                if deserves(newcomer, victim) {
                    self.window.pop_back();
                    self.probation.push_front(newcomer);
                    victim
                } else {
                    newcomer
                }
            }
            (_, Some(victim)) => victim,
            (newcomer, None) => newcomer.expect("somebody is resident"),
        };
        self.remove(evicted);
        evicted
    }
}

/// The whole policy. It knows keys by their mixed hash only.
struct Plain {
    capacity: usize,
    live: Queues,
    sketch: Sketch,
    shadows: [Queues; 5],
    scores: [f64; 5],
    sample: usize,
    sampled: usize,
    random: u64,
}

impl Plain {
    fn new(capacity: usize) -> Self {
        Self {
            capacity,
            live: Queues::new(0.01),
            sketch: Sketch::new(capacity as u32 + 1),
            shadows: [0.01, 0.05, 0.2, 0.5, 0.9].map(Queues::new),
            scores: [0.0; 5],
            sample: 1,
            sampled: 0,
            random: 1,
        }
    }

    fn in_sample(&self, hash: u32) -> bool {
        u64::from(hash) < (1 << HASH_BITS) / self.sample as u64
    }

    /// One key in `sample` is sampled.
    fn fit(&mut self) {
        let entries = self.live.len();
        self.sketch.fit(entries as u32);
        while entries / self.sample >= 1024 {
            self.sample *= 2;
            let least = (1 << HASH_BITS) / self.sample as u64;
            for shadow in &mut self.shadows {
                for queue in [&mut shadow.window, &mut shadow.probation, &mut shadow.protected] {
                    queue.retain(|hash| u64::from(*hash) < least);
                }
            }
        }
        while self.sample > 1 && entries / self.sample < 256 {
            self.sample /= 2;
        }
    }

    fn record(&mut self, hash: u32) {
        self.sketch.record(hash);
        if !self.in_sample(hash) {
            return;
        }
        let capacity = (self.live.len() / self.sample).max(1);
        let sketch = &self.sketch;
        for (shadow, score) in self.shadows.iter_mut().zip(&mut self.scores) {
            if shadow.contains(hash) {
                shadow.touch(hash);
                *score += 1.0;
                continue;
            }
            shadow.room = Some(capacity);
            while shadow.len() >= capacity {
                shadow.evict(|newcomer, victim| sketch.prefers(newcomer, victim));
            }
            shadow.insert(hash);
        }
        self.sampled += 1;
        if self.sampled >= (capacity / 4).max(1) {
            self.sampled = 0;
            self.steer();
        }
    }

    fn steer(&mut self) {
        let best = self.scores.iter().copied().fold(1.0, f64::max);
        let weights = self.scores.map(|score| ((score - best) / best.sqrt()).exp());
        let logarithms = self.shadows.iter().zip(weights).map(|(q, w)| w * q.window_share.ln());
        let target = (logarithms.sum::<f64>() / weights.iter().sum::<f64>()).exp();
        self.live.window_share = self.live.window_share.powf(0.9) * target.powf(0.1);
        self.scores = self.scores.map(|score| score * (-1.0_f64 / 32.0).exp2());
    }
}

impl Model for Plain {
    fn request(&mut self, key: u64) -> Request {
        let hash = mixed(key);
        if self.live.contains(hash) {
            self.live.touch(hash);
            self.record(hash);
            return Request { hit: true, evicted: None };
        }
        let (sketch, random) = (&self.sketch, &mut self.random);
        let evicted = (self.live.len() == self.capacity).then(|| {
            self.live.evict(|newcomer, victim| deserves(newcomer, victim, sketch, random))
        });
        self.live.insert(hash);
        self.fit();
        self.record(hash);
        Request { hit: false, evicted: evicted.map(unmixed) }
    }

    fn remove(&mut self, key: u64) {
        let hash = mixed(key);
        self.live.remove(hash);
        if self.in_sample(hash) {
            self.shadows.iter_mut().for_each(|shadow| shadow.remove(hash));
        }
    }
}

/// The key below a million that has that mixed hash.
fn unmixed(hash: u32) -> u64 {
    static KEYS: std::sync::OnceLock<std::collections::HashMap<u32, u64>> =
        std::sync::OnceLock::new();
    KEYS.get_or_init(|| (0..1_000_000).map(|key| (mixed(key), key)).collect())[&hash]
}

/// Window, probation and protected, each from the last used on.
fn dump(cache: &Simulator<Adaptive>) -> [Vec<u64>; 3] {
    let slots = cache.policy().segments.dump();
    slots.map(|slots| slots.into_iter().map(|slot| cache.key(slot)).collect())
}

fn requests(cache: &mut Simulator<Adaptive>, keys: impl IntoIterator<Item = u64>) -> u32 {
    keys.into_iter().map(|key| u32::from(cache.request(key).hit)).sum()
}

#[test]
fn a_newcomer_has_to_be_used_more_often_than_the_victim() {
    let mut cache = Simulator::<Adaptive>::new(4, &[]).expect("no options");
    requests(&mut cache, [1, 2, 3, 4, 1, 2]);
    // A window of one, and 3 behind it, of which 80 % are two.
    assert_eq!(dump(&cache), [vec![4], vec![3], vec![2, 1]]);
    // 4 leaves the window and was used no more often than 3: it is refused.
    assert_eq!(cache.request(5).evicted, Some(4));
    assert_eq!(dump(&cache), [vec![5], vec![3], vec![2, 1]]);
    // 4 comes again; 5 is refused. Then 4 has two uses and 3 one: the one that brought 4 does not
    // count.
    assert_eq!(cache.request(4).evicted, Some(5));
    assert_eq!(cache.request(6).evicted, Some(4));
    assert_eq!(cache.request(4).evicted, Some(6));
    assert_eq!(cache.request(7).evicted, Some(3));
    assert_eq!(dump(&cache), [vec![7], vec![4], vec![2, 1]]);
}

#[test]
fn a_use_protects_an_entry_and_the_coldest_protected_one_goes_back() {
    let mut cache = Simulator::<Adaptive>::new(6, &[]).expect("no options");
    requests(&mut cache, [1, 2, 3, 4, 5, 6, 1, 2, 3, 4]);
    assert_eq!(dump(&cache), [vec![6], vec![5], vec![4, 3, 2, 1]]);
    requests(&mut cache, [2, 5]);
    assert_eq!(dump(&cache), [vec![6], vec![1], vec![5, 2, 4, 3]]);
}

#[test]
fn agrees_with_plain_queues() {
    agree::<Adaptive, _>(&[], Plain::new);
}

#[test]
fn agrees_where_keys_are_sampled() {
    let mut policy = Simulator::<Adaptive>::new(2_500, &[]).expect("no options");
    let mut plain = Plain::new(2_500);
    let scans = streams::scans(6_000, 500, 300, 30_000, 3);
    for (at, key) in scans.into_iter().enumerate() {
        assert_eq!(policy.request(key), plain.request(key), "request {at} for {key}");
    }
    assert_eq!(plain.sample, 4);
    // When most are gone, more of the others are sampled.
    let residents: Vec<u64> = (0..40_000).filter(|key| policy.slot(*key).is_some()).collect();
    for key in residents.into_iter().skip(100) {
        policy.remove(key);
        plain.remove(key);
    }
    for (at, key) in streams::zipf(5_000, 0.9, 5_000, 4).into_iter().enumerate() {
        assert_eq!(policy.request(key), plain.request(key), "request {at} for {key}");
    }
}

#[test]
fn the_window_is_large_for_recency_and_small_for_frequency() {
    let mut cache = Simulator::<Adaptive>::new(400, &[]).expect("no options");
    // Each key is used twice, some time apart, and never again.
    let recent = (150..20_000).flat_map(|at| [at, at - 150]);
    let hits = requests(&mut cache, recent);
    let window = cache.policy().segments.window_share();
    assert!(window > 0.7, "{window}");
    assert!(hits > 17_000, "{hits} of at most 19,850");
    // A loop over more keys than fit; the window should keep as few of them as it can.
    requests(&mut cache, streams::circle(600, 60_000));
    let window = cache.policy().segments.window_share();
    assert!(window < 0.03, "{window}");
    let hits = requests(&mut cache, streams::circle(600, 3_000));
    assert!(hits > 1_800, "{hits} of 2,000 that the best would have");
}

/// Hits of `keys` in a cache of `capacity` entries, told in steps of up to `batch` misses,
/// as a node tells them: more entries may wait for room than the window has.
fn hits_in_batches(capacity: u32, batch: u32, keys: impl Iterator<Item = u64>) -> u32 {
    let bound = capacity + batch;
    let mut policy =
        Stepped::<Adaptive>::new(&Config::new(capacity.into(), bound)).expect("no options");
    let mut keys_by_slot = vec![0; bound as usize];
    let mut slots = HashMap::new();
    let mut unused: Vec<u32> = (0..bound).collect();
    let (mut touched, mut admitted, mut victims) = (Vec::new(), Vec::new(), Vec::new());
    let mut hits = 0;
    let mut sizes = [batch, 1, batch / 2 + 1];
    for key in keys {
        if let Some(slot) = slots.get(&key) {
            hits += 1;
            touched.push(*slot);
            continue;
        }
        let slot = unused.pop().expect("a step makes room for a batch");
        slots.insert(key, slot);
        keys_by_slot[slot as usize] = key;
        admitted.push(slot);
        if admitted.len() < sizes[0] as usize {
            continue;
        }
        sizes.rotate_left(1);
        let hashes: Vec<u64> = admitted.iter().map(|slot| keys_by_slot[*slot as usize]).collect();
        let step = Step {
            touched: &touched,
            admitted: &admitted,
            hashes: &hashes,
            attributes: &[1, 0, 0].repeat(admitted.len()),
            need: (slots.len() as u64).saturating_sub(capacity.into()),
            ..Step::default()
        };
        policy.step(&step, &mut victims);
        assert!(slots.len() - victims.len() <= capacity as usize, "the need is met");
        for slot in &victims {
            slots.remove(&keys_by_slot[*slot as usize]);
        }
        unused.append(&mut victims);
        touched.clear();
        admitted.clear();
    }
    hits
}

#[test]
fn a_loop_is_kept_in_batches_too() {
    for (capacity, keys) in [(200, 1_000), (1_000, 2_000), (10_000, 12_000)] {
        let circle = || streams::circle(keys, 30 * keys as usize).into_iter();
        let best = 29 * (capacity - 1);
        for batch in [1, 4, capacity / 40] {
            let hits = hits_in_batches(capacity, batch, circle());
            let lost = 29 * 2 * batch;
            assert!(hits + lost > best - best / 20, "{capacity}, {batch}: {hits} of {best}");
        }
    }
}

#[test]
fn a_policy_that_is_told_of_its_entries_late_does_not_take_itself_for_a_small_one() {
    let mut segments = Segments::<1024>::new(10_000, 0.01);
    assert_eq!(segments.evict(|_, _| false), None);
    for slot in 0..10_000 {
        segments.insert(slot, slot);
        if slot % 256 == 0 {
            segments.learn_full_len();
        }
    }
    assert!(segments.settled_len() >= 9_375);
    let [window, ..] = segments.dump();
    assert!(window.len() <= 95 + 625, "{}", window.len());
}

#[test]
fn the_lowest_number_of_late_at_which_an_entry_has_to_leave_is_learnt() {
    let mut segments = Segments::<1024>::new(1_000, 0.01);
    (0..1_000).for_each(|slot| segments.insert(slot, slot));
    assert_eq!(segments.settled_len(), 1_000);
    segments.learn_full_len();
    (990..1_000).for_each(|slot| _ = segments.remove(slot));
    segments.learn_full_len();
    (990..1_000).for_each(|slot| segments.insert(slot, slot));
    assert_eq!(segments.settled_len(), 990);
    (0..100).for_each(|_| segments.learn_full_len());
    assert_eq!(segments.settled_len(), 990);
    (0..10_000).for_each(|_| segments.learn_full_len());
    assert_eq!(segments.settled_len(), 1_000);
}

#[test]
fn the_same_seed_gives_the_same_victims() {
    let run = |seed| {
        let mut policy =
            Adaptive::configure(&Config { seed, ..Config::new(50, 51) }).expect("no options");
        let entry = |hash| Entry { hash, weight: 1, cost_us: 0, ttl_ms: 0 };
        (0..50).for_each(|slot| policy.insert(slot, &entry(slot.into())));
        (0..20).for_each(|_| (0..50).for_each(|slot| policy.touch(slot)));
        let mut victims = Vec::new();
        for hash in 50..3_000 {
            let slot = policy.victim().expect("somebody is resident");
            victims.push(slot);
            policy.insert(slot, &entry(hash));
            (0..16).for_each(|_| policy.touch(slot));
        }
        victims
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2), "warm newcomers are let in by chance");
}

#[test]
fn takes_less_than_30_bytes_an_entry() {
    for (entries, expected) in [(100_000, 28.0..30.0), (1_000_000, 25.0..27.0)] {
        let bytes = bytes_per_entry::<Adaptive>(entries);
        assert!(expected.contains(&bytes), "{bytes} at {entries}");
    }
}

#[test]
fn an_option_is_refused() {
    let error = Simulator::<Adaptive>::new(3, &[("k", "2")]).expect_err("there are no options");
    assert_eq!(error.to_string(), "unknown option k (there are no options)");
}
